"""Another attempt at an exam in a sitting that people lead, in the candidate's place, once the first is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.errors import ConflictError
from appliance.exams.states import AT_WORK, OPEN_TO_ARRIVALS, CandidateStatus
from appliance.sittings.acts import happen
from appliance.sittings.runs import run_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.sittings.rows import Cause
    from appliance.sittings.values import StoredSession, StoredSitting

NEW_ATTEMPT: Final = "the LMS began another attempt"
_FINISHED: Final = frozenset({CandidateStatus.FINISHED, CandidateStatus.SUBMITTED, CandidateStatus.LEFT})


class AttemptRunningError(ConflictError):
    """A candidate is handed over for another attempt while they still write one in the room."""

    code = "sittings.attempt_running"

    def __init__(self) -> None:
        super().__init__(
            "Another attempt at this exam is still running.",
            hint="Finish it first, or ask the invigilator; then open the new attempt from your course again.",
        )


def another_attempt(
    db: Database, near: Iterable[StoredSitting], session: StoredSession, exam: Exam, *, cause: Cause
) -> str | None:
    """Let a candidate take another attempt where they have finished one; return the sitting, None where there is none.

    The room sees it as an act of the LMS. Who is still there has been checked; who left comes again as at first.

    Args:
        db: the box's database, in the transaction of the hand-over.
        near: sittings of the exam that are not over, the likeliest first.
        session: the new attempt.
        exam: which.
        cause: who hands over.

    Raises:
        AttemptRunningError: they are still writing another one there.
    """
    for one in near:
        run = run_of(db, one.id)
        person = run.people.get(session.candidate)
        if person is None or one.automatic or person.exam != exam.id or one.status not in OPEN_TO_ARRIVALS:
            continue
        if person.status in AT_WORK:
            raise AttemptRunningError
        before = person.session or begun_here(db, one.id, session)
        if person.status in _FINISHED and before:
            detail: dict[str, str | int | bool] = {"session": session.id, "before": before}
            happen(
                db, run, "new_attempt", cause=cause, role="lms", candidate=session.candidate, why=NEW_ATTEMPT,
                detail=detail,
            )  # fmt: skip
            return one.id
    return None


def begun_here(db: Database, sitting: str, session: StoredSession) -> str:
    """Return another attempt of the session's candidate that has begun in a sitting, empty where there is none."""
    sql = (
        "SELECT id FROM session WHERE sitting = ? AND candidate = ? AND id <> ? AND begun_us IS NOT NULL"
        " AND removed_us IS NULL ORDER BY begun_us DESC LIMIT 1"
    )
    row = db.conn.execute(sql, (sitting, session.candidate, session.id)).fetchone()
    return "" if row is None else str(row[0])
