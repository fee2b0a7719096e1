"""Extra time that the centre gives in an exam: an act in the centre's role, after the room accepted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.centre.context import NotYetError, Taking, body_of
from appliance.centre.of_sittings import find_sitting
from appliance.centre.things import CANDIDATE, local_of
from appliance.exams.states import SittingStatus
from appliance.exchange.centre.extra_time import ExtraTime
from appliance.sittings.acts import act

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change

_OVER: Final = frozenset({SittingStatus.ENDED, SittingStatus.CLOSED})


def take_extra_time(db: Database, change: Change, taking: Taking) -> str:
    """Give it, once. A grant that is withdrawn is given no more; one that comes after the end changes nothing.

    Raises:
        NotYetError: nobody is there yet who could be asked, or the candidate is not known here.
        IllegalTransitionError: the candidate cannot be given time now.
    """
    if change.deleted:
        return ""
    grant = body_of(ExtraTime, change)
    known = find_sitting(db, grant.sitting)
    if known is None or known.removed_us is not None:
        raise NotYetError(f"The sitting {grant.sitting} has not arrived yet.", hint="It is asked about after that.")
    if known.status in _OVER:
        taking.cause(change).log(db, "centre.too_late", {"kind": change.kind, "id": change.id, "sitting": known.id})
        return ""
    if known.status is SittingStatus.PLANNED:
        raise NotYetError("The sitting is only planned.", hint="The room is asked once its readiness check begins.")
    candidate = local_of(db, change.hub, CANDIDATE, grant.candidate) if grant.candidate else ""
    if grant.candidate and not candidate:
        raise NotYetError(
            f"The candidate {grant.candidate} is not known here.", hint="Ask the central service who is meant."
        )
    detail: dict[str, str | int | bool] = {"amount_us": grant.amount_us, "grant": change.id}
    if taking.accepted_by:
        detail["accepted_by"] = taking.accepted_by
    act(
        db,
        known.id,
        "extend" if candidate else "extend_all",
        who=grant.who or change.hub,
        role="centre",
        clock=taking.clock,
        candidate=candidate,
        why=grant.why or "extra time of the centre",
        detail=detail,
        where=taking.where,
    )
    return known.id
