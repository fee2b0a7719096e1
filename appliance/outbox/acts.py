"""What people do with deliveries: try at once, let a parked one go on, give one up. The log has the last two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import BadInputError, ConflictError
from appliance.outbox.rows import get_delivery

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.outbox.rows import Delivery

MAX_REASON_CHARACTERS: Final = 500
_AT_ONCE: Final = "UPDATE delivery SET next_try_us = 0 WHERE state = 'waiting'"


def retry_now(db: Database, which: int | str) -> int:
    """Let a delivery, or all of a target, be tried at once; return how many that concerns.

    It changes no order: a delivery behind others of its stream waits for them. Parked ones stay parked.

    Raises:
        NotFoundError: there is no such delivery.
        ConflictError: the delivery is not waiting.
    """
    with write(db):
        if isinstance(which, int):
            delivery = get_delivery(db, which)
            if delivery.state != "waiting":
                raise ConflictError(f"Delivery {which} does not wait: it is {delivery.state}.", hint=_hint(delivery))
            target = delivery.target
            changed = db.conn.execute(f"{_AT_ONCE} AND id = ?", (which,))
        else:
            target = which
            changed = db.conn.execute(f"{_AT_ONCE} AND target = ?", (which,))
        db.conn.execute("UPDATE delivery_target SET next_try_us = 0 WHERE target = ?", (target,))
        return changed.rowcount


def unpark(db: Database, number: int, *, who: str, clock: Clock, where: str = "") -> Delivery:
    """Let a parked delivery be tried again, at once, and with it those behind it; its refusals count anew.

    Raises:
        NotFoundError: there is no such delivery.
        ConflictError: it is not parked.
    """
    with write(db):
        delivery = get_delivery(db, number)
        if delivery.state != "parked":
            raise ConflictError(f"Delivery {number} is not parked: it is {delivery.state}.")
        db.conn.execute(
            "UPDATE delivery SET state = 'waiting', refusals = 0, next_try_us = 0, reason = '' WHERE id = ?", (number,)
        )
        append(db, "delivery.unparked", clock=clock, who=who, where=where, detail=_detail(delivery))
    return get_delivery(db, number)


def discard(db: Database, number: int, *, who: str, why: str, clock: Clock, where: str = "") -> Delivery:
    """Give a delivery up: it is not sent any more, and those behind it go on.

    Raises:
        BadInputError: there is no usable reason.
        NotFoundError: there is no such delivery.
        ConflictError: it is settled already.
    """
    stated = _reason(why)
    with write(db):
        delivery = get_delivery(db, number)
        if delivery.state not in ("waiting", "parked"):
            raise ConflictError(f"Delivery {number} is settled already: it is {delivery.state}.")
        db.conn.execute(
            "UPDATE delivery SET state = 'discarded', settled_us = ?, reason = ? WHERE id = ?",
            (clock.wall_us(), stated, number),
        )
        detail = {**_detail(delivery), "was": delivery.state, "attempts": delivery.attempts}
        append(db, "delivery.discarded", clock=clock, who=who, where=where, detail=detail, personal={"reason": stated})
    return get_delivery(db, number)


def _detail(delivery: Delivery) -> dict[str, str | int]:
    return {
        "delivery": delivery.id,
        "epoch": delivery.epoch,
        "seq": delivery.seq,
        "target": delivery.target,
        "kind": delivery.kind,
    }


def _reason(text: str) -> str:
    stated = text.strip()
    if not stated or len(stated) > MAX_REASON_CHARACTERS or not stated.isprintable():
        raise BadInputError(
            f"The reason has to be one line of 1 to {MAX_REASON_CHARACTERS} characters.",
            hint="Say why this is never to be delivered, so that it can be understood later.",
        )
    return stated


def _hint(delivery: Delivery) -> str:
    if delivery.state == "parked":
        return "A parked one has to be let go on first."
    return "Only what waits can be tried."
