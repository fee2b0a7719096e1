"""Who wants to be told of a session: its LMS at the addresses it set, or the centre that answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.outbox import CENTRE, lms_target, put
from appliance.sittings.rows import one_row

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.json_edge import JsonObject

Kind = Literal["review", "schedule", "warning", "agreement", "status"]
_ADDRESS: Final = {
    "review": "review_url",
    "schedule": "schedule_url",
    "warning": "warning_url",
    "agreement": "agreement_acceptance_url",
}


class Receiver(msgspec.Struct, frozen=True):
    """An integration as something that is told: ``kinds`` are those it has an address for."""

    id: str
    name: str
    of_centre: bool
    kinds: frozenset[str]

    def wants(self, kind: Kind) -> bool:
        """Return whether a message of this kind goes anywhere; the centre wants all."""
        return self.of_centre or kind in self.kinds


def receiver_of(db: Database, integration: str) -> Receiver | None:
    """Return who is told of an integration's sessions; None of a removed one.

    One of the centre's is told of what was begun also after it was taken away here: the centre may have it still.
    """
    sql = "SELECT * FROM integration WHERE id = ? AND (removed_us IS NULL OR origin = 'centre')"
    row = one_row(db, sql, (integration,))
    if row is None:
        return None
    kinds = frozenset(kind for kind, column in _ADDRESS.items() if row[column])
    return Receiver(row["id"], row["name"], row["origin"] == "centre", kinds)


def tell(
    db: Database,
    to: Receiver,
    kind: Kind,
    body: JsonObject,
    *,
    session: str,
    clock: Clock,
    supersedes: bool = False,
) -> None:
    """Put a message of a session into the outbox, in the open transaction, where it is wanted.

    The centre gets ``{"integration": name, "kind": kind, "message": body}``: it knows the LMS's addresses and passes
    the body on. A schedule and a status are items of the session; a status is for the centre alone, an LMS asks.
    """
    if to.of_centre:
        told: JsonObject = {"integration": to.name, "kind": kind, "message": body}
        item = "session" if kind in {"schedule", "status"} else kind
        put(db, target=CENTRE, stream=session, kind=item, body=told, clock=clock, supersedes=supersedes)
    elif to.wants(kind):
        put(db, target=lms_target(to.id), stream=session, kind=kind, body=body, clock=clock, supersedes=supersedes)


def concerns_centre(db: Database, sitting: str) -> bool:
    """Return whether the centre is told what happens in a sitting: it planned it, or it sent an exam of it."""
    sql = (
        "SELECT 1 FROM sitting s WHERE s.id = ? AND (s.origin = 'centre' OR EXISTS (SELECT 1 FROM sitting_exam x"
        " JOIN exam e ON e.id = x.exam JOIN integration i ON i.id = e.integration"
        " WHERE x.sitting = s.id AND i.origin = 'centre'))"
    )
    return db.conn.execute(sql, (sitting,)).fetchone() is not None


def tell_centre(db: Database, kind: str, body: JsonObject, *, stream: str, clock: Clock) -> None:
    """Put what happened in a room into the outbox for the centre, in the open transaction."""
    put(db, target=CENTRE, stream=stream, kind=kind, body=body, clock=clock)
