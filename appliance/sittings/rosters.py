"""Who is expected in a sitting and where they sit: taken over from a checked table, the LMS or the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Candidate, Roster, RosterEntry, SeatingPlan
    from appliance.exams.roster import RosterDraft
    from appliance.exams.seating import SeatingDraft
    from appliance.exams.transitions import Role


def roster_of(db: Database, sitting: str) -> Roster:
    """Return who is expected, in the order of last name, first name, number; those enrolled in the room as well."""
    raise NotImplementedError


def seating_of(db: Database, sitting: str) -> SeatingPlan:
    """Return the seats and who is planned where; where they really sit is in `runs.run_of`."""
    raise NotImplementedError


def get_candidate(db: Database, id: str) -> Candidate:  # noqa: A002  the model's word
    """Return a candidate.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


def candidates_of(db: Database, sitting: str) -> dict[str, Candidate]:
    """Return everybody of a sitting by id, transferred ones too."""
    raise NotImplementedError


def exam_names(db: Database, sitting: str) -> dict[str, str]:
    """Return what a table may call each exam of a sitting (the LMS's id, the name, our id), to our id."""
    raise NotImplementedError


def take_roster(
    db: Database,
    sitting: str,
    draft: RosterDraft,
    *,
    replace: bool,
    clock: Clock,
    who: str,
    role: Role = "centre_manager",
    where: str = "",
) -> Roster:
    """Take a checked table over whole; `replace`: who is not in it is no longer expected.

    Before the readiness check the roster itself changes. Afterwards each difference is an act: who is new is enrolled,
    another allowance is set, who is left out is withdrawn.

    Raises:
        BadInputError: a row has a problem; nothing is taken over.
        ConflictError: somebody who has begun would be left out, or changes exam.
        IllegalTransitionError: the sitting is over, or not by this role.
    """
    raise NotImplementedError


def add_candidate(
    db: Database,
    sitting: str,
    entry: RosterEntry,
    *,
    clock: Clock,
    who: str,
    role: Role,
    why: str = "",
    where: str = "",
) -> Candidate:
    """Put one candidate on the roster; once the readiness check has begun they are enrolled, which needs a reason.

    The entry's candidate is matched by the LMS's user id or the centre's number; its `id` is not looked at.

    Raises:
        ConflictError: they are on it already.
        IllegalTransitionError: the sitting is over, no reason, or not by this role.
    """
    raise NotImplementedError


def take_seating(
    db: Database,
    sitting: str,
    draft: SeatingDraft,
    *,
    clock: Clock,
    who: str,
    role: Role = "centre_manager",
    where: str = "",
) -> SeatingPlan:
    """Take a checked seating plan over whole: its seats replace those before.

    Who sits already stays; who is admitted or expected gets the planned seat (`assign_seat` once the readiness check
    has begun).

    Raises:
        BadInputError: a row has a problem; nothing is taken over.
    """
    raise NotImplementedError
