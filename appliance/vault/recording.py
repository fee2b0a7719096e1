"""A recording: all parts of one camera in one sitting, read by wall time. Seeking goes through the index only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from appliance.errors import NotFoundError, VaultError
from appliance.vault.facts import (
    DAMAGED_PART,
    MISSING_PART,
    NOT_RECORDED,
    DamagedPart,
    Gap,
    PartFacts,
    gap_of,
    survey,
    unreadable,
)
from appliance.vault.format import TILING_TOLERANCE_US, Kind, check_name
from appliance.vault.part_files import recordings
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """One line of the list of recordings; times are wall time in microseconds, None where nothing is readable.

    ``state``: ``open`` while its last part is not closed, ``closed``, or ``damaged`` where nothing can be read.
    """

    sitting: str
    camera: str
    parts: int
    start_us: int | None
    end_us: int | None
    bytes: int
    state: str
    trusted: bool
    masked: bool
    audio: bool
    gaps: tuple[Gap, ...]
    damaged: tuple[DamagedPart, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A segment, or a stated gap, in wall time (microseconds). ``gap`` is None for a segment."""

    part: PartFacts
    seq: int
    start_us: int
    end_us: int
    key_us: int | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class SeekPoint:
    """The segment that holds the last keyframe at or before a time; ``key_us`` is that keyframe's wall time."""

    part: PartFacts
    seq: int
    key_us: int


def list_recordings(vault_dir: Path) -> list[RecordingSummary]:
    """Return every recording in the vault, the newest first; damaged parts are listed, never fatal.

    Raises:
        VaultError: the vault folder itself cannot be read.
    """
    try:
        places = list(recordings(vault_dir))
    except OSError as problem:
        raise unreadable(vault_dir, problem) from problem
    found = [summary for place in places if (summary := summarise(vault_dir, *place))]
    return sorted(found, key=lambda item: (-(item.start_us or 0), item.sitting, item.camera))


def summarise(vault_dir: Path, sitting: str, camera: str) -> RecordingSummary | None:
    """Return the line of one recording; None where nothing is there.

    Raises:
        BadInputError: a name that cannot be one.
        VaultError: the folder cannot be read.
    """
    parts, damaged = survey(vault_dir, sitting, camera)
    if not parts and not damaged:
        return None
    ends = [part.picture_end_us for part in parts if part.picture_end_us is not None]
    return RecordingSummary(
        sitting=sitting,
        camera=camera,
        parts=len(parts) + len(damaged),
        start_us=min((part.start_us for part in parts), default=None),
        end_us=max(ends or [part.end_us for part in parts], default=None),
        bytes=sum(part.bytes for part in parts) + sum(_size(item.path) for item in damaged),
        state=parts[-1].state if parts else "damaged",
        trusted=all(part.manifest.anchor.trusted for part in parts),
        masked=any(part.manifest.masked for part in parts),
        audio=any(part.manifest.audio for part in parts),
        gaps=tuple(all_gaps(parts, damaged)),
        damaged=tuple(damaged),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def all_gaps(parts: Sequence[PartFacts], damaged: Sequence[DamagedPart]) -> list[Gap]:
    """Return the gaps the parts state and the holes between them, in time order (pure).

    A part without pictures and gaps bounds no hole: the part after it states the time since the one before.
    """
    found = [gap for part in parts for gap in part.gaps]
    unreadable = {item.number for item in damaged}
    empty = {part.number for part in parts if part.empty}
    for before, after in pairwise(part for part in parts if not part.empty):
        hole = _hole(before, after)
        if hole is not None:
            absent = set(range(before.number + 1, after.number)) - empty
            reason = NOT_RECORDED if not absent else DAMAGED_PART if absent & unreadable else MISSING_PART
            found.append(Gap(*hole, reason))
    return sorted(found, key=lambda gap: (gap.start_us, gap.end_us))


def _hole(before: PartFacts, after: PartFacts) -> tuple[int, int] | None:
    """Return the wall times between two parts that follow one another, if there is a hole.

    Within one boot the monotonic clock decides, so that a step of the wall clock is no hole.
    """
    same_boot = before.manifest.anchor.boot_id == after.manifest.anchor.boot_id
    start = after.manifest.wall_of(before.end_mono) if same_boot else before.end_us
    return (start, after.start_us) if after.start_us - start > TILING_TOLERANCE_US else None


class Recording:
    """The parts of one camera in one sitting, as they were when this was made.

    Parts are opened one at a time, when they are read; nothing needs closing.

    Raises:
        BadInputError: a name that cannot be one.
        NotFoundError: there is no such recording.
    """

    def __init__(self, vault_dir: Path, sitting: str, camera: str) -> None:
        self.sitting = check_name(sitting, "sitting")
        self.camera = check_name(camera, "camera")
        good, damaged = survey(vault_dir, sitting, camera)
        if not good and not damaged:
            raise NotFoundError(
                f"There is no recording {sitting}/{camera}.", hint="`exambox recordings list` shows what there is."
            )
        self.parts: tuple[PartFacts, ...] = tuple(good)
        self.damaged: tuple[DamagedPart, ...] = tuple(damaged)

    @property
    def start_us(self) -> int:
        """Wall time of the first segment or gap. Raises VaultError where no part can be read."""
        return min(part.start_us for part in self._readable())

    @property
    def end_us(self) -> int:
        """Wall time at which the last picture ends. Raises VaultError where no part can be read."""
        ends = [part.picture_end_us for part in self.parts if part.picture_end_us is not None]
        return max(ends or [part.end_us for part in self._readable()])

    def _readable(self) -> tuple[PartFacts, ...]:
        if not self.parts:
            raise VaultError(
                f"No part of {self.sitting}/{self.camera} can be read: {self.damaged[0].reason}",
                hint="`exambox recordings verify` says more.",
            )
        return self.parts

    def gaps(self, from_us: int | None = None, to_us: int | None = None) -> list[Gap]:
        """Return stated gaps and holes between parts that touch a range of wall time, in time order."""
        first = self.start_us if from_us is None else from_us
        return [
            gap
            for gap in all_gaps(self.parts, self.damaged)
            if gap.end_us > first and (to_us is None or gap.start_us < to_us)
        ]

    def tiles(self, from_us: int, to_us: int) -> Iterator[Tile]:
        """Yield segments and stated gaps that touch ``[from_us, to_us)`` of wall time, in recorded order."""
        for part in self.parts:
            if part.start_us < to_us and part.end_us > from_us:
                with PartReader(part.path) as reader:
                    yield from _tiles(part, reader, from_us, to_us)

    def segments(self, from_us: int, to_us: int) -> Iterator[Tile]:
        """Yield only the segments of `tiles`."""
        return (tile for tile in self.tiles(from_us, to_us) if tile.gap is None)

    def seek(self, wall_us: int) -> SeekPoint | None:
        """Return where to begin reading so that the picture at ``wall_us`` can be shown.

        One look into the keyframe index of each part tried, never a scan; None if no keyframe is that old.
        """
        for part in reversed(self.parts):
            if part.start_us <= wall_us:
                with PartReader(part.path) as reader:
                    found = reader.key_at_or_before(part.manifest.mono_of(wall_us))
                if found is not None:
                    return SeekPoint(part, found[0], part.manifest.wall_of(found[1]))
        return None


def _tiles(part: PartFacts, reader: PartReader, from_us: int, to_us: int) -> Iterator[Tile]:
    from_mono, to_mono = part.manifest.mono_of(from_us), part.manifest.mono_of(to_us)
    near = reader.key_at_or_before(from_mono)
    for row in reader.index(near[0] if near else 0):
        if row.kind not in (Kind.SEGMENT, Kind.GAP) or row.end_us <= from_mono:
            continue
        if row.start_us >= to_mono:
            return
        yield Tile(
            part=part,
            seq=row.seq,
            start_us=reader.wall_of(row.start_us),
            end_us=reader.wall_of(row.end_us),
            key_us=None if row.key_us is None else reader.wall_of(row.key_us),
            gap=gap_of(reader, row) if row.kind == Kind.GAP else None,
        )
