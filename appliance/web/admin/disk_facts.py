"""What the disk's pages are made from: capture's own answer, or what can be seen without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, UnavailableError
from appliance.vault.disk import DISK_STATES, DiskSpace, DiskState, disk_state, read_space
from appliance.web.services import services

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """How the disk stands.

    Attributes:
        space: bytes in all and free.
        state: against the thresholds.
        stopped: recording has stopped for want of room.
        clock_doubtful: the wall clock leapt ahead unproven, so nothing is deleted.
        failures: what housekeeping could not do, in words.
        capture: whether the recording service answers; without it nothing is deleted either.
    """

    space: DiskSpace
    state: DiskState
    stopped: bool = False
    clock_doubtful: bool = False
    failures: tuple[str, ...] = field(default=())
    capture: bool = True

    @property
    def deletes(self) -> bool:
        """Whether what is due is being deleted at present."""
        return self.capture and not self.clock_doubtful


def disk_facts() -> DiskFacts:
    """Return how the disk stands, from the recording service where it answers.

    Raises:
        UnavailableError: the disk itself cannot be asked.
    """
    settings = services().settings
    space = _space(settings.vault_dir)
    try:
        told = services().live.status().get("disk") or {}
    except ApplianceError:
        return DiskFacts(space, disk_state(space.total, space.free, settings.vault), capture=False)
    state = told.get("state")
    return DiskFacts(
        space,
        next((one for one in DISK_STATES if one == state), disk_state(space.total, space.free, settings.vault)),
        stopped=bool(told.get("stopped")),
        clock_doubtful=bool(told.get("clock_doubtful")),
        failures=tuple(str(one)[:300] for one in told.get("failures") or ()),
    )


def _space(folder: Path) -> DiskSpace:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    try:
        return read_space(there)
    except OSError as problem:
        raise UnavailableError(
            f"The disk cannot be asked for its space: {problem.strerror}.", hint="`exambox doctor` checks the disk."
        ) from problem


def folder_bytes(folder: Path) -> int:
    """Return what the files directly and further below a folder take; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def database_bytes(database: Path) -> int:
    """Return what the database takes, its write-ahead log included."""
    total = 0
    for suffix in ("", "-wal", "-shm"):
        try:
            total += database.with_name(database.name + suffix).stat().st_size
        except OSError:
            continue
    return total
