"""Who is expected in the centre's sittings, and where they sit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.cameras.store import list_cameras
from appliance.centre.context import NotYetError, Taking, body_of, need_local
from appliance.centre.of_sittings import check_about_itself, find_sitting
from appliance.centre.things import CANDIDATE, keep_name, local_of
from appliance.database import write
from appliance.errors import BadInputError, ConflictError
from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, RosterEntry, Seat
from appliance.exams.roster import RosterDraft
from appliance.exams.seating import SeatingDraft
from appliance.exchange.centre.bodies import CandidateWord, RosterBody, SeatingBody
from appliance.exchange.centre.kinds import ChangeKind
from appliance.sittings.candidates import known_as
from appliance.sittings.exams import get_exam
from appliance.sittings.rosters import take_roster, take_seating

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change

_LANGUAGE: Final = 12
_UNKNOWN: Final = "candidate"
"""The id of a candidate who is matched by number or the LMS's id; it is not looked at."""


def take_roster_of(db: Database, change: Change, taking: Taking) -> str:
    """Have the centre's roster; once something has happened in the sitting each difference is an act.

    Raises:
        NotYetError: the sitting or an exam has not arrived.
        ConflictError: somebody who has begun would be left out.
        IllegalTransitionError: the sitting is over.
    """
    check_about_itself(change)
    body = RosterBody() if change.deleted else body_of(RosterBody, change)
    if not _is_here(db, change):
        return ""
    entries = tuple(
        RosterEntry(
            candidate=candidate_of_word(line.candidate),
            exam=need_local(db, change, ChangeKind.EXAM, line.exam),
            planned=msgspec.convert(line.planned, Allowance),
        )
        for line in body.entries
    )
    cause = taking.cause(change)
    draft = RosterDraft(sitting=change.id, entries=entries, problems=(), rows=len(entries))
    with write(db):
        take_roster(
            db, change.id, draft, replace=True, clock=cause.clock, who=cause.who, role="centre", where=cause.where
        )
        for line, entry in zip(body.entries, entries, strict=True):
            integration = get_exam(db, entry.exam).exam.integration
            name_candidate(db, change.hub, line.candidate, integration, now_us=cause.clock.wall_us())
    return change.id


def take_seating_of(db: Database, change: Change, taking: Taking) -> str:
    """Have the centre's seats, and who is planned where; who sits already stays. Unknown cameras are left out.

    Raises:
        NotYetError: the sitting or a candidate of it has not arrived.
        ConflictError: a seat is planned for one and sat on by another.
    """
    check_about_itself(change)
    body = SeatingBody() if change.deleted else body_of(SeatingBody, change)
    if not _is_here(db, change):
        return ""
    cameras = {one.id for one in list_cameras(db)}
    seats = tuple(
        Seat(
            label=one.label,
            row=one.row,
            column=one.column,
            cameras=tuple(camera for camera in one.cameras if camera in cameras),
        )
        for one in body.seats
    )
    _check_seats([one.label for one in seats], body.assigned)
    assigned = {seat: _local(db, change, candidate) for seat, candidate in body.assigned.items()}
    cause = taking.cause(change)
    draft = SeatingDraft(sitting=change.id, seats=seats, assigned=assigned, unseated=(), problems=(), rows=len(seats))
    take_seating(db, change.id, draft, clock=cause.clock, who=cause.who, role="centre", where=cause.where)
    return change.id


def candidate_of_word(word: CandidateWord) -> Candidate:
    """Return the candidate that the centre means; matched by the LMS's id or the number.

    Raises:
        BadInputError: neither is said, or a field is too long for a candidate here.
    """
    if not word.user_id and not word.number:
        raise BadInputError(f"The candidate {word.id} has neither a number nor an id of the LMS.")
    return Candidate(
        id=_UNKNOWN,
        user_id=word.user_id,
        number=word.number,
        last_name=word.last_name,
        first_name=word.first_name,
        third_name=word.third_name,
        email=word.email,
        language=word.language[:_LANGUAGE],
        accommodations=word.accommodations,
    )


def name_candidate(db: Database, hub: str, word: CandidateWord, integration: str, *, now_us: int) -> str:
    """Note who here is meant by one of the centre's candidates, and return who it is."""
    found = known_as(db, integration, user_id=word.user_id, number=word.number)
    if found is None:
        raise LookupError("a candidate that was just kept is not there")
    keep_name(db, hub, word.id, found.id, now_us=now_us)
    return found.id


def _is_here(db: Database, change: Change) -> bool:
    """Return whether the sitting is here and open to its roster; a removed one needs none any more.

    Raises:
        NotYetError: it has not arrived.
        ConflictError: it is one that was planned on the box.
    """
    known = find_sitting(db, change.id)
    if known is None or known.removed_us is not None:
        if change.deleted:
            return False
        raise NotYetError(f"The sitting {change.id} has not arrived yet.", hint="It is taken over after that.")
    if known.origin != "centre":
        raise ConflictError(
            f"The sitting {change.id} was planned on this box; its roster is not the central service's."
        )
    return not (change.deleted and known.seq)  # what has begun keeps its people


def _check_seats(labels: list[str], assigned: dict[str, str]) -> None:
    if len(set(labels)) != len(labels):
        raise BadInputError("A seat is named twice in the seating.")
    if not assigned.keys() <= set(labels) or len(set(assigned.values())) != len(assigned):
        raise BadInputError("Somebody is planned at a seat that there is not, or at two.")


def _local(db: Database, change: Change, candidate: str) -> str:
    found = local_of(db, change.hub, CANDIDATE, candidate)
    if not found:
        raise NotYetError(
            f"The candidate {candidate} of the seating is on no roster yet.", hint="It is taken over after the roster."
        )
    return found
