"""Writing a clip: opened segments into a regular MP4 by stream copy, with gaps kept as time."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from appliance.clock import SECOND_US, format_utc
from appliance.errors import IntegrityError, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.vault.facts import PartFacts
    from appliance.vault.manifest import Manifest
    from appliance.vault.playback import Piece

VIDEO_TIME_BASE = Fraction(1, 90_000)
# MP4 holds the time from one picture to the next in 31 bits of the time base above: 6.6 hours.
MAX_GAP_US = 6 * 3600 * SECOND_US


class ClipClock:
    """Places the monotonic time of any part on the clip's own timeline, in microseconds (pure).

    Within one boot the monotonic clock decides, so that a step of the wall clock neither stretches nor folds the
    clip; across boots the wall clock does, and time never runs backwards.
    """

    def __init__(self) -> None:
        self._boot: str | None = None
        self._offset_us = 0
        self._origin_wall = 0
        self._last_us = 0

    def enter(self, manifest: Manifest, first_mono: int) -> None:
        """Begin a part of which ``first_mono`` is the first time that will be placed."""
        boot = manifest.anchor.boot_id
        if self._boot is None:
            self._offset_us = -first_mono
            self._origin_wall = manifest.wall_of(first_mono)
        elif boot != self._boot:
            elapsed = manifest.wall_of(first_mono) - self._origin_wall
            self._offset_us = max(self._last_us, elapsed) - first_mono
        self._boot = boot

    def place(self, mono_us: int) -> int:
        """Return where a monotonic time of the part entered last lies in the clip."""
        placed = mono_us + self._offset_us
        self._last_us = max(self._last_us, placed)
        return placed


@dataclass(frozen=True, slots=True)
class StreamShape:
    """What must stay the same inside one MP4 file."""

    tracks: tuple[tuple[str, str, bytes | None, int, int], ...]

    @classmethod
    def of(cls, init: bytes, sample: bytes) -> StreamShape:
        """Read it from an initialisation segment and one segment of the same part."""
        with open_segment(init, sample) as container:
            return cls(tuple(_track(stream) for stream in container.streams))


def _track(stream: Any) -> tuple[str, str, bytes | None, int, int]:
    context = stream.codec_context
    size = (context.width, context.height) if stream.type == "video" else (context.sample_rate, context.channels)
    return stream.type, context.name, context.extradata, *size


def open_segment(init: bytes, fragments: bytes) -> Any:
    """Return a PyAV input container over an initialisation segment and whole fragments.

    Raises:
        IntegrityError: PyAV cannot make sense of them.
    """
    try:
        return av.open(io.BytesIO(init + fragments), format="mp4")
    except (av.FFmpegError, ValueError) as problem:
        raise IntegrityError(f"A segment holds no playable MP4: {problem}.") from problem


class ClipWriter:
    """One MP4 file under way; nothing is written before the first keyframe.

    Attributes:
        start_us: wall time of the first picture delivered, None before there is one.
        end_us: wall time at which the last packet delivered ends.
        frames: pictures written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start_us: int | None = None
        self.end_us = 0
        self.frames = 0
        self._out: Any = None
        self._streams: dict[int, Any] = {}
        self._last_dts: dict[int, int] = {}
        self._clock = ClipClock()
        self._part: int | None = None
        self._needs_key = True

    def add(self, piece: Piece, init: bytes, until_us: int) -> bool:
        """Copy a segment's packets that begin before ``until_us`` (wall); return whether there were any.

        What cannot be decoded, because the keyframe before it was not recorded, is left out.

        Raises:
            IntegrityError: the segment's contents are no MP4.
            VaultError: the file cannot be written.
        """
        if piece.discontinuity or piece.part.number != self._part:
            self._needs_key = True
        copied = False
        with open_segment(init, piece.data) as container:
            for packet in _packets(container):
                mono_us = _micros(packet.dts, packet.time_base) + piece.header.start_us - piece.header.media_us
                if piece.part.manifest.wall_of(mono_us) < until_us and self._may_begin(packet):
                    self._copy(packet, piece.part, mono_us, container)
                    copied = True
        return copied

    def close(self) -> None:
        """Complete the file and sync it to the disk.

        Raises:
            VaultError: it cannot be written.
        """
        try:
            if self._out is not None:
                self._out.close()
                self._out = None
                with self.path.open("rb+") as file:
                    os.fsync(file.fileno())
        except (av.FFmpegError, OSError) as problem:
            raise write_failed(self.path, problem) from problem

    def abandon(self) -> None:
        """Let go of an incomplete file, which the caller removes."""
        if self._out is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._out.close()
            self._out = None

    def _may_begin(self, packet: Any) -> bool:
        if self._needs_key and packet.stream.type == "video" and packet.is_keyframe:
            self._needs_key = False
        return not self._needs_key

    def _copy(self, packet: Any, part: PartFacts, mono_us: int, container: Any) -> None:
        if self._part != part.number:
            self._clock.enter(part.manifest, mono_us)
            self._part = part.number
        wall_us = part.manifest.wall_of(mono_us)
        length_us = _micros(packet.duration or 0, packet.time_base)
        if self.start_us is None:
            self.start_us = wall_us
        self.end_us = max(self.end_us, wall_us + length_us)
        self.frames += packet.stream.type == "video"
        try:
            if self._out is None:
                self._open(container, wall_us)
            self._restamp(packet, self._clock.place(mono_us), length_us)
            self._out.mux(packet)
        except (av.FFmpegError, OSError) as problem:
            raise write_failed(self.path, problem) from problem

    def _open(self, container: Any, wall_us: int) -> None:
        self._out = av.open(str(self.path), "w", format="mp4")
        self._out.metadata["creation_time"] = format_utc(wall_us)
        for template in container.streams:
            stream = self._out.add_stream_from_template(template)
            if template.type == "video":
                stream.time_base = VIDEO_TIME_BASE
                stream.codec_tag = template.codec_tag
            self._streams[template.index] = stream
        self._out.start_encoding()

    def _restamp(self, packet: Any, clip_us: int, length_us: int) -> None:
        """Give a packet its place in the clip; decode times of a stream must grow."""
        stream = self._streams[packet.stream.index]
        shown_after_us = 0 if packet.pts is None else _micros(packet.pts - packet.dts, packet.time_base)
        dts = max(_ticks(clip_us, stream.time_base), self._last_dts.get(stream.index, -1) + 1)
        self._last_dts[stream.index] = dts
        packet.time_base = stream.time_base
        packet.dts = dts
        packet.pts = dts + _ticks(shown_after_us, stream.time_base)
        packet.duration = _ticks(length_us, stream.time_base)
        packet.stream = stream


def _packets(container: Any) -> Iterator[Any]:
    try:
        yield from (packet for packet in container.demux() if packet.dts is not None)
    except (av.FFmpegError, ValueError) as problem:
        raise IntegrityError(f"A segment holds no playable MP4: {problem}.") from problem


def _micros(ticks: int, time_base: Fraction) -> int:
    return round(ticks * time_base * SECOND_US)


def _ticks(micros: int, time_base: Fraction) -> int:
    return round(Fraction(micros, SECOND_US) / time_base)


def write_failed(path: Path, problem: Exception) -> VaultError:
    """Return the error for a clip that the disk did not take."""
    reason = getattr(problem, "strerror", None) or problem
    return VaultError(
        f"{path} cannot be written: {reason}.", hint="Check the free space and the permissions of the folder."
    )
