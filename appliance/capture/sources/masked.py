"""Privacy masks: what lies under them is blanked before anything is recorded, shown or analysed.

The camera's pictures are decoded, the polygons filled with black, and encoded again with x264. It costs a decode and
an encode a picture; an unmasked camera pays nothing. Sound goes through untouched.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import SourcePacket, StreamInfo
from appliance.capture.sources.encoding import H264Encoder
from appliance.capture.sources.failures import camera_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appliance.cameras.model import Polygon
    from appliance.capture.sources.base import Source

BLACK = (16, 128, 128)
DEFAULT_FPS = 15.0
# A stream of which nothing can be decoded for this long is no picture that can be masked.
UNDECODED_LIMIT = 100


class Masks:
    """Polygons, prepared for one size of picture."""

    def __init__(self, polygons: Sequence[Polygon], width: int, height: int) -> None:
        """Scale polygons of ``(x, y)`` in 0..1 to a picture, and a pixel outwards: half-covered pixels are covered."""
        import numpy as np  # noqa: PLC0415  only masked cameras pay for it

        self._planes = []
        for shrink in (1, 2, 2):
            size = np.array([width // shrink, height // shrink])
            corners = [np.array([[x, y] for x, y in polygon]) * size for polygon in polygons]
            self._planes.append([np.rint(points).astype(np.int32) for points in corners])

    def blank(self, planes: Sequence[Any]) -> None:
        """Fill the polygons in the Y, U and V planes (arrays, changed in place)."""
        import cv2  # noqa: PLC0415  as above

        for plane, polygons, value in zip(planes, self._planes, BLACK, strict=True):
            for polygon in polygons:
                # One polygon a call: where two overlap, fillPoly would leave a hole.
                cv2.fillPoly(plane, [polygon], value)
                cv2.polylines(plane, [polygon], isClosed=True, color=value, thickness=2)


class MaskedSource:
    """A source whose pictures are blanked under polygons; see `appliance.capture.sources.base.Source`."""

    def __init__(self, inner: Source, polygons: Sequence[Polygon]) -> None:
        self._inner = inner
        self._polygons = list(polygons)
        self._encoder: H264Encoder | None = None
        self._decoder: Any = None
        self._undecoded = 0
        self._wanted = threading.Event()
        self._taken: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def open(self) -> StreamInfo:
        """Open the camera and prepare for its size; see `Source.open`."""
        info = self._inner.open()
        video = info.video
        # Encoding needs even sizes; a last odd row or column is cut off.
        self._width, self._height = video.width // 2 * 2, video.height // 2 * 2
        decoder: Any = av.CodecContext.create(video.codec, "r")
        decoder.extradata = video.extradata
        decoder.thread_count = 1
        decoder.flags |= av.codec.context.Flags.low_delay
        self._decoder = decoder
        self._encoder = H264Encoder(self._width, self._height, video.fps or DEFAULT_FPS)
        self._masks = Masks(self._polygons, self._width, self._height)
        templates = {**info.templates, "video": self._encoder.template}
        return StreamInfo(self._encoder.info, info.audio, masked=True, templates=templates)

    def packets(self) -> Iterator[SourcePacket]:
        """Yield blanked pictures; see `Source.packets`. What cannot be decoded is dropped, never passed on unmasked."""
        for packet in self._inner.packets():
            if packet.kind == "audio":
                yield packet
            else:
                yield from self._again(packet)

    def _again(self, packet: SourcePacket) -> Iterator[SourcePacket]:
        frames = []
        with contextlib.suppress(av.InvalidDataError):
            frames = self._decoder.decode(packet.packet)
        self._undecoded = 0 if frames else self._undecoded + 1
        if self._undecoded > UNDECODED_LIMIT:
            raise camera_error("invalid", "The camera")
        for frame in frames:
            for coded in self._encode(frame, packet):
                yield SourcePacket("video", coded, coded.is_keyframe, packet.arrived_us)

    def _encode(self, frame: Any, packet: SourcePacket) -> list[Any]:
        if self._encoder is None:
            return []
        picture = frame.reformat(width=self._width, height=self._height, format="yuv420p")
        picture.make_writable()  # the decoder still refers to it for the pictures that follow
        if self._wanted.is_set():
            self._wanted.clear()
            self._taken.put(picture.to_ndarray())
        self._masks.blank(_planes(picture))
        picture.pts = frame.pts
        picture.pict_type = 0  # the camera's own keyframes are not ours
        picture.time_base = frame.time_base or packet.packet.time_base
        return self._encoder.encode(picture)

    def uncovered(self, seconds: float) -> Any:
        """Return the next picture as it is before masking (an ``av.VideoFrame``); called by another thread.

        It is for whoever draws the masks, goes nowhere else and is kept nowhere.

        Raises:
            CameraError: ``timeout``, none came in time.
        """
        while not self._taken.empty():
            self._taken.get()
        self._wanted.set()
        try:
            return av.VideoFrame.from_ndarray(self._taken.get(timeout=seconds), format="yuv420p")
        except queue.Empty:
            self._wanted.clear()
            raise camera_error("timeout", "The camera") from None

    def close(self) -> None:
        """Release the camera."""
        self._inner.close()


def _planes(frame: Any) -> list[Any]:
    """Return the frame's planes as arrays that share its memory."""
    import numpy as np  # noqa: PLC0415  only masked cameras pay for it

    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]
