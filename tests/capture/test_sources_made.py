"""Sources that need no camera server: test picture, file, USB camera, Pi camera, masks."""

from __future__ import annotations

import itertools
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import av
import pytest

from appliance.cameras.model import Camera
from appliance.capture.fragmenter import Fragmenter
from appliance.capture.sources import pattern_code, v4l2, v4l2_names
from appliance.capture.sources.factory import make_source
from appliance.capture.sources.pattern import parse_address
from appliance.clock import ManualClock
from appliance.config import CaptureSettings, Settings
from appliance.errors import CameraError
from tests.support.media import access_units, decoded, video_file

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.capture.sources.base import Source

SETTINGS = Settings(capture=CaptureSettings(lost_after_seconds=1.0))
BY_ID = "/dev/v4l/by-id/usb-Acme_Camera_1234-video-index0"


def camera(kind: str, address: str, **more: Any) -> Camera:
    """Return a camera that is not stored."""
    return Camera(id="cam", name="Cam", role="room", kind=kind, address=address, **more)  # type: ignore[arg-type]


def play(source: Source, count: int) -> tuple[Any, list[Any], Fragmenter, bytes]:
    """Return what the source says, its fragments, and the whole as MP4."""
    info = source.open()
    fragmenter = Fragmenter(info)
    packets = itertools.islice(source.packets(), count)
    fragments = [f for packet in packets for f in fragmenter.push(packet)] + fragmenter.flush()
    source.close()
    return info, fragments, fragmenter, fragmenter.init + b"".join(f.data for f in fragments)


def luma(frame: Any) -> Any:
    """Return a picture's brightness."""
    return frame.to_ndarray(format="gray")


def test_the_test_picture_tells_its_number_and_time() -> None:
    """Each picture carries its number and the wall clock, readable after H.264, at its own speed."""
    clock = ManualClock()
    began_ms = clock.wall_us() // 1000
    _, fragments, _, data = play(make_source(camera("pattern", "320x240@10"), None, clock, SETTINGS), 12)
    stamps = [pattern_code.read(luma(f)[:16], 240, near_wall_ms=began_ms) for f in decoded(data)]
    assert [stamp and stamp.frame for stamp in stamps] == list(range(12))
    assert [stamp and stamp.wall_ms - began_ms for stamp in stamps] == [n * 100 for n in range(12)]
    assert [f.keyframe for f in fragments] == [n % 10 == 0 for n in range(12)]


def test_the_test_picture_leaves_out_what_it_cannot_draw_in_time() -> None:
    """A machine that is too slow misses pictures; it never falls behind the clock."""
    clock = ManualClock()
    source = make_source(camera("pattern", "160x96@10"), None, clock, SETTINGS)
    source.open()
    packets = source.packets()
    next(packets)
    clock.advance(1.05)
    stamps = [float(p.packet.pts * p.packet.time_base) for p in itertools.islice(packets, 2)]
    assert stamps == pytest.approx([1.0, 1.1])
    source.close()
    assert list(packets) == []


@pytest.mark.parametrize("address", ["", "1280", "1281x720@15", "9999x9999", "160x96@0", "64x64@15", "1280x720@99"])
def test_impossible_test_pictures_are_refused(address: str) -> None:
    """A size or speed that cannot be is refused with an example of one that can."""
    with pytest.raises(CameraError, match="test picture") as refused:
        parse_address(address)
    assert "1280x720@15" in refused.value.hint


@pytest.mark.parametrize("sound", [False, True])
def test_a_file_is_looped_at_its_own_speed(tmp_path: Path, sound: bool) -> None:
    """A file goes round and round; times go on evenly over the seam, by the injected clock."""
    path = video_file(tmp_path / "clip.mp4", 20, fps=20, sound=sound)
    clock = ManualClock()
    source = make_source(camera("file", str(path), audio=sound), None, clock, SETTINGS)
    began_us = clock.mono_us()
    info, fragments, fragmenter, data = play(source, 130)
    assert (info.audio is not None) is sound
    pictures = [f for f in fragments if f.kind == "video"]
    assert len(pictures) > 50
    assert not any(f.discontinuity for f in fragments)
    steps = [b.start_us - a.start_us for a, b in itertools.pairwise(pictures)]
    assert min(steps) >= 45_000
    assert max(steps) <= 120_000
    assert abs(clock.mono_us() - began_us - len(pictures) * 50_000) < 300_000
    assert len(decoded(data)) == len(pictures)
    assert fragmenter.codecs.endswith("mp4a.40.2") is sound


@pytest.mark.parametrize(("content", "reason"), [(None, "not_found"), (b"", "invalid"), (b"rubbish" * 99, "invalid")])
def test_a_file_that_is_no_video_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """A missing, empty or foreign file gives a plain reason."""
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError) as refused:
        make_source(camera("file", str(path)), None, ManualClock(), SETTINGS).open()
    assert refused.value.reason == reason


def test_a_file_of_another_codec_is_refused(tmp_path: Path) -> None:
    """A file that is neither H.264 nor H.265 says what is needed."""
    path = video_file(tmp_path / "clip.mp4", 3, codec="mpeg4")
    with pytest.raises(CameraError) as refused:
        make_source(camera("file", str(path)), None, ManualClock(), SETTINGS).open()
    assert refused.value.reason == "unsupported_codec"


def usb(path: Path, offers: set[str]) -> tuple[v4l2.V4l2Source, list[dict[str, str]]]:
    """A USB camera that offers some formats and delivers a file's packets."""
    asked: list[dict[str, str]] = []

    def opener(device: str, options: dict[str, str], timeout: float) -> Any:
        asked.append(options)
        if options.get("input_format", "") not in offers:
            raise av.error.ArgumentError(22, "Invalid argument", device)
        return av.open(str(path))

    return v4l2.V4l2Source(camera("v4l2", BY_ID), ManualClock(), SETTINGS, opener), asked


def test_a_usb_camera_with_h264_is_copied(tmp_path: Path) -> None:
    """The H.264 of a USB camera is taken as it is, bit for bit the same pictures."""
    (tmp_path / "cam.h264").write_bytes(b"".join(access_units(20)))
    source, asked = usb(tmp_path / "cam.h264", {"h264"})
    info, fragments, _, data = play(source, 15)
    assert [options["input_format"] for options in asked] == ["h264"]
    assert info.video.codec == "h264"
    assert len(fragments) == len(decoded(data)) == 15


def test_a_usb_camera_with_mjpeg_is_encoded(tmp_path: Path) -> None:
    """A camera without H.264 is asked for MJPEG, and its pictures are encoded with few keyframes."""
    source, asked = usb(video_file(tmp_path / "cam.avi", 30, codec="mjpeg"), {"mjpeg"})
    info, fragments, _, data = play(source, 25)
    assert [options["input_format"] for options in asked] == ["h264", "h264", "mjpeg"]
    assert (info.video.codec, info.video.width) == ("h264", 160)
    assert sum(f.keyframe for f in fragments) <= 3
    assert len(decoded(data)) == 25


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (av.error.FileNotFoundError(2, "No such file", BY_ID), "not_found"),
        (av.error.OSError(16, "Device or resource busy", BY_ID), "busy"),
        (av.error.PermissionError(13, "Permission denied", BY_ID), "unauthorised"),
    ],
)
def test_a_usb_camera_that_cannot_be_opened_says_why(error: Exception, reason: str) -> None:
    """Unplugged, in use and forbidden are told apart."""

    def opener(device: str, options: dict[str, str], timeout: float) -> Any:
        raise error

    with pytest.raises(CameraError) as refused:
        v4l2.V4l2Source(camera("v4l2", BY_ID), ManualClock(), SETTINGS, opener).open()
    assert refused.value.reason == reason


@pytest.mark.parametrize("address", ["/dev/video0", "/dev/v4l/by-id/../../sda", "/etc/passwd"])
def test_a_name_that_may_change_is_refused(address: str) -> None:
    """Only stable names are opened."""
    with pytest.raises(CameraError) as refused:
        make_source(camera("v4l2", address), None, ManualClock(), SETTINGS).open()
    assert refused.value.reason == "invalid"


def test_usb_cameras_are_discovered(tmp_path: Path) -> None:
    """The stable names of picture devices are listed, by-id first; metadata devices are not."""
    for name in ("by-id/usb-A-video-index0", "by-id/usb-A-video-index1", "by-path/pci-1-video-index0"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [name.removeprefix(str(tmp_path)) for name in v4l2_names.discover(tmp_path)]
    assert found == ["/by-id/usb-A-video-index0", "/by-path/pci-1-video-index0"]
    assert v4l2_names.discover(tmp_path / "none") == []


def fake_picamera2(units: list[bytes], *, cameras: int = 1, busy: bool = False) -> dict[str, types.ModuleType]:  # noqa: C901  nothing but small classes
    """picamera2 as far as it is used: the names, signatures and threads of release 0.3.30."""
    package, encoders, outputs = (types.ModuleType(f"picamera2{s}") for s in ("", ".encoders", ".outputs"))

    class Output:
        def __init__(self, pts: object = None) -> None:
            self.recording = False

        def outputframe(
            self, frame: bytes, keyframe: bool = True, timestamp: Any = None, packet: Any = None, audio: bool = False
        ) -> None:
            raise NotImplementedError

    class H264Encoder:
        def __init__(self, bitrate: int | None = None, repeat: bool = True, iperiod: int | None = None) -> None:
            assert repeat

    class Picamera2:
        closed = 0

        def __init__(self, camera_num: int = 0) -> None:
            if busy:
                raise RuntimeError("Camera __init__ sequence did not complete: Device or resource busy")

        @staticmethod
        def global_camera_info() -> list[dict[str, object]]:
            return [{"Num": n} for n in range(cameras)]

        def create_video_configuration(self, main: object = None, controls: object = None) -> dict[str, object]:
            return {"main": main, "controls": controls}

        def configure(self, configuration: dict[str, object]) -> None:
            assert configuration["main"]

        def start_recording(self, encoder: H264Encoder, output: Output) -> None:
            def encode() -> None:
                for n, unit in enumerate(units):
                    output.outputframe(memoryview(unit), n % 10 == 0, n * 66_667, packet=None, audio=False)  # type: ignore[arg-type]

            thread = threading.Thread(target=encode)
            thread.start()
            thread.join()

        def stop_recording(self) -> None:
            return

        def close(self) -> None:
            type(self).closed += 1

    package.Picamera2, package.encoders, package.outputs = Picamera2, encoders, outputs  # type: ignore[attr-defined]
    encoders.H264Encoder, outputs.Output = H264Encoder, Output  # type: ignore[attr-defined]
    return {"picamera2": package, "picamera2.encoders": encoders, "picamera2.outputs": outputs}


def test_a_pi_camera_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """What picamera2's encoder hands out is recorded as it is, and the camera is closed once."""
    modules = fake_picamera2(access_units(15))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    source = make_source(camera("picamera", "0"), None, ManualClock(), SETTINGS)
    info, fragments, fragmenter, data = play(source, 15)
    assert (info.video.width, info.video.height) == (160, 96)
    assert fragmenter.codecs.startswith("avc1.")
    assert [f.keyframe for f in fragments] == [n % 10 == 0 for n in range(15)]
    assert len(decoded(data)) == 15
    assert modules["picamera2"].Picamera2.closed == 1


@pytest.mark.parametrize(
    ("modules", "address", "reason"),
    [
        (fake_picamera2([], cameras=0), "0", "not_found"),
        (fake_picamera2([]), "front", "not_found"),
        (fake_picamera2([], busy=True), "0", "busy"),
        ({"picamera2": None}, "0", "not_found"),
    ],
)
def test_a_pi_camera_that_cannot_be_opened_says_why(
    monkeypatch: pytest.MonkeyPatch, modules: dict[str, Any], address: str, reason: str
) -> None:
    """No such camera, in use, and no picamera2 on this machine are told apart."""
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(CameraError) as refused:
        make_source(camera("picamera", address), None, ManualClock(), SETTINGS).open()
    assert refused.value.reason == reason


def test_a_pi_camera_that_stops_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no more pictures come, the camera is lost after the configured silence."""
    for name, module in fake_picamera2(access_units(2)).items():
        monkeypatch.setitem(sys.modules, name, module)
    source = make_source(camera("picamera", "0"), None, ManualClock(), SETTINGS)
    source.open()
    with pytest.raises(CameraError) as lost:
        list(source.packets())
    assert lost.value.reason == "lost"
