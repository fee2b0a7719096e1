"""What the box does about its recordings every minute: retention, and the disk."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance import log
from appliance.auditlog import append
from appliance.clock import SECOND_US, boot_id, clock_is_trusted
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.vault.delete import delete_part, finish_deletions
from appliance.vault.disk import (
    DISK_STATES,
    DiskSpace,
    DiskState,
    bytes_an_hour,
    disk_state,
    minutes_left,
    plan_for_disk,
    read_space,
)
from appliance.vault.part_rows import deleted_parts, due_now, list_parts, open_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import VaultSettings
    from appliance.vault.retention import DuePart

__all__ = ["HousekeepingReport", "deleted_parts", "housekeep"]

# A run deletes at most this many parts, so that recording never waits long for housekeeping.
MAX_DELETIONS_A_RUN = 20
# A wall clock that gained this much on the monotonic one, without proof of being right, deletes nothing.
CLOCK_LEAP_US = 3600 * SECOND_US
_DISK_KEY = "vault.disk_state"
_CLOCK_KEY = "vault.housekeeping_clock"
_log = log.get(__name__)


@dataclass(slots=True)
class HousekeepingReport:
    """What a run saw and did.

    ``stop_recording`` is the order to capture: stop, state a gap (disk full), raise the alarm; it falls back to
    False when there is room again. ``clock_doubtful``: the wall clock leapt forward, nothing was deleted.
    """

    space: DiskSpace
    disk: DiskState = "ok"
    stop_recording: bool = False
    clock_doubtful: bool = False
    still_due: int = 0
    bytes_an_hour: int | None = None
    minutes_left: int | None = None
    certificates: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the disk's part of capture's status answer."""
        return {
            "state": self.disk,
            "stopped": self.stop_recording,
            "total": self.space.total,
            "free": self.space.free,
            "bytes_an_hour": self.bytes_an_hour,
            "minutes_left": self.minutes_left,
            "due": self.still_due,
            "clock_doubtful": self.clock_doubtful,
            "failures": self.failures[:10],
        }


def housekeep(
    db: Database,
    vault_dir: Path,
    settings: VaultSettings,
    clock: Clock,
    *,
    measure: Callable[[Path], DiskSpace] = read_space,
    trusted: bool | None = None,
) -> HousekeepingReport:
    """Finish begun deletions, delete what is due, and judge the disk. Call it once a minute.

    What cannot be done is reported and tried again in the next run; the rest goes on.

    Args:
        db: the box's database.
        vault_dir: where the recordings lie; must exist.
        settings: retention's default and the disk's thresholds.
        clock: wall time says what is due.
        measure: asks the system for the disk's space.
        trusted: whether the wall clock is known to be right; asked of the kernel if None.

    Raises:
        OSError: the vault's folder cannot be asked for its space.
    """
    report = HousekeepingReport(measure(vault_dir))
    before = _stored_disk_state(db)
    with _going_on(report):
        report.clock_doubtful = _clock_is_doubtful(db, clock, trusted=trusted)
    if not report.clock_doubtful:
        _delete_due(db, vault_dir, settings, clock, report)
        report.space = measure(vault_dir)
    report.disk = disk_state(report.space.total, report.space.free, settings, before)
    report.stop_recording = report.disk == "stop"
    with _going_on(report):
        _note_disk_state(db, report, before, clock)
    report.bytes_an_hour = bytes_an_hour(open_parts(db, vault_dir), clock.wall_us())
    report.minutes_left = minutes_left(report.space, settings, report.bytes_an_hour)
    return report


def _delete_due(
    db: Database, vault_dir: Path, settings: VaultSettings, clock: Clock, report: HousekeepingReport
) -> None:
    with _going_on(report):
        done, failed = finish_deletions(db, vault_dir, clock=clock)
        report.certificates.extend(done)
        report.failures.extend(failed)
    grace_us = settings.release_grace_us
    due = due_now(db, default_hours=settings.retention_hours, now_us=clock.wall_us(), grace_us=grace_us)
    needed = plan_for_disk(report.space, due, list_parts(db), settings, _stored_disk_state(db))
    report.still_due = len(due)
    for one in _this_run(needed, due):
        with _going_on(report):
            report.certificates.append(
                delete_part(
                    db,
                    vault_dir,
                    one.part.part_id,
                    default_hours=settings.retention_hours,
                    clock=clock,
                    grace_us=grace_us,
                )
            )
            report.still_due -= 1


def _this_run(needed: Sequence[DuePart], due: Sequence[DuePart]) -> list[DuePart]:
    """Return what the disk needs gone, however much it is, filled up with what is due to a run's share."""
    urgent = {one.part.part_id for one in needed}
    others = [one for one in due if one.part.part_id not in urgent]
    return [*needed, *others[: max(0, MAX_DELETIONS_A_RUN - len(needed))]]


@contextlib.contextmanager
def _going_on(report: HousekeepingReport) -> Iterator[None]:
    """Turn a failure of one step into a line of the report."""
    try:
        yield
    except ApplianceError as problem:
        _log.warning("housekeeping step failed", problem=problem.message)
        report.failures.append(problem.message)
    except (sqlite3.Error, OSError) as problem:
        _log.warning("housekeeping step failed", problem=str(problem))
        report.failures.append(f"The box's database or disk refused: {problem}.")


def _clock_is_doubtful(db: Database, clock: Clock, *, trusted: bool | None) -> bool:
    """Return whether the wall clock leapt forward since the last run without proof of being right.

    A clock that is set years ahead, by mistake or on purpose, must not delete the evidence of today. The doubt
    lasts until the clock is synchronised or set back, or the box is restarted.
    """
    wall, mono, boot = clock.wall_us(), clock.mono_us(), boot_id()
    last = _read(db, _CLOCK_KEY)
    if last and last.get("boot") == boot:
        leapt = (wall - int(last["wall_us"])) - (mono - int(last["mono_us"]))
        if leapt > CLOCK_LEAP_US and not (clock_is_trusted() if trusted is None else trusted):
            _log.warning("the wall clock leapt forward unproven; nothing is deleted", leapt_us=leapt)
            return True
    _store(db, _CLOCK_KEY, {"wall_us": wall, "mono_us": mono, "boot": boot})
    return False


def _note_disk_state(db: Database, report: HousekeepingReport, before: DiskState, clock: Clock) -> None:
    """Keep the state for the next run, and enter a change in the log."""
    if report.disk == before:
        return
    detail = {"before": before, "state": report.disk, "free": report.space.free, "total": report.space.total}
    with write(db):
        _store(db, _DISK_KEY, {"state": report.disk})
        append(db, "disk.changed", clock=clock, detail=detail)


def _stored_disk_state(db: Database) -> DiskState:
    stored = (_read(db, _DISK_KEY) or {}).get("state")
    return next((state for state in DISK_STATES if state == stored), "ok")


def _read(db: Database, key: str) -> dict[str, Any] | None:
    row = db.conn.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    value = json.loads(row[0]) if row else None
    return value if isinstance(value, dict) else None


def _store(db: Database, key: str, value: dict[str, Any]) -> None:
    with write(db):
        db.conn.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (key, json.dumps(value)))
