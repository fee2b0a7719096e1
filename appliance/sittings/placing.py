"""Which sitting a session belongs to, when its candidate is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exams.states import CandidateStatus, SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.sittings.acts import BOX, happen
from appliance.sittings.attempts import another_attempt, begun_here
from appliance.sittings.offers import are_booked
from appliance.sittings.planning import plan_sitting
from appliance.sittings.rows import Cause
from appliance.sittings.runs import open_sittings, run_of, stored_sitting
from appliance.sittings.values import SittingPlan

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exams.model import Exam
    from appliance.exams.standing import Standing
    from appliance.sittings.values import StoredSession, StoredSitting

WALK_IN: Final = "handed over by the LMS, not on the roster"
BY_ITSELF: Final = "the box opened this sitting by itself: nobody is in the room to check it"
_ARRIVALS: Final = frozenset({SittingStatus.ADMITTING, SittingStatus.RUNNING, SittingStatus.PAUSED})
_OVER: Final = frozenset({SittingStatus.ENDED, SittingStatus.CLOSED})
_ELSEWHERE: Final = CandidateStatus.TRANSFERRED


def place(db: Database, session: StoredSession, exam: Exam, *, settings: Settings, cause: Cause) -> str | None:
    """Return the sitting a session belongs to, None where there is none; whatever that takes has happened then.

    In this order: where the candidate is expected for this exam; where they have finished another attempt at it
    (`attempts`, which refuses one beside one that is running); an open sitting of the exam (`exams.walk_ins`: they
    are enrolled); one the box opens by itself (`exams.open_sittings`), within the exam's window. Where candidates book
    a sitting of the exam that is still to come, who is expected nowhere chooses one first.
    """
    open_now = [one for one in open_sittings(db) if exam.id in one.sitting.exams and one.status not in _OVER]
    now_us = cause.clock.wall_us()
    near = sorted(open_now, key=lambda one: (one.status not in _ARRIVALS, abs(one.start_us - now_us), one.id))
    for one in near:
        person = run_of(db, one.id).people.get(session.candidate)
        if person is not None and person.exam == exam.id and is_free(db, one, person, session):
            return one.id
    again = another_attempt(db, near, session, exam, cause=cause)
    if again is not None:
        return again
    if exam.schedule and are_booked(db, exam.id, now_us=now_us):
        return None  # they choose one themselves, see `slots`
    for one in near:
        may = one.automatic or settings.exams.walk_ins
        if may and one.status in _ARRIVALS and _can_join(db, one.id, session.candidate):
            return _enrol(db, one.id, session, exam, cause)
    if settings.opens_sittings and exam.window_start_us <= now_us <= exam.window_end_us:
        return _enrol(db, _open(db, exam, settings, cause).id, session, exam, cause)
    return None


def is_free(db: Database, sitting: StoredSitting, person: Standing, session: StoredSession) -> bool:
    """Return whether the candidate's place in a sitting is not another attempt's that has begun."""
    if person.status is _ELSEWHERE:
        return False
    taken = person.session != session.id and begun_here(db, sitting.id, session) != ""
    gone = person.status in {CandidateStatus.WITHDRAWN, CandidateStatus.REFUSED}
    # Who was sent away here and comes again waits for the room to readmit them; where nobody is, they begin anew.
    return not taken and not (gone and (sitting.automatic or session.sitting != sitting.id))


def _can_join(db: Database, sitting: str, candidate: str) -> bool:
    person = run_of(db, sitting).people.get(candidate)
    return person is None or person.status is _ELSEWHERE


def _enrol(db: Database, sitting: str, session: StoredSession, exam: Exam, cause: Cause) -> str:
    detail: dict[str, str | int | bool] = {"exam": exam.id, "identity_asked": exam.identification != "skip"}
    happen(
        db,
        run_of(db, sitting),
        "enrol",
        cause=cause,
        role="lms",
        candidate=session.candidate,
        why=WALK_IN,
        detail=detail,
    )
    return sitting


def _open(db: Database, exam: Exam, settings: Settings, cause: Cause) -> StoredSitting:
    """Plan a sitting for one exam and start it at once, as the box does where nobody is in the room."""
    box, now_us = Cause(cause.clock, BOX), cause.clock.wall_us()
    plan = SittingPlan(
        name=(exam.name or exam.exam_id)[:255],
        room=settings.box.room,
        exams=(exam.id,),
        timing=SittingTiming(start_us=now_us),
        opening="automatic",
        origin="lms",
    )
    made = plan_sitting(db, plan, clock=cause.clock, who=BOX)
    run = happen(db, run_of(db, made.id), "check_readiness", cause=box, role="system")
    run = happen(db, run, "note_readiness", cause=box, role="system", detail={"room": "not looked at"})
    run = happen(db, run, "override_readiness", cause=box, role="system", why=BY_ITSELF)
    run = happen(db, run, "admit", cause=box, role="system")
    happen(db, run, "start", cause=box, role="system")
    return stored_sitting(db, made.id)
