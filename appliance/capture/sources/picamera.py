"""A Raspberry Pi's own camera through picamera2: its encoder's packets, taken in memory, not encoded a second time.

picamera2 exists only on a Raspberry Pi (extra ``pi``, or Debian's python3-picamera2) and is imported only when such
a camera is opened. What is used of it (picamera2 0.3.30): ``Picamera2.global_camera_info``, its methods
``create_video_configuration``, ``configure``, ``start_recording``, ``stop_recording`` and ``close``;
``encoders.H264Encoder`` with ``repeat`` (parameter sets in every keyframe) and ``iperiod``; and
``outputs.Output.outputframe``, which the encoder's thread calls with the bytes of a picture, whether it is a keyframe,
and the sensor's time in microseconds.
"""

from __future__ import annotations

import importlib
import io
import queue
import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
from av.packet import Packet

from appliance.capture.sources.base import SourcePacket, StreamInfo, VideoInfo
from appliance.capture.sources.failures import camera_error
from appliance.capture.sources.parameter_sets import annex_b, parameter_sets
from appliance.clock import SECOND_US
from appliance.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.cameras.model import Camera
    from appliance.clock import Clock
    from appliance.config import Settings

WIDTH, HEIGHT, FPS = 1280, 720, 15
BIT_RATE = 3_000_000
# About four seconds: a recorder that stands still longer has lost pictures anyway, and says so.
QUEUED = 60
FIRST_PICTURE_SECONDS = 4.0
MICROSECOND = Fraction(1, SECOND_US)


class Picture(NamedTuple):
    """One encoded picture from the encoder's thread."""

    data: bytes
    keyframe: bool
    camera_us: int | None
    arrived_us: int


class PicameraSource:
    """A Pi's camera by number. See `appliance.capture.sources.base.Source`."""

    def __init__(self, camera: Camera, clock: Clock, settings: Settings) -> None:
        self._address = camera.address
        self._what = f"The Raspberry Pi camera {camera.address}"
        self._clock = clock
        self._lost_seconds = settings.capture.lost_after_seconds
        self._pictures: queue.Queue[Picture] = queue.Queue(QUEUED)
        self._closing = threading.Event()
        self._releasing = threading.Lock()
        self._device: Any = None
        self._described: Any = None
        self._first: Picture | None = None

    def open(self) -> StreamInfo:
        """Start the camera and wait for its first keyframe; see `Source.open`."""
        picamera2 = _picamera2()
        number = self._number(picamera2)
        try:
            self._device = picamera2.Picamera2(number)
            frame_us = SECOND_US // FPS
            self._device.configure(
                self._device.create_video_configuration(
                    main={"size": (WIDTH, HEIGHT), "format": "YUV420"},
                    controls={"FrameDurationLimits": (frame_us, frame_us)},
                )
            )
            encoder = picamera2.encoders.H264Encoder(bitrate=BIT_RATE, repeat=True, iperiod=FPS)
            self._device.start_recording(encoder, self._output(picamera2))
            return self._look()
        except (RuntimeError, OSError) as problem:
            self._release()
            busy = "busy" in str(problem).lower() or "in use" in str(problem).lower()
            raise camera_error("busy" if busy else "no_video", self._what) from problem
        except CameraError:
            self._release()
            raise

    def _number(self, picamera2: Any) -> int:
        known = len(picamera2.Picamera2.global_camera_info())
        if not self._address.isdecimal() or int(self._address) >= known:
            raise camera_error("not_found", self._what)
        return int(self._address)

    def _output(self, picamera2: Any) -> Any:
        """Return an output that hands pictures to this source; its class needs picamera2, so it is made here."""
        take = self._take

        class MemoryOutput(picamera2.outputs.Output):  # type: ignore[misc]  # the base is known only on a Pi
            def outputframe(
                self,
                frame: bytes,
                keyframe: bool = True,  # noqa: FBT001, FBT002  picamera2's signature
                timestamp: int | None = None,
                *_more: object,
                **_named: object,
            ) -> None:
                take(bytes(frame), timestamp, keyframe=bool(keyframe))

        return MemoryOutput()

    def _take(self, data: bytes, camera_us: int | None, *, keyframe: bool) -> None:
        """Runs in the encoder's thread: never waits; what does not fit is lost and seen as a gap."""
        try:
            self._pictures.put_nowait(Picture(data, keyframe, camera_us, self._clock.mono_us()))
        except queue.Full:
            return

    def _look(self) -> StreamInfo:
        first = self._next(FIRST_PICTURE_SECONDS)
        while first is not None and not first.keyframe:
            first = self._next(FIRST_PICTURE_SECONDS)
        if first is None:
            raise camera_error("no_video", self._what)
        self._first = first
        sets = annex_b(parameter_sets(first.data, "h264"))
        # Read as a file of its own, the keyframe gives FFmpeg's description of the stream.
        self._described = av.open(io.BytesIO(first.data), "r", format="h264")
        stream = self._described.streams.video[0]
        video = VideoInfo("h264", stream.width, stream.height, sets, float(FPS))
        return StreamInfo(video, None, templates={"video": stream})

    def packets(self) -> Iterator[SourcePacket]:
        """Yield pictures, the first a keyframe; see `Source.packets`."""
        try:
            picture, self._first = self._first, None
            while not self._closing.is_set():
                if picture is None:
                    raise camera_error("lost", self._what)
                yield _as_source(picture)
                picture = self._next(self._lost_seconds)
        finally:
            self._release()

    def _next(self, seconds: float) -> Picture | None:
        try:
            return self._pictures.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop the camera; safe twice and from another thread."""
        self._closing.set()
        self._release()

    def _release(self) -> None:
        with self._releasing:
            device, self._device = self._device, None
        if device is not None:
            try:
                device.stop_recording()
            finally:
                device.close()


def _picamera2() -> Any:
    try:
        module = importlib.import_module("picamera2")
        importlib.import_module("picamera2.encoders")
        importlib.import_module("picamera2.outputs")
    except ImportError as problem:
        raise CameraError(
            "This machine has no picamera2.",
            reason="not_found",
            hint="It is for Raspberry Pis: install exambox with its extra `pi`, or Debian's python3-picamera2.",
        ) from problem
    return module


def _as_source(picture: Picture) -> SourcePacket:
    packet: Any = Packet(picture.data)
    packet.time_base = MICROSECOND
    packet.pts = packet.dts = picture.camera_us
    packet.is_keyframe = picture.keyframe
    return SourcePacket("video", packet, picture.keyframe, picture.arrived_us)
