"""Deliveries as they are stored, and reading them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from appliance.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.exchange.json_edge import JsonObject

DeliveryState: TypeAlias = Literal["waiting", "delivered", "parked", "superseded", "discarded"]
LMS_PREFIX: Final = "lms:"
CENTRE: Final = "centre"
"""The target of everything for the central service."""
SELECT: Final = (
    "SELECT id, epoch, seq, target, stream, kind, body, cause_us, state, attempts, refusals, next_try_us, settled_us, "
    "reason FROM delivery"
)
OPEN: Final = f"{SELECT} INDEXED BY delivery_open WHERE state IN ('waiting', 'parked')"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that is to reach a target; times are UTC.

    Attributes:
        id: its row, in the order of causes.
        epoch, seq: of its key; the box's name comes before them.
        target: ``lms:<integration>`` or ``centre``.
        stream: within it the order is kept: a session's id, or empty.
        kind: what it is: ``review``, ``schedule``, ``warning``, ``agreement`` to an LMS.
        text: the body, JSON as it is sent.
        next_try_us: not before.
        refusals: how often its content was refused.
        settled_us: when it was delivered, superseded or discarded.
        reason: why it still waits, is parked, or was discarded.
    """

    id: int
    epoch: str
    seq: int
    target: str
    stream: str
    kind: str
    text: str
    cause_us: int
    state: DeliveryState
    attempts: int
    refusals: int
    next_try_us: int
    settled_us: int | None
    reason: str

    @property
    def body(self) -> JsonObject:
        """The body as a value."""
        value: JsonObject = msgspec.json.decode(self.text)
        return value


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver.

    Attributes:
        number: from 1 on.
        at_us: UTC, when it began.
        took_us: how long it took.
        status: of HTTP; None where there was no answer.
        body: of the answer, redacted and cut.
        error: why there was no answer, or what is odd about it.
    """

    number: int
    at_us: int
    took_us: int
    status: int | None
    body: str
    error: str


def lms_target(integration: str) -> str:
    """Return the target of what an integration's LMS is told."""
    return LMS_PREFIX + integration


def get_delivery(db: Database, number: int) -> Delivery:
    """Return one delivery.

    Raises:
        NotFoundError: there is none of this number; settled ones are forgotten after some time.
    """
    row = db.conn.execute(f"{SELECT} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFoundError(
            f"There is no delivery {number}.",
            hint="`exambox sync status` shows what waits; delivered ones are forgotten after some time.",
        )
    return Delivery(*row)


def waiting(db: Database, target: str | None = None, *, limit: int = 1000) -> list[Delivery]:
    """Return what is not accepted yet, parked ones included, in the order of causes."""
    where, values = ("", ()) if target is None else (" AND target = ?", (target,))
    rows = db.conn.execute(f"{OPEN}{where} ORDER BY id LIMIT ?", (*values, limit))
    return [Delivery(*row) for row in rows]


def attempts(db: Database, number: int) -> list[Attempt]:
    """Return the tries to deliver one, the first first."""
    rows = db.conn.execute(
        "SELECT number, at_us, took_us, status, body, error FROM delivery_attempt WHERE delivery = ? ORDER BY number",
        (number,),
    )
    return [Attempt(*row) for row in rows]


def list_deliveries(
    db: Database, states: Sequence[DeliveryState], *, target: str | None = None, before: int | None = None, limit: int
) -> list[Delivery]:
    """Return deliveries of the states, the newest first; ``before`` is the id that the last page ended with."""
    where = f"state IN ({', '.join('?' * len(states))})"
    values: list[str | int] = list(states)
    if target is not None:
        where += " AND target = ?"
        values.append(target)
    if before is not None:
        where += " AND id < ?"
        values.append(before)
    rows = db.conn.execute(f"{SELECT} WHERE {where} ORDER BY id DESC LIMIT ?", (*values, limit))
    return [Delivery(*row) for row in rows]


def of_stream(db: Database, target: str, stream: str, kind: str, *, limit: int = 10) -> list[Delivery]:
    """Return the deliveries of a kind within a stream of a target, settled ones too while remembered, newest first."""
    rows = db.conn.execute(
        f"{SELECT} WHERE target = ? AND stream = ? AND kind = ? ORDER BY id DESC LIMIT ?", (target, stream, kind, limit)
    )
    return [Delivery(*row) for row in rows]
