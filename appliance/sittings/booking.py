"""Where a session belongs and when it is booked for; the LMS is told where its candidates book a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.enums import ScheduleEvent
from appliance.sittings.exams import get_exam
from appliance.sittings.facts import status_of, window_of
from appliance.sittings.offers import cancel_until_us
from appliance.sittings.rows import rows_of
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.session_rows import get_session, session_of_row, sessions_of
from appliance.sittings.telling import tell_schedule, tell_status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.sittings.values import StoredSession


def book(db: Database, session: StoredSession, sitting: str | None, *, clock: Clock) -> StoredSession:
    """Let a session that has not begun belong to a sitting, or to none, in the open transaction; return it.

    Another attempt of the candidate that waits in that sitting belongs to none then: the newest counts.
    """
    exam = get_exam(db, session.exam).exam
    start_us = None if sitting is None else stored_sitting(db, sitting).start_us
    if sitting is not None:
        db.conn.execute(
            "UPDATE session SET sitting = NULL WHERE sitting = ? AND candidate = ? AND id <> ? AND begun_us IS NULL",
            (sitting, session.candidate, session.id),
        )
    db.conn.execute("UPDATE session SET sitting = ?, scheduled_us = ? WHERE id = ?", (sitting, start_us, session.id))
    kept = get_session(db, session.id)
    run = None if sitting is None else run_of(db, sitting)
    standing = None if run is None else run.people.get(session.candidate)
    if standing is not None and not standing.is_of(session.id):
        standing = None
    status = status_of(kept, standing, window_of(kept, exam, run), now_us=clock.wall_us())
    db.conn.execute("UPDATE session SET status = ? WHERE id = ?", (status, session.id))
    if exam.schedule and start_us != session.scheduled_us:
        word = ScheduleEvent.CANCELED if start_us is None else ScheduleEvent.SCHEDULED
        of = sitting or session.sitting
        until = None if of is None else cancel_until_us(db, stored_sitting(db, of))
        told_us = session.scheduled_us if start_us is None else start_us
        tell_schedule(db, kept, word, start_us=told_us, clock=clock, cancel_until_us=until)
    after = get_session(db, session.id)
    if after.status is not session.status:
        tell_status(db, after, clock=clock)
    return after


def book_roster(db: Database, sitting: str, *, clock: Clock) -> None:
    """Bring sessions in line with a roster's rows: who is on it now belongs there, who no longer is belongs nowhere."""
    run = run_of(db, sitting)
    for session in sessions_of(db, sitting):
        if session.begun_us is None and session.candidate not in run.people:
            book(db, session, None, clock=clock)
    waiting = rows_of(
        db,
        "SELECT s.* FROM session s JOIN roster_entry r ON r.candidate = s.candidate AND r.exam = s.exam"
        " WHERE r.sitting = ? AND s.sitting IS NULL AND s.begun_us IS NULL AND s.removed_us IS NULL"
        " ORDER BY s.updated_us",
        (sitting,),
    )
    for session in map(session_of_row, waiting):
        book(db, session, sitting, clock=clock)


def book_anew(db: Database, sitting: str, *, clock: Clock) -> None:
    """Book the sessions of a sitting for its start, after that moved."""
    for session in sessions_of(db, sitting):
        if session.removed_us is None and session.begun_us is None:
            book(db, session, sitting, clock=clock)
