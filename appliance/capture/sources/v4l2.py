"""USB cameras through Video4Linux: H.264 copied where the camera offers it, else its pictures are encoded with x264.

A camera is bound by a name that stays the same when it is plugged in elsewhere or another one is added: a link under
``/dev/v4l/by-id`` (which camera) or ``/dev/v4l/by-path`` (which socket), never ``/dev/video0``.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import Pace, SourcePacket, StreamInfo
from appliance.capture.sources.copying import CopyReader
from appliance.capture.sources.encoding import H264Encoder
from appliance.capture.sources.failures import camera_error, reason_of
from appliance.capture.sources.live import LiveSource
from appliance.clock import SECOND_US
from appliance.errors import CameraError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from av.container import InputContainer

    from appliance.cameras.model import Camera
    from appliance.clock import Clock
    from appliance.config import Settings

_STABLE = re.compile(r"/dev/v4l/by-(?:id|path)/[^/\0]+")
# Tried in this order; the first the camera accepts is used.
OFFERS: tuple[dict[str, str], ...] = (
    {"input_format": "h264", "video_size": "1280x720", "framerate": "15"},
    {"input_format": "h264"},
    {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "15"},
    {"input_format": "mjpeg"},
    {"input_format": "yuyv422", "video_size": "640x480"},
    {},
)
# The camera does not speak that format, or not at that size: try the next.
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOTTY, errno.EIO})
DEFAULT_FPS = 15.0
DAMAGED_IN_A_ROW = 30


def open_device(path: str, options: dict[str, str], timeout: float) -> InputContainer:
    """Open one device with FFmpeg; replaced in tests."""
    return av.open(path, "r", format="v4l2", options=options, timeout=timeout)


class V4l2Source(LiveSource):
    """One USB camera. See `appliance.capture.sources.base.Source`."""

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        settings: Settings,
        opener: Callable[[str, dict[str, str], float], InputContainer] = open_device,
    ) -> None:
        super().__init__(camera.address)
        self._clock = clock
        self._settings = settings.capture
        self._opener = opener

    def connect(self) -> StreamInfo:
        """Open the device with the best format it offers."""
        if not _STABLE.fullmatch(self._what):
            raise CameraError(
                f"{self._what} is no stable name of a USB camera.",
                reason="invalid",
                hint="`exambox cameras discover` lists the names under /dev/v4l/by-id.",
            )
        opened_us = self._clock.mono_us()
        container = self._open_best()
        if not container.streams.video:
            container.close()
            raise camera_error("no_video", self._what)
        stream: Any = container.streams.video[0]
        if stream.codec_context and stream.codec_context.name == "h264":
            copied = CopyReader(container, self._what, self._clock, self._settings, audio=False)
            self._reader = copied
            return copied.look(opened_us, opened_us + 3 * SECOND_US)
        encoded = EncodingReader(container, self._what, self._clock)
        self._reader = encoded
        return encoded.look()

    def _open_best(self) -> InputContainer:
        problem: BaseException = camera_error("no_video", self._what)
        for offer in OFFERS:
            try:
                return self._opener(self._what, offer, self._settings.lost_after_seconds)
            except (av.FFmpegError, OSError) as refused:
                problem = refused
                if getattr(refused, "errno", None) not in _NOT_OFFERED:
                    break
        raise problem


class EncodingReader:
    """Reads raw or MJPEG pictures and encodes them."""

    def __init__(self, container: InputContainer, what: str, clock: Clock) -> None:
        self._container = container
        self._what = what
        self._clock = clock

    def look(self) -> StreamInfo:
        """Prepare the encoder for the camera's pictures."""
        stream: Any = self._container.streams.video[0]
        if stream.codec_context is None or not stream.width or not stream.height:
            raise camera_error("unsupported_codec", self._what)
        stream.codec_context.thread_count = 1
        rate = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
        self._stream = stream
        self._size = (stream.width // 2 * 2, stream.height // 2 * 2)
        self._encoder = H264Encoder(*self._size, rate)
        return StreamInfo(self._encoder.info, None, templates={"video": self._encoder.template})

    def packets(self, closing: threading.Event, pace: Pace) -> Iterator[SourcePacket]:  # noqa: ARG002  pictures are encoded one by one
        """Yield encoded pictures until ``closing``; see `Source.packets`."""
        damaged = 0
        try:
            for packet in self._container.demux(self._stream):
                if closing.is_set():
                    return
                arrived_us = self._clock.mono_us()
                frames = self._decoded(packet)
                damaged = 0 if frames else damaged + 1
                if damaged > DAMAGED_IN_A_ROW:
                    raise camera_error("invalid", self._what)
                for frame in frames:
                    yield from self._encoded(frame, arrived_us)
        except (av.FFmpegError, OSError) as problem:
            raise camera_error(reason_of(problem, opening=False), self._what) from problem
        raise camera_error("lost", self._what)

    @staticmethod
    def _decoded(packet: Any) -> list[Any]:
        try:
            return list(packet.decode()) if packet.size else []
        except av.InvalidDataError:  # USB loses a packet now and then: half a JPEG
            return []

    def _encoded(self, frame: Any, arrived_us: int) -> Iterator[SourcePacket]:
        if (frame.width // 2 * 2, frame.height // 2 * 2) != self._size:
            raise camera_error("stream_changed", self._what)
        picture = frame.reformat(width=self._size[0], height=self._size[1], format="yuv420p")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        picture.pict_type = 0  # the camera's own choice must not make every picture a keyframe
        for packet in self._encoder.encode(picture):
            yield SourcePacket("video", packet, packet.is_keyframe, arrived_us)

    def close(self) -> None:
        """Release the device."""
        self._container.close()
