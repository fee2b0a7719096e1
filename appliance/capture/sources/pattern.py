"""A camera that needs no camera: a moving picture with the time, readable by people and machines."""

from __future__ import annotations

import re
import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from appliance.capture.sources import pattern_code
from appliance.capture.sources.base import SourcePacket, StreamInfo
from appliance.capture.sources.encoding import TIME_BASE, H264Encoder
from appliance.clock import SECOND_US, format_utc
from appliance.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.cameras.model import Camera
    from appliance.clock import Clock

DEFAULT = "1280x720@15"
_ADDRESS = re.compile(r"(\d{2,4})x(\d{2,4})(?:@(\d{1,2}))?")
_HINT = "Write WIDTHxHEIGHT@FPS, for example 1280x720@15; the size even and from 160x96 to 3840x2160, 1 to 60 a second."
_SMALLEST, _LARGEST, _FASTEST = (160, 96), (3840, 2160), 60


def parse_address(address: str) -> tuple[int, int, int]:
    """Return width, height and pictures a second of ``1280x720@15`` (the default also for ``default``).

    Raises:
        CameraError: ``invalid``.
    """
    found = _ADDRESS.fullmatch(DEFAULT if address == "default" else address)
    if not found:
        raise CameraError(f"{address!r} is no size of a test picture.", reason="invalid", hint=_HINT)
    width, height, fps = int(found[1]), int(found[2]), int(found[3] or 15)
    fits = _SMALLEST[0] <= width <= _LARGEST[0] and _SMALLEST[1] <= height <= _LARGEST[1]
    if not fits or width % 2 or height % 2 or not 1 <= fps <= _FASTEST:
        raise CameraError(f"{address} is no possible size of a test picture.", reason="invalid", hint=_HINT)
    return width, height, fps


class Painter:
    """Draws the pictures: a colour ramp made once, then only what moves."""

    def __init__(self, width: int, height: int) -> None:
        import numpy as np  # noqa: PLC0415  only this source and masks need it

        self._width, self._height = width, height
        self._blocks = pattern_code.block_height(height)
        ramp = np.linspace(40, 150, width, dtype=np.uint8)
        self._ground = np.empty((height * 3 // 2, width), np.uint8)  # planar YUV 4:2:0
        self._ground[:height] = ramp
        chroma = self._ground[height:].reshape(-1)
        half = chroma.size // 2
        chroma[:half] = np.resize(np.linspace(90, 166, width // 2, dtype=np.uint8), half)
        chroma[half:] = np.resize(np.linspace(150, 106, width // 2, dtype=np.uint8), half)
        self._canvas = self._ground.copy()

    def paint(self, frame: int, wall_us: int) -> Any:
        """Return picture number ``frame`` drawn at ``wall_us`` as a planar YUV array; valid until the next call."""
        import cv2  # noqa: PLC0415  as above

        canvas, height, width = self._canvas, self._height, self._width
        band = (height // 3, height - height // 3)
        canvas[:height] = self._ground[:height]
        radius = height // 12
        reach = max(1, width - 2 * radius)
        place = frame * max(2, width // 160) % (2 * reach)
        centre = (radius + (place if place < reach else 2 * reach - place), (band[0] + band[1]) // 2)
        cv2.circle(canvas, centre, radius, 235, -1)
        scale = height / 480
        text = f"{format_utc(wall_us)}  #{frame}"
        at = (width // 40, height - height // 10)
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 235, max(1, round(2 * scale)))
        self._stamp(frame, wall_us // 1000)
        return canvas

    def _stamp(self, frame: int, wall_ms: int) -> None:
        bits = pattern_code.encode(frame, wall_ms)
        count = pattern_code.BLOCKS
        row = self._canvas[: self._blocks]
        for block, bit in enumerate(bits):
            left, right = block * self._width // count, (block + 1) * self._width // count
            row[:, left:right] = pattern_code.WHITE if bit else pattern_code.BLACK


class PatternSource:
    """The test picture as a camera, in real time by the injected clock."""

    def __init__(self, camera: Camera, clock: Clock) -> None:
        self._address = camera.address
        self._clock = clock
        self._closing = threading.Event()
        self._encoder: H264Encoder | None = None

    def open(self) -> StreamInfo:
        """Prepare drawing and encoding; see `Source.open`."""
        self._width, self._height, self._fps = parse_address(self._address)
        self._painter = Painter(self._width, self._height)
        self._encoder = H264Encoder(self._width, self._height, self._fps)
        return StreamInfo(self._encoder.info, None, templates={"video": self._encoder.template})

    def packets(self) -> Iterator[SourcePacket]:
        """Yield pictures in real time until closed; a late one is left out, as a camera would."""
        if self._encoder is None:
            raise CameraError("The test picture is not open.", reason="lost")
        begun_us = self._clock.mono_us()
        frame = 0
        while not self._closing.is_set():
            due_us = begun_us + frame * SECOND_US // self._fps
            late_us = self._clock.mono_us() - due_us
            if late_us < 0:
                self._clock.sleep(-late_us / SECOND_US)
            yield from self._picture(frame, due_us - begun_us)
            passed = (self._clock.mono_us() - begun_us) * self._fps // SECOND_US
            frame = max(frame + 1, passed)

    def _picture(self, frame: int, at_us: int) -> Iterator[SourcePacket]:
        from av.video.frame import VideoFrame  # noqa: PLC0415  needs numpy, as the painter

        if self._encoder is None:
            return
        picture: Any = VideoFrame.from_ndarray(self._painter.paint(frame, self._clock.wall_us()), format="yuv420p")
        picture.time_base = TIME_BASE
        picture.pts = round(Fraction(at_us, SECOND_US) / TIME_BASE)
        for packet in self._encoder.encode(picture):
            yield SourcePacket("video", packet, packet.is_keyframe, self._clock.mono_us())

    def close(self) -> None:
        """End soon."""
        self._closing.set()
