"""Which sitting, and whose session, a seat belonged to at a moment: what a workstation tells may come late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.exams.states import AT_WORK, CandidateStatus, SittingStatus
from appliance.sittings.runs import run_of
from appliance.sittings.seat_finding import session_at
from appliance.sittings.session_rows import get_session, sessions_of

if TYPE_CHECKING:
    from sqlite_utils import Database

_DAY_US: Final = 24 * 3600 * SECOND_US
_LOOKED_AT: Final = 50
_HERE: Final = AT_WORK | {CandidateStatus.SEATED}
_WATCHED: Final = frozenset({SittingStatus.ADMITTING, SittingStatus.RUNNING, SittingStatus.PAUSED})


def sitting_of_seat(db: Database, seat: str, *, at_us: int) -> str:
    """Return the sitting whose room has this seat and that was on at a moment; empty where there was none.

    On is: from its readiness check (or the lead before its planned start) until it was closed. Of several the one that
    began last.
    """
    if not seat.strip():
        return ""
    rows = db.conn.execute(
        "SELECT s.id, s.status, s.start_us - s.lead_us AS leads_us,"
        " (SELECT MIN(at_us) FROM sitting_event e WHERE e.sitting = s.id AND e.name = 'check_readiness') AS begun_us,"
        " (SELECT MAX(at_us) FROM sitting_event e WHERE e.sitting = s.id) AS last_us"
        " FROM sitting s JOIN seat t ON t.sitting = s.id WHERE t.label = ? COLLATE NOCASE AND s.removed_us IS NULL"
        " ORDER BY s.start_us DESC, s.id LIMIT ?",
        (seat.strip(), _LOOKED_AT),
    )
    found: list[tuple[int, str]] = []
    for name, status, leads_us, begun_us, last_us in rows:
        from_us = leads_us if begun_us is None else min(begun_us, leads_us)
        # One that was planned and never held does not go on for ever.
        open_until_us = leads_us + _DAY_US if begun_us is None else at_us
        until_us = last_us if status == SittingStatus.CLOSED else open_until_us
        if from_us <= at_us <= until_us:
            found.append((from_us, str(name)))
    return max(found, default=(0, ""))[1]


def session_of_seat(db: Database, sitting: str, seat: str, *, at_us: int, now_us: int) -> str:
    """Return the session of whoever sat at a seat at a moment; empty where nobody did, or it cannot be told any more.

    Somebody who was given the seat after that moment is never meant.
    """
    found = session_at(db, sitting, seat)
    if not found:
        return ""
    session = get_session(db, found)
    row = db.conn.execute(
        "SELECT MAX(at_us) FROM sitting_event WHERE sitting = ? AND candidate = ?"
        " AND name IN ('seat', 'move_seat', 'assign_seat')",
        (sitting, session.candidate),
    ).fetchone()
    if row[0] is not None and row[0] > at_us:
        return ""
    if session.finished_us is not None and session.finished_us < at_us and session.finished_us < now_us:
        return ""
    return found


def is_seat_in_use(db: Database, sitting: str, seat: str) -> bool:
    """Whether candidates are in the room and one sits at a seat; where seats are given to nobody, that they are in."""
    run = run_of(db, sitting)
    if run.status not in _WATCHED:
        return False
    seated = [one for one in run.people.values() if one.occupies_seat]
    if not seated:
        return run.status != SittingStatus.ADMITTING
    wanted = seat.strip().casefold()
    return any(one.seat.strip().casefold() == wanted and one.status in _HERE for one in seated)


def writes_at_seat(db: Database, sitting: str, seat: str) -> str:
    """Return the session that is being written at a seat just now; empty where none is."""
    run = run_of(db, sitting)
    wanted = seat.strip().casefold()
    for name, one in run.people.items():
        if one.seat.strip().casefold() == wanted and one.status in AT_WORK:
            open_ones = [
                session
                for session in sessions_of(db, sitting, name)
                if session.removed_us is None and session.finished_us is None
            ]
            return open_ones[-1].id if open_ones else ""
    return ""
