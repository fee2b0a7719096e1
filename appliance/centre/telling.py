"""What the box tells the centre about itself, as items: what a room said to a proposal, steps of the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.centre.kinds import ItemKind
from appliance.outbox import CENTRE, put

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.changes import Change
    from appliance.exchange.json_edge import JsonObject


def tell_acceptance(db: Database, change: Change, *, accepted: bool, who: str, why: str, clock: Clock) -> None:
    """Tell what an invigilator said to a change of the centre, in the open transaction."""
    body: JsonObject = {
        "kind": change.kind,
        "id": change.id,
        "version": change.version,
        "digest": change.digest,
        "sitting": change.sitting,
        "accepted": accepted,
        "who": who,
        "why": why,
        "at_us": clock.wall_us(),
    }
    stream = f"sitting:{change.sitting}" if change.sitting else ""
    put(db, target=CENTRE, stream=stream, kind=ItemKind.ACCEPTANCE, body=body, clock=clock)


def tell_clock_step(db: Database, by_us: int, *, trusted: bool, clock: Clock) -> None:
    """Tell that the box's wall clock was set, in the open transaction; positive: forward."""
    body: JsonObject = {"by_us": by_us, "at_us": clock.wall_us(), "trusted": trusted}
    put(db, target=CENTRE, stream="", kind=ItemKind.CLOCK, body=body, clock=clock)
