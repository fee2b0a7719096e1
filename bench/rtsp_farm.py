"""Several RTSP cameras on loopback that repeat one prepared H.264 stream: almost free, so that peers are measured.

Run by the system's Python (GStreamer's bindings come from Debian): ``rtsp_farm.py FILE COUNT``. Prints one address a
line, then serves until its standard input closes. Digest authentication, RTP over TCP.
"""

import re
import sys
import threading
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

FPS = 25
USER, PASSWORD = "bench", "bench-only"


def access_units(stream: bytes) -> list[bytes]:
    """Split an Annex B stream with access unit delimiters into pictures."""
    mark = b"\x00\x00\x00\x01\x09"
    starts = [match.start() for match in re.finditer(re.escape(mark), stream)]
    return [stream[a:b] for a, b in zip(starts, [*starts[1:], len(stream)], strict=True)]


class Camera:
    """Pushes the prepared pictures, over and over, with timestamps that go on."""

    def __init__(self, pictures: list[bytes]) -> None:
        self._pictures = pictures
        self._number = 0

    def feed(self, media: GstRtspServer.RTSPMedia) -> None:
        """Serve one media's appsrc."""
        source = media.get_element().get_by_name_recurse_up("source")
        source.connect("need-data", self._push)

    def _push(self, source: Gst.Element, _: int) -> None:
        buffer = Gst.Buffer.new_wrapped(self._pictures[self._number % len(self._pictures)])
        buffer.pts = buffer.dts = self._number * Gst.SECOND // FPS
        buffer.duration = Gst.SECOND // FPS
        self._number += 1
        source.emit("push-buffer", buffer)


def main(path: str, count: int) -> None:
    """Serve ``count`` cameras."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.set_supported_methods(2)  # digest
    auth.add_digest(USER, PASSWORD, token)
    server.set_auth(auth)
    role = "viewer, media.factory.access=true, media.factory.construct=true"
    pictures = access_units(Path(path).read_bytes())
    for number in range(count):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            "( appsrc name=source is-live=true format=time block=false max-bytes=400000 "
            f"caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={FPS}/1 "
            "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )
        factory.connect("media-configure", lambda _, media: Camera(pictures).feed(media))
        factory.set_shared(True)
        factory.add_role_from_structure(Gst.Structure.from_string(role)[0])
        server.get_mount_points().add_factory(f"/camera{number}", factory)
    if not server.attach(None):
        raise SystemExit("the RTSP port is taken")
    for number in range(count):
        print(f"rtsp://127.0.0.1:{server.get_bound_port()}/camera{number}", flush=True)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
