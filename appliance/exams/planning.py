"""From what is planned to a sitting that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import BadInputError
from appliance.exams.sitting_run import SittingRun
from appliance.exams.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exams.model import Exam, Roster, SeatingPlan, Sitting


def planned_run(sitting: Sitting, exams: Iterable[Exam], roster: Roster, plan: SeatingPlan | None = None) -> SittingRun:
    """Return the sitting before anything has happened: what ``apply`` and ``replay`` begin with.

    Raises:
        BadInputError: an exam of the sitting or the roster is missing, a candidate is on the roster twice, or the
            roster or plan is another sitting's.
    """
    known = {exam.id: exam for exam in exams}
    used = {*sitting.exams, *(entry.exam for entry in roster.entries)}
    if missing := sorted(used - known.keys() | used - set(sitting.exams)):
        raise BadInputError(
            f"The sitting does not hold the exam {missing[0]}.",
            hint="Add the exam to the sitting, or correct the roster.",
        )
    if roster.sitting != sitting.id or (plan is not None and plan.sitting != sitting.id):
        raise BadInputError("Roster and seating plan belong to another sitting.", hint="Choose those of this sitting.")
    seats = {} if plan is None else {candidate: seat for seat, candidate in plan.assigned.items()}
    people = {
        entry.candidate.id: Standing(
            candidate=entry.candidate.id,
            exam=entry.exam,
            planned=entry.planned,
            identity_asked=known[entry.exam].identification != "skip",
            seat=seats.get(entry.candidate.id, ""),
        )
        for entry in roster.entries
    }
    if len(people) != len(roster.entries):
        raise BadInputError("A candidate is on the roster twice.", hint="Leave one of the two entries out.")
    timings = {name: known[name].timing for name in sitting.exams}
    return SittingRun(
        sitting=sitting.id,
        timing=sitting.timing,
        exams=timings,
        people=people,
        automatic=sitting.opening == "automatic",
    )
