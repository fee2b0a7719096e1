"""Raw pictures to H.264, for sources that do not encode themselves."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import VideoInfo

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

# ultrafast costs a Pi 5 about 0.6 core at 1080p30; the file is larger, the room's picture as good.
X264 = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0:sliced-threads=0:threads=1"}
TIME_BASE = Fraction(1, 90_000)


class Nowhere:
    """A file that forgets what is written to it."""

    def write(self, data: bytes) -> int:
        """Take and drop the data."""
        return len(data)


class H264Encoder:
    """Encodes one stream of pictures: a keyframe every second, nothing held back.

    Attributes:
        info: what comes out.
        template: the stream whose parameters the fragmenter copies.
    """

    def __init__(self, width: int, height: int, fps: float, *, kbit: int = 0) -> None:
        """Open the encoder for pictures of this size (even numbers), ``kbit`` or constant quality if 0."""
        rate = Fraction(fps).limit_denominator(1001)
        # The container is never written to; it makes the encoder's parameters a stream.
        self._container = av.open(Nowhere(), "w", format="mp4", options={"movflags": "empty_moov"})
        options = dict(X264) if kbit else {**X264, "crf": "24"}
        stream: Any = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.codec_context.gop_size = max(1, round(fps))
        stream.codec_context.thread_count = 1
        if kbit:
            stream.codec_context.bit_rate = kbit * 1000
        self._container.start_encoding()
        self.template = stream
        self.info = VideoInfo("h264", width, height, stream.codec_context.extradata or b"", fps)

    def encode(self, frame: VideoFrame | None) -> list[Packet[Any]]:
        """Return the packets of one picture (None: of all that are held); it keeps the picture's own time."""
        packets: list[Packet[Any]] = self.template.encode(frame)
        return packets

    def close(self) -> None:
        """Release the encoder."""
        self._container.close()
