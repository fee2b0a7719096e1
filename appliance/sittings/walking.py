"""A candidate's way to their seat, as far as it goes without a person of the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.database import write
from appliance.exams.states import OPEN_TO_ARRIVALS, CandidateStatus
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.acts import BOX, happen
from appliance.sittings.rows import Cause
from appliance.sittings.runs import run_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing
    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSession

NOBODY_CHECKED: Final = "no invigilator: identity was not checked"
_MOST_STEPS: Final = 4


def walk(db: Database, session: StoredSession, *, clock: Clock, where: str = "") -> Standing | None:
    """Bring a candidate as far as they get without anybody of the room, and return where they stand then.

    They arrive; identity is passed over where the exam asks for none; with the consent given, who has a planned seat
    sits there. In a sitting the box opened by itself nobody can check an identity that is asked for: that it was not
    checked is written down, and the seat is a number. Consent and beginning are the candidate's own. Committed when it
    returns; None where the session belongs to no sitting.
    """
    if session.sitting is None:
        return None
    with write(db):
        run = run_of(db, session.sitting)
        person = run.people.get(session.candidate)
        if person is None or not person.is_of(session.id) or run.status not in OPEN_TO_ARRIVALS:
            return person
        who = BOX if run.automatic else f"candidate {session.candidate}"
        role: Role = "system" if run.automatic else "candidate"
        for _ in range(_MOST_STEPS):
            step = _next(run, session.candidate)
            if step is None:
                break
            name, why, detail = step
            try:
                run = happen(
                    db,
                    run,
                    name,
                    cause=Cause(clock, who, where),
                    role=role,
                    candidate=session.candidate,
                    why=why,
                    detail=detail,
                )
            except IllegalTransitionError:  # a planned seat that somebody else took: the room decides
                break
    return run.people[session.candidate]


def _next(run: SittingRun, candidate: str) -> tuple[str, str, dict[str, str | int | bool]] | None:
    """Return the next step that needs nobody: its name, reason and detail."""
    person = run.people[candidate]
    match person.status:
        case CandidateStatus.EXPECTED | CandidateStatus.ABSENT:
            return "arrive", "", {}
        case CandidateStatus.ARRIVED if not person.identity_asked:
            return "skip_identity", "", {}
        case CandidateStatus.ARRIVED if run.automatic:
            return "waive_identity", NOBODY_CHECKED, {}
        case CandidateStatus.CONSENTED if person.seat or run.automatic:
            return "seat", "", {"seat": person.seat or _free_number(run)}
        case _:
            return None


def _free_number(run: SittingRun) -> str:
    taken = {person.seat for person in run.people.values()}
    return next(str(number) for number in range(1, len(run.people) + 2) if str(number) not in taken)
