"""Whether a target takes deliveries: one that fails for several streams is tried with one delivery at a time.

So two thousand sessions do not each wait for a time-out of their own, and a target that comes back is found within
a minute, whatever its deliveries' own waits are; then all of them go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exchange.delivery import LONGEST_WAIT_S, wait_s

if TYPE_CHECKING:
    from sqlite_utils import Database

SILENT_AFTER_STREAMS: Final = 3
"""Streams that failed one after the other, without a success between, after which a target counts as silent."""
PROBE_WAIT_S: Final = 60.0
"""A silent target is tried at least so often, unless it asked for more time."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TargetState:
    """How a target stands; times are UTC.

    Attributes:
        silent_since_us: since when it takes nothing; None while it does.
        failures: tries in vain since then.
        next_try_us: while it is silent or held, not before.
        reason: why nothing goes there, in the form of `appliance.outbox.reasons`.
    """

    target: str
    last_success_us: int | None = None
    last_answer_us: int | None = None
    silent_since_us: int | None = None
    failures: int = 0
    next_try_us: int = 0
    reason: str = ""


_SELECT: Final = (
    "SELECT target, last_success_us, last_answer_us, silent_since_us, failures, next_try_us, reason"
    " FROM delivery_target"
)


def target_state(db: Database, target: str) -> TargetState:
    """Return how a target stands."""
    row = db.conn.execute(f"{_SELECT} WHERE target = ?", (target,)).fetchone()
    return TargetState(target) if row is None else TargetState(*row)


def target_states(db: Database) -> dict[str, TargetState]:
    """Return how every target stands that was ever tried."""
    return {str(row[0]): TargetState(*row) for row in db.conn.execute(_SELECT)}


def note_success(db: Database, target: str, *, now_us: int) -> None:
    """Note that a target accepted something; if it was silent, what waits for it goes at once."""
    before = target_state(db, target)
    _keep(db, TargetState(target, last_success_us=now_us, last_answer_us=now_us))
    if before.silent_since_us is not None:
        db.conn.execute(
            "UPDATE delivery SET next_try_us = 0 WHERE state = 'waiting' AND target = ? AND next_try_us > ?",
            (target, now_us),
        )


def note_answer(db: Database, target: str, *, now_us: int) -> None:
    """Note that a target looked at a delivery and refused its content: it is there, and takes others."""
    before = target_state(db, target)
    _keep(db, TargetState(target, last_success_us=before.last_success_us, last_answer_us=now_us))


def note_failure(
    db: Database, target: str, reason: str, *, now_us: int, silent: bool, roll: float, retry_after_s: float = 0.0
) -> None:
    """Note that a target did not take a delivery.

    Args:
        db: the box's database, inside a transaction.
        target: which.
        reason: why.
        now_us: UTC.
        silent: enough of its streams failed.
        roll: a random number, 0 to below 1.
        retry_after_s: what it asked for.
    """
    before = target_state(db, target)
    if before.silent_since_us is None and not silent:
        return
    failures = before.failures + 1
    wait = max(min(PROBE_WAIT_S, wait_s(failures, roll)), min(retry_after_s, LONGEST_WAIT_S))
    _keep(
        db,
        TargetState(
            target,
            last_success_us=before.last_success_us,
            last_answer_us=before.last_answer_us,
            silent_since_us=now_us if before.silent_since_us is None else before.silent_since_us,
            failures=failures,
            next_try_us=now_us + round(wait * _US),
            reason=reason,
        ),
    )


def hold(db: Database, target: str, reason: str) -> bool:
    """Note why nothing is sent to a target by the box's own settings, empty for nothing; return whether that is new."""
    before = target_state(db, target)
    if before.silent_since_us is not None or before.reason == reason:
        return False
    _keep(
        db,
        TargetState(
            target, last_success_us=before.last_success_us, last_answer_us=before.last_answer_us, reason=reason
        ),
    )
    return True


def _keep(db: Database, state: TargetState) -> None:
    db.conn.execute(
        "INSERT INTO delivery_target"
        " (target, last_success_us, last_answer_us, silent_since_us, failures, next_try_us, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (target) DO UPDATE SET last_success_us = excluded.last_success_us,"
        " last_answer_us = excluded.last_answer_us, silent_since_us = excluded.silent_since_us,"
        " failures = excluded.failures, next_try_us = excluded.next_try_us, reason = excluded.reason",
        (
            state.target,
            state.last_success_us,
            state.last_answer_us,
            state.silent_since_us,
            state.failures,
            state.next_try_us,
            state.reason,
        ),
    )
