"""How deliveries stand, by target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.outbox.heads import open_targets
from appliance.outbox.targets import TargetState, target_states

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How the deliveries to one target stand; times are UTC.

    Attributes:
        target: ``lms:<integration>`` or ``centre``.
        backlog: how many are not accepted yet, parked ones and those behind them included.
        parked: how many wait for a person.
        blocked: how many wait behind a parked one.
        oldest_us: when the oldest that is not accepted was caused.
        last_success_us: when one was accepted last, None where none is remembered.
        next_try_us: when the next is tried, 0 for at once; None where nothing is to be tried.
        silent_since_us: since when it takes nothing, so that one at a time is tried; None while it does.
        last_error: why nothing goes there, or why the oldest that was tried still waits
            (`appliance.outbox.reasons`).
    """

    target: str
    backlog: int
    parked: int
    blocked: int
    oldest_us: int | None
    last_success_us: int | None
    next_try_us: int | None
    silent_since_us: int | None
    last_error: str


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """All targets that something was put for, by name."""

    targets: tuple[TargetStatus, ...]

    @property
    def backlog(self) -> int:
        """How many deliveries are not accepted yet."""
        return sum(one.backlog for one in self.targets)

    @property
    def parked(self) -> int:
        """How many wait for a person."""
        return sum(one.parked for one in self.targets)

    @property
    def oldest_us(self) -> int | None:
        """When the oldest that is not accepted was caused."""
        return min((one.oldest_us for one in self.targets if one.oldest_us is not None), default=None)


def status(db: Database) -> OutboxStatus:
    """Return how deliveries stand; its cost grows with what waits, not with what was delivered."""
    states = target_states(db)
    names = sorted({*open_targets(db), *states})
    return OutboxStatus(tuple(_target(db, states.get(name, TargetState(name))) for name in names))


def delivered_since(db: Database, since_us: int) -> dict[str, int]:
    """Return how many each target accepted since a time, by index."""
    rows = db.conn.execute(
        "SELECT target, COUNT(*) FROM delivery INDEXED BY delivery_settled"
        " WHERE settled_us IS NOT NULL AND settled_us >= ? AND state = 'delivered' GROUP BY target",
        (since_us,),
    )
    return {str(row[0]): int(row[1]) for row in rows}


_COUNTS = """
SELECT COUNT(*), COALESCE(SUM(state = 'parked'), 0), MIN(cause_us)
FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked') AND target = ?
"""
_BLOCKED = """
SELECT COUNT(*) FROM delivery AS later INDEXED BY delivery_open
WHERE later.state IN ('waiting', 'parked') AND later.state = 'waiting' AND later.target = :target
  AND later.stream IN (SELECT stream FROM delivery WHERE state = 'parked' AND target = :target)
"""
_HEADS = """
SELECT state, next_try_us, reason, attempts FROM delivery WHERE id IN (
    SELECT MIN(id) FROM delivery INDEXED BY delivery_open
    WHERE state IN ('waiting', 'parked') AND target = ? GROUP BY stream
) ORDER BY id
"""


def _target(db: Database, state: TargetState) -> TargetStatus:
    backlog, parked, oldest_us = db.conn.execute(_COUNTS, (state.target,)).fetchone()
    heads = [row for row in db.conn.execute(_HEADS, (state.target,)) if row[0] == "waiting"]
    blocked = db.conn.execute(_BLOCKED, {"target": state.target}).fetchone()[0] if parked else 0
    next_try_us = min((int(row[1]) for row in heads), default=None)
    if next_try_us is not None and state.silent_since_us is not None:
        next_try_us = max(next_try_us, state.next_try_us)
    return TargetStatus(
        target=state.target,
        backlog=backlog,
        parked=parked,
        blocked=blocked,
        oldest_us=oldest_us,
        last_success_us=state.last_success_us,
        next_try_us=next_try_us,
        silent_since_us=state.silent_since_us,
        last_error=(state.reason if backlog else "") or next((str(row[2]) for row in heads if row[2]), ""),
    )
