"""Sittings that the centre plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.centre.context import Taking, body_of, need_local
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exams.states import SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.exchange.centre.bodies import SittingBody
from appliance.exchange.centre.kinds import ChangeKind
from appliance.sittings.acts import act
from appliance.sittings.planning import change_plan, plan_sitting, remove_sitting, restore_sitting
from appliance.sittings.replanning import replan
from appliance.sittings.runs import stored_sitting
from appliance.sittings.values import SittingPlan

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change
    from appliance.sittings.values import StoredSitting

CALLED_OFF = "removed at the centre"
REPLANNED = "changed at the centre"
_GONE = frozenset({SittingStatus.ENDED, SittingStatus.CLOSED})


def take_sitting(db: Database, change: Change, taking: Taking) -> str:
    """Plan a sitting as the centre does, change its plan, or remove it.

    While it is only planned that happens by itself; from the readiness check on, when the room has accepted it.

    Raises:
        NotYetError: an exam of it has not arrived.
        PlanError: the plan is wrong.
        ConflictError: the id is another sitting's, or an exam is left out that somebody here has.
        IllegalTransitionError: it is over, or cannot be removed any more.
    """
    check_about_itself(change)
    known = find_sitting(db, change.id)
    if change.deleted:
        if known is not None:
            _remove(db, known, change, taking)
        return change.id
    plan = _plan_of(db, change)
    cause = taking.cause(change)
    if known is None:
        plan_sitting(db, plan, clock=cause.clock, who=cause.who, where=cause.where)
        return change.id
    if known.origin != "centre":
        raise ConflictError(
            f"A sitting {change.id} was planned on this box.",
            hint="The central service has to plan its own under another id.",
        )
    with write(db):
        if known.removed_us is not None:
            restore_sitting(db, change.id, clock=cause.clock, who=cause.who, where=cause.where)
        if known.seq:
            _follow(db, known, plan, change, taking)
        else:
            change_plan(db, change.id, plan, clock=cause.clock, who=cause.who, where=cause.where)
    return change.id


def find_sitting(db: Database, sitting: str) -> StoredSitting | None:
    """Return a sitting, also a removed one; None where there is none."""
    try:
        return stored_sitting(db, sitting)
    except NotFoundError:
        return None


def check_about_itself(change: Change) -> None:
    """Refuse a sitting's plan, roster or seats that is said to be about another sitting, or about none.

    What waits for an invigilator's acceptance goes by the change's ``sitting``.

    Raises:
        BadInputError: it is.
    """
    if change.sitting != change.id:
        raise BadInputError(
            f"The {change.kind} {change.id} is said to be about the sitting {change.sitting or 'none'}."
        )


def _plan_of(db: Database, change: Change) -> SittingPlan:
    body = body_of(SittingBody, change)
    try:
        timing = msgspec.convert(body.timing, SittingTiming)
        return msgspec.convert(
            {
                "id": change.id,
                "name": body.name,
                "room": body.room,
                "exams": [need_local(db, change, ChangeKind.EXAM, one) for one in body.exams],
                "timing": msgspec.to_builtins(timing),
                "lead_us": body.lead_us,
                "opening": body.opening,
                "origin": "centre",
            },
            SittingPlan,
        )
    except msgspec.ValidationError as problem:
        raise BadInputError(f"The plan of the sitting cannot be read: {problem}.") from problem


def _follow(db: Database, known: StoredSitting, plan: SittingPlan, change: Change, taking: Taking) -> None:
    """Take a plan over after something has happened, as an act in the centre's role; after the close it is too late."""
    cause = taking.cause(change)
    if known.status is SittingStatus.CLOSED:
        cause.log(db, "centre.too_late", {"kind": change.kind, "id": change.id, "sitting": known.id})
        return
    replan(db, known.id, plan, cause=cause, role="centre", why=REPLANNED, accepted_by=taking.accepted_by)


def _remove(db: Database, known: StoredSitting, change: Change, taking: Taking) -> None:
    """Remove a sitting in which nothing has happened, call one off that has not started; what happened stays."""
    cause = taking.cause(change)
    if not known.seq:
        remove_sitting(db, known.id, clock=cause.clock, who=cause.who, where=cause.where)
    elif known.status not in _GONE:
        act(
            db,
            known.id,
            "call_off",
            who=cause.who,
            role="centre",
            clock=cause.clock,
            why=CALLED_OFF,
            where=cause.where,
        )
