"""What follows from an event of a sitting, in its transaction: sessions, review tasks, messages, the wish to record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exams.states import CandidateStatus, ReviewStatus
from appliance.exams.transitions import Event
from appliance.exchange.enums import ScheduleEvent
from appliance.sittings import recording
from appliance.sittings.booking import book
from appliance.sittings.facts import status_of, window_of
from appliance.sittings.review_rows import keep_review_event, open_review, review_of, weigh_review
from appliance.sittings.rows import rows_of
from appliance.sittings.runs import exams_of
from appliance.sittings.session_rows import get_session, session_of_row, sessions_of
from appliance.sittings.telling import tell_event, tell_review, tell_schedule, tell_status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing
    from appliance.sittings.rows import Cause
    from appliance.sittings.values import StoredSession

_GONE: Final = frozenset({CandidateStatus.WITHDRAWN, CandidateStatus.REFUSED, CandidateStatus.TRANSFERRED})


def follow(db: Database, before: SittingRun, after: SittingRun, event: Event, cause: Cause) -> None:
    """Write all that follows from an event that has just been kept."""
    changed = {name: person for name, person in after.people.items() if before.people.get(name) is not person}
    if event.name == "enrol":
        _bring_session(db, after, event, cause)
    if changed:
        _follow_people(db, before, after, changed, cause)
    if event.name == "check_readiness":
        recording.begin(db, after.sitting, clock=cause.clock, who=cause.who)
    elif event.name == "close":
        _make_reviews_ready(db, after, cause)
    if after.status == "closed" and before.status != "closed":
        recording.stop(db, after.sitting, clock=cause.clock, who=cause.who)
    tell_event(db, after, event, clock=cause.clock)


def _follow_people(
    db: Database, before: SittingRun, after: SittingRun, changed: dict[str, Standing], cause: Cause
) -> None:
    one = next(iter(changed)) if len(changed) == 1 else None
    found = [session for session in sessions_of(db, after.sitting, one) if session.candidate in changed]
    sessions = [session for session in found if changed[session.candidate].is_of(session.id)]
    exams = exams_of(db, after.sitting) if sessions else {}
    for session in sessions:
        was = before.people.get(session.candidate)
        _follow_session(db, session, exams[session.exam], (was, after), cause)


def _follow_session(
    db: Database, session: StoredSession, exam: Exam, change: tuple[Standing | None, SittingRun], cause: Cause
) -> None:
    was, run = change
    now, at_us = run.people[session.candidate], cause.clock.wall_us()
    status = status_of(session, now, window_of(session, exam, run), now_us=at_us)
    db.conn.execute(
        "UPDATE session SET begun_us = ?, finished_us = ?, status = ?, updated_us = ? WHERE id = ?",
        (now.begun_us, now.finished_us, status, at_us, session.id),
    )
    kept = msgspec.structs.replace(session, begun_us=now.begun_us, finished_us=now.finished_us, status=status)
    if status is not session.status:
        tell_status(db, kept, clock=cause.clock)
    if now.begun_us != session.begun_us or now.finished_us != session.finished_us:
        open_review(db, kept, exam)
        weigh_review(db, kept, exam)
        tell_review(db, kept, clock=cause.clock)
    elif exam.schedule and session.scheduled_us is not None and not now.took_part:
        gone_before, gone = was is not None and was.status in _GONE, now.status in _GONE
        if gone != gone_before:
            word = ScheduleEvent.CANCELED if gone else ScheduleEvent.SCHEDULED
            tell_schedule(db, kept, word, start_us=session.scheduled_us, clock=cause.clock)


def _bring_session(db: Database, run: SittingRun, event: Event, cause: Cause) -> None:
    """Let a session that has not begun follow its candidate into the sitting they were enrolled in."""
    rows = rows_of(
        db,
        "SELECT * FROM session WHERE candidate = ? AND exam = ? AND begun_us IS NULL AND removed_us IS NULL"
        " AND sitting IS NOT ? ORDER BY updated_us DESC LIMIT 1",
        (event.candidate, event.detail["exam"], run.sitting),
    )
    for session in map(session_of_row, rows):
        book(db, session, run.sitting, clock=cause.clock)


def _make_reviews_ready(db: Database, run: SittingRun, cause: Cause) -> None:
    """Let the tasks of all who took part appear in the queue; after a reopening they are there already."""
    exams = exams_of(db, run.sitting)
    ready = Event(name="make_ready", at_us=cause.clock.wall_us(), who="box", role="system")
    sql = (
        "SELECT r.session FROM review r JOIN session s ON s.id = r.session"
        " WHERE s.sitting = ? AND s.begun_us IS NOT NULL ORDER BY s.id"
    )
    for (name,) in db.conn.execute(sql, (run.sitting,)).fetchall():
        session = get_session(db, name)
        weigh_review(db, session, exams[session.exam])
        if review_of(db, name).status is ReviewStatus.NOT_READY:
            keep_review_event(db, name, ready)
