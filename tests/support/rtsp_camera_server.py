#!/usr/bin/python3
"""A real RTSP camera on loopback: GStreamer's own server with a test picture and clock, and faults on command.

Runs under the system's Python (Debian: python3-gi, gir1.2-gst-rtsp-server-1.0, GStreamer's plugins); the tests start
it through `tests.support.rtsp_camera.RtspCamera`. Prints its address, then obeys one command a line on standard input:
``stall``, ``resume``, ``size WIDTHxHEIGHT``, ``stop``.
"""

from __future__ import annotations

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  only after the versions are chosen

ENCODERS = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbit} key-int-max={gop} ! "
        "video/x-h264,profile=baseline ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1"
    ),
    "h265": (
        "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbit} key-int-max={gop} ! "
        "h265parse ! rtph265pay name=pay0 pt=96 config-interval=1"
    ),
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
SOUNDS = {
    "none": "",
    "aac": "audio/x-raw,rate=48000,channels=1 ! voaacenc bitrate=64000 ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "pcmu": "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0",
    "pcma": "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
}
DIGEST = 2  # GstRTSPAuthMethod


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--path", default="/cam")
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    parser.add_argument("--audio", choices=sorted(SOUNDS), default="none")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--kbit", type=int, default=800)
    parser.add_argument("--gop", type=int, default=15)
    parser.add_argument("--pattern", default="ball")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    return parser.parse_args()


def caps(size: str, fps: int) -> str:
    """Return raw pictures of this size and rate, as GStreamer writes it."""
    width, height = size.split("x")
    return f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"


def pipeline(o: argparse.Namespace) -> str:
    """Return the camera as a GStreamer pipeline."""
    picture = (
        f"videotestsrc is-live=true pattern={o.pattern} ! capsfilter name=size caps={caps(o.size, o.fps)} ! "
        f"timeoverlay ! identity name=gate ! {ENCODERS[o.codec].format(kbit=o.kbit, gop=o.gop)}"
    )
    sound = f" audiotestsrc is-live=true wave=ticks ! {SOUNDS[o.audio]}" if SOUNDS[o.audio] else ""
    return f"( {picture}{sound} )"


def demand_digest(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, o: argparse.Namespace
) -> None:
    """Let nobody in without user and password."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.set_supported_methods(DIGEST)
    auth.add_digest(o.user, o.password, token)
    server.set_auth(auth)
    may = "viewer, media.factory.access=true, media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.from_string(may)[0])


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Camera:
    """The served media, to be disturbed."""

    def __init__(self, o: argparse.Namespace, loop: GLib.MainLoop) -> None:
        self._o = o
        self._loop = loop
        self._media: list[Gst.Element] = []

    def configure(self, _factory: object, media: GstRtspServer.RTSPMedia) -> None:
        """Remember a new media; GStreamer calls it."""
        self._media.append(media.get_element())

    def obey(self, line: str) -> bool:
        """Carry out one command; runs once in GLib's loop."""
        word, _, value = line.strip().partition(" ")
        if word == "stop":
            self._loop.quit()
        for element in self._media:
            if word in ("stall", "resume"):
                element.get_by_name("gate").set_property("drop-probability", 1.0 if word == "stall" else 0.0)
            elif word == "size":
                element.get_by_name("size").set_property("caps", Gst.Caps.from_string(caps(value, self._o.fps)))
        say(f"done {word}")
        return False

    def listen(self) -> None:
        """Pass commands on until the other end is gone."""
        for line in sys.stdin:
            GLib.idle_add(self.obey, line)
        GLib.idle_add(self._loop.quit)  # the test that started it is gone


def main() -> None:
    """Serve until told to stop."""
    o = arguments()
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(o.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(o))
    factory.set_shared(True)
    if o.user:
        demand_digest(server, factory, o)
    camera = Camera(o, loop)
    factory.connect("media-configure", camera.configure)
    server.get_mount_points().add_factory(o.path, factory)
    if not server.attach(None):
        sys.exit(f"port {o.port} is taken")
    say(f"rtsp://127.0.0.1:{server.get_bound_port()}{o.path}")
    threading.Thread(target=camera.listen, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
