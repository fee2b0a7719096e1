"""What may go next: of each target and stream the first that is not accepted, found by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exchange.delivery import LONGEST_WAIT_S, Waiting
from appliance.outbox.rows import OPEN, Delivery

if TYPE_CHECKING:
    from sqlite_utils import Database

_CLOCK_SET_BACK_US: Final = round(2 * LONGEST_WAIT_S * 1_000_000)
_NEXT_TARGET: Final = (
    "SELECT MIN(target) FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked') AND target > ?"
)
_HEADS: Final = """
SELECT id, stream, next_try_us, state FROM delivery WHERE id IN (
    SELECT MIN(id) FROM delivery INDEXED BY delivery_open
    WHERE state IN ('waiting', 'parked') AND target = ? GROUP BY stream
)
"""


def open_targets(db: Database) -> list[str]:
    """Return the targets that something waits for, by name; a look into the index for each."""
    found: list[str] = []
    while True:
        (name,) = db.conn.execute(_NEXT_TARGET, (found[-1] if found else "",)).fetchone()
        if name is None:
            return found
        found.append(str(name))


def heads(db: Database, target: str, *, now_us: int) -> list[Waiting]:
    """Return the first of each stream, parked ones included, for `appliance.exchange.delivery.due`.

    `Waiting.seq` is the delivery's id, which keeps the order of causes beyond epochs. A next try further away than
    any wait was set before the wall clock was set back: it counts as come.
    """
    return [
        Waiting(int(row[0]), str(row[1]), _come(int(row[2]), now_us), parked=row[3] == "parked")
        for row in db.conn.execute(_HEADS, (target,))
    ]


def head(db: Database, target: str, stream: str) -> Delivery | None:
    """Return the one delivery of a stream that may be sent before any other of it, None where there is none."""
    row = db.conn.execute(f"{OPEN} AND target = ? AND stream = ? ORDER BY id LIMIT 1", (target, stream)).fetchone()
    return None if row is None else Delivery(*row)


def is_due(delivery: Delivery, *, now_us: int) -> bool:
    """Return whether a stream's first delivery may be sent now."""
    return delivery.state == "waiting" and _come(delivery.next_try_us, now_us) <= now_us


def _come(next_try_us: int, now_us: int) -> int:
    return 0 if next_try_us > now_us + _CLOCK_SET_BACK_US else next_try_us
