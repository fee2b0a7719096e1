"""What the index columns of one part tell: its times, its gaps, its state. Cheap enough to list a vault with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, IntegrityError, NotFoundError, VaultError
from appliance.vault.format import GapReason, Kind
from appliance.vault.part_files import PartFile, recording_files
from appliance.vault.reader import IndexRow, PartReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.vault.manifest import Manifest

MISSING_PART = "missing_part"
DAMAGED_PART = "damaged_part"
NOT_RECORDED = "not_recorded"
_REASONS = {int(reason): reason.name.lower() for reason in GapReason}
_OTHER_WORDS = {
    MISSING_PART: "a part of the recording is not here",
    DAMAGED_PART: "a part of the recording cannot be read",
    NOT_RECORDED: "nothing was recorded, and nothing says why",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of wall time (microseconds) without pictures.

    ``reason`` is a `GapReason` in small letters, or `MISSING_PART`, `DAMAGED_PART` or `NOT_RECORDED`.
    """

    start_us: int
    end_us: int
    reason: str

    @property
    def words(self) -> str:
        """The reason as a person is told it."""
        if self.reason in _OTHER_WORDS:
            return _OTHER_WORDS[self.reason]
        return GapReason[self.reason.upper()].words if self.reason.upper() in GapReason.__members__ else self.reason


@dataclass(frozen=True, slots=True)
class PartFacts:
    """One readable part. ``start_us``, ``end_us`` and ``picture_end_us`` (None: no pictures) are wall time."""

    path: Path
    number: int
    manifest: Manifest
    start_mono: int
    end_mono: int
    picture_end_us: int | None
    bytes: int
    state: str
    gaps: tuple[Gap, ...]

    @property
    def empty(self) -> bool:
        """Whether it tells of no time at all: its writer died between its opening and its first record."""
        return self.start_mono == self.end_mono

    @property
    def start_us(self) -> int:
        """Wall time at which its first segment or stated gap begins."""
        return self.manifest.wall_of(self.start_mono)

    @property
    def end_us(self) -> int:
        """Wall time at which its last segment or stated gap ends."""
        return self.manifest.wall_of(self.end_mono)


@dataclass(frozen=True, slots=True)
class DamagedPart:
    """A part that could not be read, and why."""

    path: Path
    number: int
    reason: str


def part_files(vault_dir: Path, sitting: str, camera: str) -> list[PartFile]:
    """Return the part files of one recording by number.

    A last file of zero bytes is left out: a part that was just about to begin (format, section 2).

    Raises:
        BadInputError: a name that cannot be one.
        VaultError: the folder cannot be read.
    """
    try:
        files = recording_files(vault_dir, sitting, camera)
        if files and files[-1].path.stat().st_size == 0:
            files.pop()
    except OSError as problem:
        raise unreadable(vault_dir / sitting / camera, problem) from problem
    return files


def unreadable(folder: Path, problem: OSError) -> VaultError:
    """Return the error for a vault folder that this user cannot read."""
    return VaultError(
        f"The vault folder {folder} cannot be read: {problem.strerror}.",
        hint="Run as root or as a member of the group exambox.",
    )


def check_place(manifest: Manifest, file: PartFile) -> None:
    """Refuse a part that lies where another belongs.

    Raises:
        IntegrityError: file name or folders do not say what the manifest says.
    """
    if (file.sitting, file.camera, file.number) != (manifest.sitting, manifest.camera, manifest.part):
        raise IntegrityError(
            f"{file.path.name} says it is part {manifest.part} of {manifest.sitting}/{manifest.camera}: "
            "it was moved or renamed.",
            hint="Put it back where it belongs.",
        )


def part_facts(file: PartFile) -> PartFacts:
    """Read what the index of one part tells; remembered until the file changes.

    Raises:
        NotFoundError, VaultError, IntegrityError: as `PartReader`, or the part lies in a wrong place.
    """
    try:
        status = file.path.stat()
    except OSError as problem:
        raise NotFoundError(f"There is no part file {file.path}.") from problem
    return _facts(file, status.st_ino, status.st_size, status.st_mtime_ns)


# As many as eight cameras make in a month.
@functools.lru_cache(maxsize=6144)
def _facts(file: PartFile, _inode: int, size: int, _changed: int) -> PartFacts:
    with PartReader(file.path) as reader:
        check_place(reader.manifest, file)
        first, last, picture = reader.first_tile(), reader.last_tile(), reader.last_segment()
        anchor = reader.manifest.anchor.mono_us
        return PartFacts(
            path=file.path,
            number=file.number,
            manifest=reader.manifest,
            start_mono=first.start_us if first else anchor,
            end_mono=last.end_us if last else anchor,
            picture_end_us=reader.wall_of(picture.end_us) if picture else None,
            bytes=size,
            state=reader.state,
            gaps=tuple(_gaps(reader)),
        )


def _gaps(reader: PartReader) -> Iterator[Gap]:
    """Yield the stated gaps: only records that are not in the keyframe index can be one, and they are few."""
    if reader.keyed_count() == reader.last_seq():
        return  # each record after the first, which is no segment, holds a keyframe
    before = 0
    for seq in [*sorted(reader.keyed_seqs()), reader.last_seq() + 1]:
        if seq > before + 1:
            yield from (gap_of(reader, row) for row in reader.index(before + 1, seq - 1) if row.kind == Kind.GAP)
        before = seq


def gap_of(reader: PartReader, row: IndexRow) -> Gap:
    """Return a gap record in wall time."""
    code = reader.gap_reason(row.seq)
    reason = _REASONS.get(code, f"reason {code}")
    return Gap(reader.wall_of(row.start_us), reader.wall_of(row.end_us), reason)


def survey(vault_dir: Path, sitting: str, camera: str) -> tuple[list[PartFacts], list[DamagedPart]]:
    """Read the facts of all parts of one recording; what cannot be read is named, never fatal.

    Raises:
        BadInputError, VaultError: as `part_files`.
    """
    good: list[PartFacts] = []
    damaged: list[DamagedPart] = []
    for file in part_files(vault_dir, sitting, camera):
        try:
            good.append(part_facts(file))
        except ApplianceError as problem:
            damaged.append(DamagedPart(file.path, file.number, problem.message))
    return good, damaged
