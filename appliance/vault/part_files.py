"""Which part files there are, and which number comes next."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from appliance.errors import ApplianceError
from appliance.vault.format import check_name
from appliance.vault.manifest import Manifest, parse_manifest
from appliance.vault.part_model import PreviousPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FILE = re.compile(r"([0-9]{4,9})\.sqlite")
_BUSY_SECONDS = 2.0
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file that by its path is a part."""

    path: Path
    sitting: str
    camera: str
    number: int


@dataclass(frozen=True, slots=True)
class LatestPart:
    """The newest part of a recording.

    ``number`` is the highest there is, be its file readable or not. ``previous`` comes from the newest that can be
    read, else it is None. ``ended_wall_us`` is where pictures and gaps end, by the anchor of the newest part that has
    any: a part whose writer died before its first record tells of no time. 0 where no part tells.
    """

    number: int
    previous: PreviousPart | None
    ended_wall_us: int


@dataclass(frozen=True, slots=True)
class PartEnd:
    """How a part ends: how the next one names it, and where its pictures and gaps end (None: it has none)."""

    previous: PreviousPart
    wall_us: int | None
    mono_us: int | None
    boot_id: str


def part_path(vault_dir: Path, sitting: str, camera: str, number: int) -> Path:
    """Return where a part lies.

    Raises:
        BadInputError: a name that may not be used in paths.
    """
    folder = vault_dir / check_name(sitting, "Sitting") / check_name(camera, "Camera")
    return folder / f"{number:04d}.sqlite"


def recording_files(vault_dir: Path, sitting: str, camera: str) -> list[PartFile]:
    """Return a recording's part files by number; none where there is no such recording."""
    folder = part_path(vault_dir, sitting, camera, 0).parent
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _FILE.fullmatch(path.name)
        if match and f"{int(match[1]):04d}" == match[1]:
            found.append(PartFile(path, sitting, camera, int(match[1])))
    return sorted(found, key=lambda file: file.number)


def recordings(vault_dir: Path) -> Iterator[tuple[str, str]]:
    """Yield the sitting and camera of each folder a recording may lie in, sorted."""
    for sitting in _folders(vault_dir):
        for camera in _folders(sitting):
            yield sitting.name, camera.name


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if _is_name(path.name) and path.is_dir() and not path.is_symlink())


def _is_name(name: str) -> bool:
    try:
        check_name(name, "Folder")
    except ApplianceError:
        return False
    return True


def latest_part(vault_dir: Path, sitting: str, camera: str) -> LatestPart | None:
    """Return the newest part of a recording, or None where there is no part file at all. Writes nothing.

    Meant for after recovery: a part that is still open is read as far as its last record.

    Raises:
        BadInputError: a name that may not be used in paths.
    """
    files = recording_files(vault_dir, sitting, camera)
    if not files:
        return None
    previous: PreviousPart | None = None
    for file in reversed(files):
        end = _ask(file.path, _end)
        if end is None:
            continue
        previous = previous or end.previous
        if end.wall_us is not None:
            return LatestPart(files[-1].number, previous, end.wall_us)
    return LatestPart(files[-1].number, previous, 0)


def end_before(path: Path) -> PartEnd | None:
    """Return how the nearest part before one ended that has pictures or gaps.

    None where there is none, or a part between them is missing or cannot be read: that stretch is then its own.
    """
    while match := _FILE.fullmatch(path.name):
        path = path.with_name(f"{int(match[1]) - 1:04d}.sqlite")
        end = _ask(path, _end)
        if end is None or end.wall_us is not None:
            return end
    return None


def begins_wall_us(path: Path) -> int | None:
    """Return the wall time, by the part's own anchor, of its first picture or gap; None where there is none."""
    return _ask(path, _begin)


def _ask(path: Path, question: Callable[[sqlite3.Connection, Manifest], _Answer]) -> _Answer | None:
    """Put a question to a part without being able to write to it; None if it cannot answer."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        with contextlib.closing(connection):
            manifest = parse_manifest(connection.execute("SELECT body FROM manifest WHERE id = 1").fetchone()[0])
            return question(connection, manifest)
    except (sqlite3.Error, ApplianceError, TypeError):  # TypeError: a row is missing or has another type
        return None


def _begin(connection: sqlite3.Connection, manifest: Manifest) -> int | None:
    row = connection.execute("SELECT start_us FROM record WHERE kind IN (1, 2) ORDER BY seq LIMIT 1").fetchone()
    return manifest.wall_of(row[0]) if row else None


def _end(connection: sqlite3.Connection, manifest: Manifest) -> PartEnd:
    (chain,) = connection.execute("SELECT chain FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    row = connection.execute("SELECT end_us FROM record WHERE kind IN (1, 2) ORDER BY seq DESC LIMIT 1").fetchone()
    previous = PreviousPart(manifest.id_bytes, bytes(chain))
    if row is None:
        return PartEnd(previous, None, None, manifest.anchor.boot_id)
    return PartEnd(previous, manifest.wall_of(row[0]), row[0], manifest.anchor.boot_id)
