"""What the centre wants changed in one sitting, as the room is shown it: what waits, and what it would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from appliance.centre.context import body_of
from appliance.centre.of_rosters import candidate_of_word
from appliance.centre.running import sittings_using
from appliance.centre.store import centre_of
from appliance.centre.things import CANDIDATE, local_of
from appliance.centre.waiting_rows import Waiting, waiting_changes
from appliance.errors import BadInputError
from appliance.exams.states import CandidateStatus
from appliance.exams.timing import timing_in
from appliance.exchange.centre.bodies import RosterBody, SeatingBody, SittingBody
from appliance.exchange.centre.extra_time import ExtraTime
from appliance.exchange.centre.kinds import ChangeKind
from appliance.sittings.rosters import candidates_of
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.seating import seating_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.exams.model import Candidate


@dataclass(frozen=True, slots=True)
class ExtraTimeWish:
    """Extra time; ``candidate`` is None where everybody gets it, ``known`` False where the box knows nobody so."""

    amount_us: int
    who: str
    why: str
    candidate: Candidate | None
    known: bool = True


@dataclass(frozen=True, slots=True)
class RosterWish:
    """Another roster: who would be enrolled and who withdrawn (display names), and whose extra time would differ."""

    enrolled: tuple[str, ...]
    withdrawn: tuple[str, ...]
    others: int


@dataclass(frozen=True, slots=True)
class SeatingWish:
    """Another seating plan: how many seats it has, and how many candidates it plans elsewhere."""

    seats: int
    moved: int


@dataclass(frozen=True, slots=True)
class PlanWish:
    """Another plan: its name and start, names of exams that are new or left out; or that the sitting is to be removed.

    Times are None, and the rule for who begins late is empty, where they stay.
    """

    removed: bool
    name: str = ""
    start_us: int | None = None
    last_start_us: int | None = None
    late_rule: str = ""
    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrationWish:
    """The LMS of an exam of this sitting is not to take part any more."""

    integration: str


Wish: TypeAlias = ExtraTimeWish | RosterWish | SeatingWish | PlanWish | IntegrationWish


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for this room, and what it would do; None where it cannot be read."""

    waiting: Waiting
    wish: Wish | None


def proposals(db: Database, sitting: str) -> list[Proposal]:
    """Return what waits for the room of a sitting, or was declined there, the oldest first."""
    centre = centre_of(db)
    if centre is None:
        return []
    return [
        Proposal(one, _wish(db, one, sitting))
        for one in waiting_changes(db, centre.hub)
        if one.state != "held" and _concerns(db, one, sitting)
    ]


def _concerns(db: Database, one: Waiting, sitting: str) -> bool:
    change = one.change
    if change.kind == ChangeKind.INTEGRATION:
        return sitting in sittings_using(db, change.hub, change.id)
    return change.sitting == sitting


def _wish(db: Database, one: Waiting, sitting: str) -> Wish | None:
    reader = _READERS.get(one.change.kind)
    try:
        return None if reader is None else reader(db, one, sitting)
    except (BadInputError, msgspec.ValidationError):
        return None


def _extra_time(db: Database, one: Waiting, sitting: str) -> ExtraTimeWish:
    grant = body_of(ExtraTime, one.change)
    if not grant.candidate:
        return ExtraTimeWish(grant.amount_us, grant.who, grant.why, None)
    local = local_of(db, one.change.hub, CANDIDATE, grant.candidate)
    person = candidates_of(db, sitting).get(local)
    return ExtraTimeWish(grant.amount_us, grant.who, grant.why, person, known=person is not None)


def _roster(db: Database, one: Waiting, sitting: str) -> RosterWish:
    body = RosterBody() if one.change.deleted else body_of(RosterBody, one.change)
    run, people = run_of(db, sitting), candidates_of(db, sitting)
    there = {
        key: name
        for name, person in people.items()
        if run.people[name].status not in {CandidateStatus.TRANSFERRED, CandidateStatus.WITHDRAWN}
        for key in _keys(person)
    }
    named: set[str] = set()
    enrolled, others = [], 0
    for line in body.entries:
        person = candidate_of_word(line.candidate)
        name = next((there[key] for key in _keys(person) if key in there), None)
        if name is None:
            enrolled.append(person.display_name)
            continue
        named.add(name)
        planned = run.people[name].planned
        told = (line.planned.get("percent_hundredths", 0), line.planned.get("minutes", 0))
        others += told != (planned.percent_hundredths, planned.minutes)
    gone = [people[name].display_name for name in dict.fromkeys(there.values()) if name not in named]
    return RosterWish(tuple(enrolled), tuple(gone), others)


def _keys(person: Candidate) -> list[tuple[str, str]]:
    return [(kind, value) for kind, value in (("user", person.user_id), ("number", person.number)) if value]


def _seating(db: Database, one: Waiting, sitting: str) -> SeatingWish:
    body = SeatingBody() if one.change.deleted else body_of(SeatingBody, one.change)
    now = {candidate: seat for seat, candidate in seating_of(db, sitting).assigned.items()}
    wanted = {local_of(db, one.change.hub, CANDIDATE, name): seat for seat, name in body.assigned.items()}
    return SeatingWish(len(body.seats), sum(now.get(name) != seat for name, seat in wanted.items()))


def _plan(db: Database, one: Waiting, sitting: str) -> PlanWish:
    if one.change.deleted:
        return PlanWish(removed=True)
    body, stored = body_of(SittingBody, one.change), stored_sitting(db, sitting)
    timing, before, now = timing_in(body.timing), stored.sitting.timing, set(stored.sitting.exams)
    told = {exam: local_of(db, one.change.hub, ChangeKind.EXAM, exam) for exam in body.exams}
    return PlanWish(
        removed=False,
        name=body.name,
        start_us=timing.start_us if timing.start_us != before.start_us else None,
        last_start_us=timing.last_start_us if timing.last_start_us != before.last_start_us else None,
        late_rule=timing.late_rule if timing.late_rule != before.late_rule else "",
        added=tuple(_exam_name(db, local) or exam for exam, local in told.items() if local not in now),
        left_out=tuple(_exam_name(db, local) for local in sorted(now - set(told.values()))),
    )


def _exam_name(db: Database, local: str) -> str:
    row = db.conn.execute("SELECT name FROM exam WHERE id = ?", (local,)).fetchone()
    return "" if row is None else str(row[0])


def _integration(db: Database, one: Waiting, _sitting: str) -> IntegrationWish:
    local = local_of(db, one.change.hub, ChangeKind.INTEGRATION, one.change.id)
    row = db.conn.execute("SELECT name FROM integration WHERE id = ?", (local,)).fetchone()
    return IntegrationWish(one.change.id if row is None else str(row[0]))


_READERS: Final[dict[str, Callable[[Database, Waiting, str], Wish]]] = {
    ChangeKind.EXTRA_TIME: _extra_time,
    ChangeKind.ROSTER: _roster,
    ChangeKind.SEATING: _seating,
    ChangeKind.SITTING: _plan,
    ChangeKind.INTEGRATION: _integration,
}
