"""What the box says of itself every few seconds, read from its database and disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.centre.waiting_rows import count_waiting
from appliance.certificates.own_address import reachable_address
from appliance.exams.states import AT_WORK, CandidateStatus
from appliance.exchange.centre.messages import (
    BacklogWord,
    CamerasWord,
    ClockWord,
    DiskWord,
    Report,
    SittingWord,
)
from appliance.outbox.rows import CENTRE
from appliance.sittings.runs import open_sittings, run_of
from appliance.vault.disk import disk_state, read_space

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.centre.measuring import ClockMeter
    from appliance.config import Settings
    from appliance.exchange.centre.epochs import Mark

MAX_SITTINGS: Final = 50
_SHORT: Final = 255
_BACKLOG: Final = (
    "SELECT COUNT(*), MIN(cause_us), COALESCE(SUM(state = 'parked'), 0) FROM delivery INDEXED BY delivery_open"
    " WHERE state IN ('waiting', 'parked') AND target = ?"
)
_CAMERAS: Final = (
    "SELECT (SELECT state FROM camera_event e WHERE e.camera = c.id ORDER BY e.id DESC LIMIT 1) FROM camera c"
    " WHERE c.removed_us IS NULL AND c.enabled"
)


def report_of(
    db: Database, settings: Settings, *, hub: str, box: str, mark: Mark, meter: ClockMeter, at_us: int
) -> Report:
    """Return a report of now.

    Args:
        db: the box's database.
        settings: of the box.
        hub: the central service it is for.
        box: the box's name.
        mark: its epoch and the highest number given in it.
        meter: of its clock.
        at_us: now, UTC by the box's clock.
    """
    measured = meter.measured()
    count, oldest_us, parked = db.conn.execute(_BACKLOG, (CENTRE,)).fetchone()
    return Report(
        box=box,
        epoch=mark.epoch,
        seq=mark.seq,
        machine=mark.machine,
        version=__version__,
        at_us=at_us,
        clock=ClockWord(
            trusted=meter.own_trusted,
            offset_us=None if measured is None else measured.offset_us,
            bound_us=None if measured is None else measured.bound_us,
        ),
        sittings=tuple(_sittings(db)),
        cameras=_cameras(db),
        disk=_disk(settings),
        backlog=BacklogWord(count=count, oldest_us=oldest_us, parked=parked),
        proposals=count_waiting(db, hub).get("proposed", 0),
        address=reachable_address(settings),
    )


def _sittings(db: Database) -> list[SittingWord]:
    found = []
    for one in open_sittings(db)[:MAX_SITTINGS]:
        people = run_of(db, one.id).people.values()
        there = [person for person in people if person.status is not CandidateStatus.TRANSFERRED]
        writing = sum(person.status in AT_WORK for person in there)
        name = one.sitting.name[:_SHORT]
        found.append(SittingWord(id=one.id, status=one.status, name=name, candidates=len(there), writing=writing))
    return found


def _cameras(db: Database) -> CamerasWord:
    states = [row[0] for row in db.conn.execute(_CAMERAS)]
    (recording,) = db.conn.execute("SELECT COUNT(DISTINCT camera) FROM part WHERE state = 'open'").fetchone()
    return CamerasWord(live=states.count("live"), lost=states.count("lost"), recording=recording)


def _disk(settings: Settings) -> DiskWord:
    folder = settings.vault_dir if settings.vault_dir.exists() else settings.state_dir
    try:
        space = read_space(folder)
    except OSError:
        return DiskWord()
    return DiskWord(state=disk_state(space.total, space.free, settings.vault), free=space.free, total=space.total)
