"""Network cameras, real ones on loopback."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.cameras.credentials import Credential
from appliance.cameras.model import Camera
from appliance.capture.fragmenter import Fragmenter
from appliance.capture.sources.rtsp import RtspSource, signed_url
from appliance.clock import SystemClock
from appliance.config import CaptureSettings, Settings
from appliance.errors import CameraError
from tests.support.fixtures import rtsp_camera as rtsp_camera  # noqa: PLC0414  a fixture, used by its name
from tests.support.media import decoded
from tests.support.rtsp_camera import RtspCamera

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.capture.sources.base import SourcePacket

pytestmark = pytest.mark.media
QUICK = Settings(capture=CaptureSettings(lost_after_seconds=1.0))


def source(camera: RtspCamera, *, audio: bool = False, secret: Credential | None = None, url: str = "") -> RtspSource:
    """Return a source that reads a real camera."""
    secret = secret or (Credential(user=camera.user, password=camera.password) if camera.user else None)
    row = Camera(id="cam", name="Cam", role="room", kind="rtsp", address=url or camera.url, audio=audio)
    return RtspSource(row, secret, SystemClock(), QUICK)


def take(packets: Iterator[SourcePacket], count: int) -> list[SourcePacket]:
    """Return the next packets."""
    return list(itertools.islice(packets, count))


def test_pictures_are_copied_and_play(rtsp_camera: RtspCamera) -> None:
    """With digest sign-in and a password full of special signs, the first packet is a keyframe, and all decode."""
    camera = source(rtsp_camera)
    info = camera.open()
    assert (info.video.codec, info.video.width, info.video.height, info.audio) == ("h264", 640, 360, None)
    assert info.video.fps == pytest.approx(15, rel=0.1)
    fragmenter = Fragmenter(info)
    packets = take(camera.packets(), 20)
    assert packets[0].keyframe
    assert {packet.kind for packet in packets} == {"video"}
    fragments = [f for packet in packets for f in fragmenter.push(packet)] + fragmenter.flush()
    assert not any(f.discontinuity for f in fragments)
    assert len(decoded(fragmenter.init + b"".join(f.data for f in fragments))) == 20
    camera.close()


@pytest.mark.parametrize(
    ("secret", "path", "reason"),
    [
        (Credential(user="box", password="wrong"), "", "unauthorised"),
        (None, "/other", "not_found"),
        (Credential(user="b" * 100, password="p" * 100), "", "unauthorised"),
    ],
)
def test_what_is_wrong_is_said_plainly(
    rtsp_camera: RtspCamera, secret: Credential | None, path: str, reason: str
) -> None:
    """A wrong password or path gives its reason and a hint, and no word of the password."""
    with pytest.raises(CameraError) as refused:
        source(rtsp_camera, secret=secret, url=rtsp_camera.url + path).open()
    assert refused.value.reason == reason
    assert refused.value.hint
    assert refused.value.__cause__ is None
    shown = f"{refused.value.message}{refused.value.hint}{refused.value!r}"
    assert rtsp_camera.password not in shown
    assert "ppp" not in shown


@pytest.mark.parametrize(
    ("codec", "audio", "codecs", "rate"),
    [("h264", "aac", "avc1", 48_000), ("h265", "pcmu", "hvc1", 8_000), ("h264", "pcma", "avc1", 8_000)],
)
def test_codecs_and_sound(codec: str, audio: str, codecs: str, rate: int) -> None:
    """H.264 and H.265 are copied, AAC is copied, G.711 becomes AAC; pictures and sound lie close together."""
    with RtspCamera(codec=codec, audio=audio, gop=10) as real:
        camera = source(real, audio=True)
        info = camera.open()
        assert info.audio is not None
        assert (info.audio.codec, info.audio.rate, info.audio.channels) == ("aac", rate, 1)
        fragmenter = Fragmenter(info)
        assert fragmenter.codecs.startswith(codecs)
        assert fragmenter.codecs.endswith(",mp4a.40.2")
        fragments = [f for packet in take(camera.packets(), 60) for f in fragmenter.push(packet)]
        camera.close()
    last = {kind: max(f.start_us + f.duration_us for f in fragments if f.kind == kind) for kind in ("video", "audio")}
    # Sound comes in larger packets, one of which is still held when reading ends.
    assert abs(last["video"] - last["audio"]) < 600_000
    assert len(decoded(fragmenter.init + b"".join(f.data for f in fragments))) >= 5


def test_sound_is_not_fetched_unless_wanted() -> None:
    """A camera with a microphone delivers no sound at all while its settings say so."""
    with RtspCamera(audio="aac") as real:
        camera = source(real)
        assert camera.open().audio is None
        assert {packet.kind for packet in take(camera.packets(), 20)} == {"video"}
        camera.close()


def test_a_codec_that_is_not_recorded_is_refused() -> None:
    """An MJPEG network camera is told to switch to H.264."""
    with RtspCamera(codec="mjpeg") as real, pytest.raises(CameraError) as refused:
        source(real).open()
    assert refused.value.reason == "unsupported_codec"
    assert "H.264" in refused.value.hint


def test_a_stalled_camera_is_lost_in_time() -> None:
    """A camera that keeps its connection but sends nothing is lost after the configured silence."""
    clock = SystemClock()
    with RtspCamera(gop=5) as real:
        camera = source(real)
        camera.open()
        packets = camera.packets()
        take(packets, 3)
        real.tell("stall")
        began = clock.mono_us()
        with pytest.raises(CameraError) as lost:
            take(packets, 1000)
        assert lost.value.reason == "lost"
        assert clock.mono_us() - began < 4_000_000


def test_a_dead_camera_is_lost() -> None:
    """A camera that loses power ends as lost."""
    with RtspCamera(gop=5) as real:
        camera = source(real)
        camera.open()
        packets = camera.packets()
        take(packets, 3)
        real.kill()
        with pytest.raises(CameraError) as lost:
            take(packets, 1000)
        assert lost.value.reason == "lost"


def test_another_resolution_in_mid_stream_is_noticed() -> None:
    """A camera that switches its resolution ends the stream as changed."""
    with RtspCamera(gop=5) as real:
        camera = source(real)
        assert camera.open().video.width == 640
        packets = camera.packets()
        take(packets, 3)
        real.tell("size 320x240")
        with pytest.raises(CameraError) as changed:
            take(packets, 200)
        assert changed.value.reason == "stream_changed"


def test_closing_from_another_thread_ends_reading(rtsp_camera: RtspCamera) -> None:
    """After close the packets end, and closing twice is harmless."""
    camera = source(rtsp_camera)
    camera.open()
    packets = camera.packets()
    take(packets, 2)
    camera.close()
    assert list(packets) == []
    camera.close()


def test_reading_costs_no_opencv(rtsp_camera: RtspCamera) -> None:
    """A process that records a network camera holds neither OpenCV nor numpy, and stays below 60 MB."""
    program = (
        "import pathlib, sys\n"
        "from appliance.capture.sources.factory import make_source\n"
        "from appliance.capture.fragmenter import Fragmenter\n"
        "from appliance.cameras.model import Camera\n"
        "from appliance.cameras.credentials import Credential\n"
        "from appliance.clock import SystemClock\n"
        "from appliance.config import Settings\n"
        "url, user, password = sys.argv[1:]\n"
        "row = Camera(id='c', name='C', role='room', kind='rtsp', address=url)\n"
        "source = make_source(row, Credential(user=user, password=password), SystemClock(), Settings())\n"
        "fragmenter = Fragmenter(source.open())\n"
        "for number, packet in enumerate(source.packets()):\n"
        "    fragmenter.push(packet)\n"
        "    if number == 20: break\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(status.split('VmHWM:')[1].split()[0], {'cv2', 'numpy'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", program, rtsp_camera.url, rtsp_camera.user, rtsp_camera.password]
    kib, modules = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split(" ", 1)
    assert modules.strip() == "set()"
    assert int(kib) < 60 * 1024


@pytest.mark.parametrize("address", ["http://host/x", "rtsp://", "rtsp://host:99999/x", "rtsp:///x", "nonsense"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """What is no RTSP address never reaches FFmpeg, which would open files and web pages too."""
    with pytest.raises(CameraError) as refused:
        signed_url(address, None)
    assert refused.value.reason == "invalid"
