"""The one interface of all sources: encoded packets in, nothing decoded where the camera encodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av
    from av.packet import Packet

MICROSECOND = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a source's pictures are."""

    codec: Literal["h264", "hevc"]
    width: int
    height: int
    extradata: bytes
    fps: float


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a source's sound is, after any transcoding: always something MP4 can hold."""

    codec: Literal["aac", "opus"]
    rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One opened source."""

    video: VideoInfo
    audio: AudioInfo | None
    masked: bool = False
    templates: dict[Literal["video", "audio"], av.stream.Stream] = field(default_factory=dict, compare=False)
    """Streams whose parameters the fragmenter copies (``add_stream_from_template``)."""


@dataclass(slots=True)
class SourcePacket:
    """One encoded access unit as the source gave it.

    ``packet`` carries pts/dts/duration in its own time base (camera time: trusted for spacing, never for
    dates); ``arrived_us`` is the box's monotonic clock when it arrived.
    """

    kind: Literal["video", "audio"]
    packet: Packet[av.stream.Stream]
    keyframe: bool
    arrived_us: int


@dataclass(slots=True)
class Pace:
    """How long packets may be gathered before they are passed on together; 0: each at once.

    Set by who reads, at any time. Working on a handful of packets with warm caches costs a third of being woken for
    each, and while nobody watches nobody sees the difference.
    """

    batch_us: int = 0


class Source(Protocol):
    """A camera that can be opened, read and closed; used by one thread."""

    def open(self) -> StreamInfo:
        """Connect and return what it delivers.

        Raises:
            CameraError: within 5 seconds, with a plain reason: ``unreachable``, ``refused``, ``unauthorised``,
                ``not_found``, ``no_video``, ``unsupported_codec``, ``timeout``, ``busy``, ``invalid``.
        """
        ...

    def packets(self) -> Iterator[SourcePacket]:
        """Yield packets until the camera ends or fails.

        Raises:
            CameraError: ``lost`` (ended, silent or broken connection), ``stream_changed`` (resolution or codec
                changed: open again), ``invalid`` (garbage), ``flood``.
        """
        ...

    def close(self) -> None:
        """Release the camera; safe to call twice and from another thread, then `packets` ends soon."""
        ...
