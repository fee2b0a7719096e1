"""What is known of a session at one moment, out of plan, history and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exams.lms_status import lms_status
from appliance.exams.timing import start_window
from appliance.sittings.candidates import get_candidate
from appliance.sittings.exams import get_exam
from appliance.sittings.offers import booking_of
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.sittings.session_rows import get_session, name_of
from appliance.sittings.values import SessionFacts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing
    from appliance.exams.states import SessionStatus
    from appliance.sittings.values import StoredSession


def session_facts(db: Database, id: str, *, now_us: int) -> SessionFacts:  # noqa: A002  the model's word
    """Return what is known of a session now.

    Raises:
        NotFoundError: there is none.
    """
    session = get_session(db, id)
    sitting = None if session.sitting is None else stored_sitting(db, session.sitting)
    run = None if session.sitting is None else run_of(db, session.sitting)
    person = None if run is None else run.people.get(session.candidate)
    standing = person if person is not None and person.is_of(session.id) else None
    exams = {} if sitting is None else exams_of(db, sitting.id)
    exam = exams.get(session.exam) or get_exam(db, session.exam).exam
    window = window_of(session, exam, run)
    return SessionFacts(
        session=session,
        exam=exam,
        candidate=get_candidate(db, session.candidate),
        sitting=sitting,
        standing=standing,
        end=run.end_of(session.candidate, now_us=now_us) if run is not None and standing is not None else None,
        window=window,
        status=status_of(session, standing, window, now_us=now_us),
        start_us=session.begun_us if standing is None else standing.begun_us,
        end_us=session.finished_us if standing is None else standing.finished_us,
        seat="" if person is None else person.seat,
        name=name_of(session),
        booking=booking_of(db, session, sitting, now_us=now_us) if exam.schedule else None,
    )


def window_of(session: StoredSession, exam: Exam, run: SittingRun | None) -> tuple[int, int] | None:
    """Return the first and last wall time at which the session may begin, None where no time is booked.

    In a sitting its own; otherwise the exam's, from the booked time on where candidates book one.
    """
    if session.removed_us is not None:
        return None
    if run is not None and session.candidate in run.people:
        return start_window(run.timeline, run.timing, run.exam_of(session.candidate))
    if not exam.schedule:
        return exam.window_start_us, exam.window_end_us
    return None if session.scheduled_us is None else (session.scheduled_us, exam.window_end_us)


def status_of(
    session: StoredSession, standing: Standing | None, window: tuple[int, int] | None, *, now_us: int
) -> SessionStatus:
    """Return the session's word for the LMS."""
    if standing is None:
        begun = session.begun_us is not None
        return lms_status(None, begun=begun, window=window, now_us=now_us)
    return lms_status(standing.status, begun=standing.took_part, window=window, now_us=now_us)
