"""Encoded packets to fragmented MP4, one fragment a frame, in memory and without touching the pictures.

One muxer a stream, so that a silent microphone never holds pictures back; their track numbers and the common
initialisation segment fit together. A muxer holds the newest frame until the next one arrives (its duration is
known only then).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import av

from appliance.capture.codec_strings import boxes, codecs_of
from appliance.capture.timeline import SECOND_US, Timeline
from appliance.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.container import OutputContainer

    from appliance.capture.sources.base import SourcePacket, StreamInfo

Kind = Literal["video", "audio"]
MICROSECOND = Fraction(1, SECOND_US)
# A picture is never said to last longer: what lies beyond is a hole, and the sealer states it.
MAX_FRAME_US = SECOND_US
_TRACK: dict[Kind, int] = {"video": 1, "audio": 2}
_OPTIONS = {
    # frag_discont: times stay absolute when a muxer is begun anew in mid-stream.
    "movflags": "frag_every_frame+empty_moov+default_base_moof+skip_trailer+frag_discont",
    "use_stream_ids_as_track_ids": "1",
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
}


@dataclass(frozen=True, slots=True)
class Fragment:
    """One frame (or one packet of sound) as ``moof mdat``; times in microseconds.

    ``start_us`` is monotonic time; ``media_us`` the decode time written inside. ``discontinuity``: the camera's
    clock jumped before it.
    """

    kind: Kind
    data: bytes
    start_us: int
    duration_us: int
    media_us: int
    keyframe: bool
    discontinuity: bool = False


class _Sink:
    """The file-like object the muxer writes to; takes what was written since last asked."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(data)
        return len(data)

    def take(self) -> bytes:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return data


@dataclass(slots=True)
class _Held:
    """The frame a muxer has not written yet."""

    start_us: int
    media_us: int
    keyframe: bool
    discontinuity: bool


def _open_muxer(
    sink: _Sink, templates: Mapping[Kind, Any], extradata: bytes = b""
) -> tuple[OutputContainer, dict[Kind, Any]]:
    container = av.open(sink, "w", format="mp4", options=_OPTIONS)
    streams: dict[Kind, Any] = {}
    for kind, template in templates.items():
        stream: Any = container.add_stream_from_template(template)
        stream.id = _TRACK[kind]
        stream.time_base = MICROSECOND
        if kind == "video":
            if extradata:
                stream.codec_context.extradata = extradata
            if stream.codec_context.codec.canonical_name == "hevc":
                stream.codec_tag = "hvc1"  # parameter sets out of band, as browsers want it
        streams[kind] = stream
    container.start_encoding()
    return container, streams


class _Track:
    """One stream's timeline and muxer."""

    def __init__(self, info: StreamInfo, kind: Kind, template: Any) -> None:
        self._template = template
        self._kind: Kind = kind
        self._timeline = Timeline()
        self._sink = _Sink()
        self._muxer: OutputContainer | None = None
        self._stream: Any = None
        self._written = b""
        self._held: _Held | None = None
        self._spacing_us = _nominal_us(info, kind)
        self._time_base: tuple[int, int] | None = None

    def place(self, packet: SourcePacket) -> tuple[int, bool]:
        """Return where the packet belongs in monotonic time, and whether the camera's clock jumped."""
        inner = packet.packet
        if self._time_base is None:
            # Fractions are slow; a stream's time base never changes.
            self._time_base = (inner.time_base.numerator * SECOND_US, inner.time_base.denominator)
        stamp = inner.dts if inner.dts is not None else inner.pts
        camera_us = None if stamp is None else stamp * self._time_base[0] // self._time_base[1]
        placed = self._timeline.place(camera_us, packet.arrived_us)
        return placed.start_us, placed.discontinuity

    def push(self, packet: SourcePacket, start_us: int, anchor_us: int, *, discontinuity: bool) -> list[Fragment]:
        """Mux one packet and return what was held before it, complete."""
        done: list[Fragment] = []
        held = self._held
        if held and (discontinuity or start_us - held.start_us > MAX_FRAME_US):
            done = self.flush(start_us)
            held = None
        if self._muxer is None:
            self._muxer, streams = _open_muxer(self._sink, {self._kind: self._template})
            self._stream = streams[self._kind]
            self._sink.take()  # the initialisation segment is the fragmenter's
        media_us = start_us - anchor_us
        self._restamp(packet, media_us)
        self._muxer.mux_one(packet.packet)
        if held:
            self._spacing_us = start_us - held.start_us
            done = self._fragment(held, self._spacing_us)
        self._held = _Held(start_us, media_us, packet.keyframe, discontinuity)
        return done

    def flush(self, next_us: int | None = None) -> list[Fragment]:
        """Write the held frame with the spacing seen last, and end this muxer; the next packet begins another."""
        if self._muxer is None:
            return []
        self._muxer.close()
        self._muxer = None
        held, self._held = self._held, None
        if held is None:
            return []
        duration = self._spacing_us if next_us is None else min(self._spacing_us, next_us - held.start_us)
        return self._fragment(held, max(1, duration))

    def _restamp(self, packet: SourcePacket, media_us: int) -> None:
        inner = packet.packet
        ahead_us = 0
        shown, decoded = inner.pts, inner.dts
        if shown is not None and decoded is not None and shown != decoded and self._time_base is not None:
            # How much later than decoded it is shown; a lying camera must not push pictures out of sight.
            ahead_us = min(max(0, (shown - decoded) * self._time_base[0] // self._time_base[1]), SECOND_US)
        inner.time_base = MICROSECOND
        inner.dts = media_us
        inner.pts = media_us + ahead_us
        inner.duration = self._spacing_us
        inner.stream = self._stream

    def _fragment(self, held: _Held, duration_us: int) -> list[Fragment]:
        self._written += self._sink.take()
        if not _is_whole(self._written):
            return []  # more of it is still in the muxer's buffer
        data, self._written = self._written, b""
        return [
            Fragment(self._kind, data, held.start_us, duration_us, held.media_us, held.keyframe, held.discontinuity)
        ]


class Fragmenter:
    """Turns one opened source's packets into fragments.

    Attributes:
        init: the initialisation segment (``ftyp moov``) of every fragment.
        codecs: their codecs in RFC 6381's form.
    """

    def __init__(self, info: StreamInfo) -> None:
        """Build the initialisation segment.

        Raises:
            CameraError: ``unsupported_codec`` or ``invalid``; the stream does not go into MP4.
        """
        kinds: list[Kind] = ["video", "audio"] if info.audio else ["video"]
        sink = _Sink()
        with _as_camera_error():
            # Kept open: its streams are the templates of later muxers, when the source's own may be gone.
            self._base, streams = _open_muxer(
                sink, {kind: info.templates[kind] for kind in kinds}, info.video.extradata
            )
        self.init = sink.take()
        self.codecs = codecs_of(self.init)
        self._tracks = {kind: _Track(info, kind, streams[kind]) for kind in kinds}
        self._anchor_us: int | None = None

    def push(self, packet: SourcePacket) -> list[Fragment]:
        """Take one packet (it is changed and must not be used again) and return the fragments that are complete.

        Packets of sound that belong before the first picture are dropped.

        Raises:
            CameraError: ``invalid``; the packet is no frame of its codec.
        """
        track = self._tracks.get(packet.kind)
        if track is None or (self._anchor_us is None and not (packet.kind == "video" and packet.keyframe)):
            return []
        start_us, discontinuity = track.place(packet)
        if self._anchor_us is None:
            self._anchor_us = start_us
        if start_us < self._anchor_us:
            return []
        with _as_camera_error():
            return track.push(packet, start_us, self._anchor_us, discontinuity=discontinuity)

    def flush(self) -> list[Fragment]:
        """Return what is still held; the next packet may follow."""
        with _as_camera_error():
            return [fragment for track in self._tracks.values() for fragment in track.flush()]


class _as_camera_error:  # noqa: N801  reads as a statement; a class, as a generator costs 2 us a packet
    """Turns the muxer's refusals into the camera's failure."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, (av.FFmpegError, ValueError)):
            raise CameraError(
                f"The camera's stream cannot be recorded: {problem}.",
                reason="invalid",
                hint="Set the camera to H.264 and restart it.",
            ) from problem


def _nominal_us(info: StreamInfo, kind: Kind) -> int:
    if kind == "audio" and info.audio:
        return 1024 * SECOND_US // max(1, info.audio.rate)
    return round(SECOND_US / info.video.fps) if info.video.fps > 0 else SECOND_US // 25


def _is_whole(data: bytes) -> bool:
    """Whether the data is whole boxes that end in ``mdat``."""
    end, last = 0, b""
    for last, _, end in boxes(data):  # noqa: B007  both are wanted after the loop
        pass
    return end == len(data) and last == b"mdat"
