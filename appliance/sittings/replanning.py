"""Another plan for a sitting in which something has happened already: times and exams, as an event of its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.errors import ConflictError
from appliance.exams.states import SittingStatus
from appliance.exams.timing import timing_detail
from appliance.sittings.acts import act
from appliance.sittings.booking import book_anew
from appliance.sittings.frozen import freeze
from appliance.sittings.planning import check_exams, checked
from appliance.sittings.rows import to_json
from appliance.sittings.runs import run_of, stored_sitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role
    from appliance.sittings.rows import Cause
    from appliance.sittings.values import SittingPlan, StoredSitting


def replan(
    db: Database, sitting: str, plan: SittingPlan, *, cause: Cause, role: Role, why: str, accepted_by: str = ""
) -> StoredSitting:
    """Let a sitting go by another plan from now on, in the open transaction; `planning.change_plan` before anything.

    Its times count for everybody who has not finished; what was given and what has passed stays. An exam that is new is
    frozen as it is now where the others are. ``opening`` and ``origin`` stay as they are. The LMS is told where the
    start moves for sessions that have not begun.

    Args:
        db: the box's database, inside ``with write(db)``.
        sitting: which.
        plan: all of it.
        cause: who changes it, from where.
        role: in what capacity.
        why: the reason, for the history.
        accepted_by: who of the room let it, where somebody had to.

    Raises:
        PlanError: as `planning.plan_sitting`.
        ConflictError: somebody's exam, or one of the history, is left out.
        IllegalTransitionError: the sitting is over.
    """
    plan = checked(plan)
    before = stored_sitting(db, sitting)
    old, new = set(before.sitting.exams), set(plan.exams)
    if new - old:
        check_exams(db, msgspec.structs.replace(plan, exams=tuple(sorted(new - old))))
    _check_left_out(db, run_of(db, sitting), old - new)
    db.conn.executemany(
        "DELETE FROM sitting_exam WHERE sitting = ? AND exam = ?", [(sitting, one) for one in old - new]
    )
    db.conn.executemany(
        "INSERT INTO sitting_exam (sitting, exam) VALUES (?, ?)", [(sitting, one) for one in sorted(new - old)]
    )
    if before.status is not SittingStatus.PLANNED:
        freeze(db, sitting)
    db.conn.execute(
        "UPDATE sitting SET name = ?, room = ?, lead_us = ?, version = version + 1 WHERE id = ?",
        (plan.name, plan.room, plan.lead_us, sitting),
    )
    if plan.timing != before.sitting.timing or new != old:
        detail: dict[str, str | int | bool] = {**timing_detail(plan.timing), "exams": len(new)}
        if accepted_by:
            detail["accepted_by"] = accepted_by
        act(
            db, sitting, "change_plan", who=cause.who, role=role, clock=cause.clock, why=why, detail=detail,
            where=cause.where,
        )  # fmt: skip
        db.conn.execute(
            "UPDATE sitting SET timing = ?, start_us = ? WHERE id = ?",
            (to_json(plan.timing), plan.timing.start_us, sitting),
        )
    if plan.timing.start_us != before.start_us:
        book_anew(db, sitting, clock=cause.clock)
    return stored_sitting(db, sitting)


def _check_left_out(db: Database, run: SittingRun, gone: set[str]) -> None:
    """Refuse to leave an exam out that somebody was ever expected for here, or that the history speaks of.

    Raises:
        ConflictError: it names the exam and how many candidates have it.
    """
    spoken_of = {str(event.detail["exam"]) for event in run.history if "exam" in event.detail}
    for exam in sorted(gone):
        having = sum(person.exam == exam for person in run.people.values())
        if having or exam in spoken_of:
            (name,) = db.conn.execute("SELECT name FROM exam WHERE id = ?", (exam,)).fetchone()
            raise ConflictError(
                f"The plan leaves out {name!r}, which {having} candidates of this sitting have.",
                hint="Decline it with a reason. The exam stays here; who is not to write it can be withdrawn.",
            )
