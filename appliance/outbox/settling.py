"""What becomes of deliveries after attempts: the attempt and the new state are one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.database import write
from appliance.exchange.delivery import POISON_AFTER, Outcome, is_refusal, outcome, wait_s
from appliance.outbox import targets
from appliance.outbox.rows import get_delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.outbox.rows import Delivery

KEPT_ATTEMPTS: Final = 200
"""So many of a delivery's newest attempts are kept."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that is over.

    Attributes:
        delivery: its id.
        at_us: UTC, when it began.
        took_us: how long it took.
        status: of HTTP; None where there was no whole answer.
        body: of the answer, redacted and cut.
        reason: why it was not taken, or what is odd about the answer (`appliance.outbox.reasons`).
        retry_after_s: what the target asked for.
    """

    delivery: int
    at_us: int
    took_us: int
    status: int | None
    body: str = ""
    reason: str = ""
    retry_after_s: float = 0.0


def settle(
    db: Database,
    tried: Sequence[Tried],
    *,
    silent: Collection[str] = (),
    clock: Clock,
    roll: Callable[[], float],
) -> list[tuple[Delivery, Outcome]]:
    """Note attempts and what becomes of their deliveries, all in one durable transaction.

    A delivery that was superseded or given up while it was on its way keeps that state unless it was accepted.

    Args:
        db: the box's database.
        tried: the attempts.
        silent: targets of which enough streams failed to try them one at a time.
        clock: dates the outcomes.
        roll: random numbers, 0 to below 1.

    Returns:
        Each delivery as it was, and its outcome, in the order given.
    """
    with write(db):
        return [_settle(db, one, silent, clock, roll) for one in tried]


def _settle(
    db: Database, tried: Tried, silent: Collection[str], clock: Clock, roll: Callable[[], float]
) -> tuple[Delivery, Outcome]:
    delivery = get_delivery(db, tried.delivery)
    refusals = delivery.refusals + is_refusal(tried.status)
    result = outcome(tried.status, refusals=refusals)
    now_us = clock.wall_us()
    _note_attempt(db, delivery, tried)
    _note_target(db, delivery, tried, result, now_us=now_us, silent=delivery.target in silent, roll=roll())
    if result is Outcome.DELIVERED:
        _change(db, delivery, "delivered", settled_us=now_us)
    elif delivery.state != "waiting":
        _change(db, delivery, delivery.state, settled_us=delivery.settled_us, reason=delivery.reason)
    elif result is Outcome.PARKED:
        _change(db, delivery, "parked", refusals=refusals, reason=tried.reason)
        detail = {"delivery": delivery.id, "target": delivery.target, "kind": delivery.kind, "status": tried.status}
        append(db, "delivery.parked", clock=clock, detail={**detail, "refusals": refusals})
    else:
        # A refusal's waits begin anew: it is asked again soon, and parked soon if that stays so.
        attempt = refusals if is_refusal(tried.status) else delivery.attempts + 1
        wait_us = round(wait_s(attempt, roll(), retry_after_s=tried.retry_after_s) * _US)
        _change(db, delivery, "waiting", refusals=refusals, reason=tried.reason, next_try_us=now_us + wait_us)
    return delivery, result


def _note_attempt(db: Database, delivery: Delivery, tried: Tried) -> None:
    number = delivery.attempts + 1
    db.conn.execute(
        "INSERT OR REPLACE INTO delivery_attempt (delivery, number, at_us, took_us, status, body, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (delivery.id, number, tried.at_us, tried.took_us, tried.status, tried.body, tried.reason),
    )
    if number > KEPT_ATTEMPTS:
        db.conn.execute(
            "DELETE FROM delivery_attempt WHERE delivery = ? AND number <= ?", (delivery.id, number - KEPT_ATTEMPTS)
        )


def _note_target(
    db: Database, delivery: Delivery, tried: Tried, result: Outcome, *, now_us: int, silent: bool, roll: float
) -> None:
    if result is Outcome.DELIVERED:
        targets.note_success(db, delivery.target, now_us=now_us)
    elif is_refusal(tried.status):
        targets.note_answer(db, delivery.target, now_us=now_us)
    else:
        targets.note_failure(
            db,
            delivery.target,
            tried.reason,
            now_us=now_us,
            silent=silent,
            roll=roll,
            retry_after_s=tried.retry_after_s,
        )


def _change(
    db: Database,
    delivery: Delivery,
    state: str,
    *,
    refusals: int | None = None,
    reason: str = "",
    next_try_us: int = 0,
    settled_us: int | None = None,
) -> None:
    db.conn.execute(
        "UPDATE delivery SET state = ?, attempts = attempts + 1, refusals = ?, next_try_us = ?, settled_us = ?,"
        " reason = ? WHERE id = ?",
        (
            state,
            delivery.refusals if refusals is None else refusals,
            next_try_us,
            settled_us,
            reason,
            delivery.id,
        ),
    )


def postpone(db: Database, deliveries: Sequence[int], why: str, *, until_us: int) -> None:
    """Let deliveries wait that cannot be sent as the box is set up; that is no attempt."""
    with write(db):
        db.conn.executemany(
            "UPDATE delivery SET next_try_us = ?, reason = ? WHERE state = 'waiting' AND id = ?",
            [(until_us, why, number) for number in deliveries],
        )


__all__ = ["KEPT_ATTEMPTS", "POISON_AFTER", "Tried", "postpone", "settle"]
