"""Cameras that lie, stall and flood cost only themselves."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from appliance.cameras.model import Camera
from appliance.capture.fragmenter import Fragmenter
from appliance.capture.sources.rtsp import RtspSource
from appliance.clock import SystemClock
from appliance.config import CaptureSettings, Settings
from appliance.errors import CameraError
from tests.support.lying_rtsp import LyingCamera, Say
from tests.support.media import access_units

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = access_units(40)
RATE = 25
FPS_PAUSE = 0.9 / RATE


def source(camera: LyingCamera, *, mbit: int = 80) -> RtspSource:
    """Return a source that reads the fake camera."""
    row = Camera(id="cam", name="Cam", role="room", kind="rtsp", address=camera.url)
    return RtspSource(
        row, None, SystemClock(), Settings(capture=CaptureSettings(lost_after_seconds=1.0, max_bitrate_mbit=mbit))
    )


def honest(start: float = 0.0, count: int = 10_000) -> Iterator[Say]:
    """Play pictures as an honest camera does."""
    for n in range(count):
        yield Say(UNITS[n % len(UNITS)], at=start + n / RATE, pause=FPS_PAUSE)


def until_failure(camera: RtspSource, most: int = 5000) -> str:
    """Read until the camera fails; return why."""
    camera.open()
    with pytest.raises(CameraError) as failed:
        for _ in itertools.islice(camera.packets(), most):
            pass
    return failed.value.reason


def test_the_fake_camera_tells_the_truth_when_asked_to() -> None:
    """The server of these tests is read like any camera."""
    with LyingCamera(honest, first=UNITS[0]) as liar:
        camera = source(liar)
        info = camera.open()
        assert (info.video.width, info.video.height) == (160, 96)
        packets = list(itertools.islice(camera.packets(), 20))
        assert packets[0].keyframe
        camera.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"DESCRIBE": "401 Unauthorized"}, "unauthorised"),
        ({"DESCRIBE": "404 Not Found"}, "not_found"),
        ({"DESCRIBE": "503 Service Unavailable"}, "busy"),
        ({"SETUP": "453 Not Enough Bandwidth"}, "busy"),
        ({"DESCRIBE": "silence"}, "timeout"),
        ({"PLAY": "silence"}, "timeout"),
    ],
)
def test_refusals_have_a_plain_reason_within_five_seconds(answer: dict[str, str], reason: str) -> None:
    """Whatever a camera refuses or keeps silent about, the reason comes in time."""
    clock = SystemClock()
    with LyingCamera(honest, first=UNITS[0], answer=answer) as liar:
        began = clock.mono_us()
        with pytest.raises(CameraError) as refused:
            source(liar).open()
        assert clock.mono_us() - began < 5_000_000
    assert refused.value.reason == reason


@pytest.mark.parametrize("description", ["", "v=0\r\n", "\0" * 100, "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:t\r\n"])
def test_a_description_without_pictures_is_refused(description: str) -> None:
    """A camera that describes nothing, rubbish or only sound delivers no pictures, and that is said."""
    with LyingCamera(honest, description=description) as liar, pytest.raises(CameraError) as refused:
        source(liar).open()
    assert refused.value.reason in ("no_video", "invalid", "timeout")


@pytest.mark.parametrize("jump", [-3.0, 7.0, 40_000.0])
def test_a_timestamp_jump_goes_on_with_one_discontinuity(jump: float) -> None:
    """Back, ahead and almost around: the stream goes on, times grow, and the break is marked once."""

    def script() -> Iterator[Say]:
        yield from honest(10.0, 40)
        yield from honest(10.0 + 40 / RATE + jump, 200)

    with LyingCamera(script, first=UNITS[0]) as liar:
        camera = source(liar)
        fragmenter = Fragmenter(camera.open())
        packets = itertools.islice(camera.packets(), 80)
        fragments = [f for packet in packets for f in fragmenter.push(packet)]
        camera.close()
    starts = [f.start_us for f in fragments]
    assert all(a < b for a, b in itertools.pairwise(starts))
    assert sum(f.discontinuity for f in fragments) == 1


def test_a_flood_is_cut_off() -> None:
    """A camera that sends far more than it may ends with `flood`."""
    flood = UNITS[0] + b"\0\0\1\x0c" + b"\xff" * 200_000

    def script() -> Iterator[Say]:
        for n in range(3000):
            yield Say(flood, at=n / RATE)

    with LyingCamera(script, first=UNITS[0]) as liar:
        assert until_failure(source(liar, mbit=4)) == "flood"


def test_garbage_ends_the_camera_and_nothing_else() -> None:
    """Random bytes instead of pictures end in a stated reason within seconds, never in a crash."""
    chance = random.Random(7)  # noqa: S311  repeatable on purpose

    def script() -> Iterator[Say]:
        yield from honest(0.0, 30)
        for n in range(30, 3000):
            yield Say(b"\0\0\1" + bytes([0x80]) + chance.randbytes(300), at=n / RATE, pause=0.002)

    with LyingCamera(script, first=UNITS[0]) as liar:
        assert until_failure(source(liar)) in ("invalid", "lost")


def test_garbage_between_the_rtp_packets_is_survived_or_ends_plainly() -> None:
    """Bytes that are no RTSP at all in mid-stream never hang or crash the reader."""
    chance = random.Random(8)  # noqa: S311  repeatable on purpose

    def script() -> Iterator[Say]:
        yield from honest(0.0, 30)
        for _ in range(200):
            yield Say(raw=chance.randbytes(2000), pause=0.001)

    with LyingCamera(script, first=UNITS[0]) as liar:
        assert until_failure(source(liar)) in ("invalid", "lost")


def test_another_resolution_without_warning_is_noticed() -> None:
    """New parameter sets in a keyframe of another size end the stream as changed."""
    other = access_units(20, 320, 192)

    def script() -> Iterator[Say]:
        yield from honest(0.0, 40)
        for n in range(200):
            yield Say(other[n % 20], at=40 / RATE + n / RATE, pause=FPS_PAUSE)

    with LyingCamera(script, first=UNITS[0]) as liar:
        assert until_failure(source(liar)) == "stream_changed"


def test_a_wrong_description_is_corrected_by_the_pictures() -> None:
    """A camera whose description tells of another size is recorded with the size of its pictures."""
    with LyingCamera(honest, first=access_units(1, 320, 192)[0]) as liar:
        camera = source(liar)
        info = camera.open()
        assert (info.video.width, info.video.height) == (160, 96)
        packets = list(itertools.islice(camera.packets(), 30))
        assert sum(packet.keyframe for packet in packets) >= 2
        camera.close()


def test_a_camera_that_hangs_up_is_lost() -> None:
    """The end of the connection is the loss of the camera."""
    with LyingCamera(lambda: honest(0.0, 40), first=UNITS[0]) as liar:
        assert until_failure(source(liar)) == "lost"


def test_a_camera_that_falls_silent_is_lost_after_one_patience_not_two() -> None:
    """FFmpeg gives the last picture away only when reading timed out; that picture is no sign of life."""

    def script() -> Iterator[Say]:
        yield from honest(0.0, 30)
        yield Say(pause=6)

    clock = SystemClock()
    with LyingCamera(script, first=UNITS[0]) as liar:
        camera = source(liar)
        camera.open()
        arrivals = [clock.mono_us()]
        with pytest.raises(CameraError):
            arrivals.extend(packet.arrived_us for packet in camera.packets())
        # The last one but one is the last that came by itself.
        assert clock.mono_us() - arrivals[-2] < 1_600_000
        camera.close()
