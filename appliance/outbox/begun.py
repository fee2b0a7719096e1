"""Noting, before deliveries leave, that they do: what may have arrived is not superseded any more.

An attempt whose answer never came may have arrived, or may yet: a proxy keeps it, the process dies after sending. If
a newer one took its place and went, the older would be the receiver's last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.database import write

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlite_utils import Database

    from appliance.outbox.rows import Delivery

SUPERSEDED: Final = frozenset({"review", "log_head"})
"""Kinds of which a newer one may say all that an older one says: only these need a note."""
_MANY: Final = 500


def note_begun(db: Database, deliveries: Sequence[Delivery], *, at_us: int) -> frozenset[int]:
    """Note that a first attempt of these begins, durably, and return the ids of those that may leave.

    Left out is what was superseded or settled meanwhile. Costs a write only where there is something to note.

    Args:
        db: the box's database.
        deliveries: as they were read.
        at_us: UTC, now.
    """
    new = {one.id for one in deliveries if one.kind in SUPERSEDED and not one.attempts}
    new -= _among(db, new, "SELECT delivery FROM delivery_attempt WHERE delivery IN ({})")
    gone: set[int] = set()
    if new:
        with write(db):
            gone = new - _among(db, new, "SELECT id FROM delivery WHERE state IN ('waiting', 'parked') AND id IN ({})")
            db.conn.executemany(
                "INSERT INTO delivery_attempt (delivery, number, at_us, took_us) VALUES (?, 1, ?, 0)",
                [(number, at_us) for number in sorted(new - gone)],
            )
    return frozenset(one.id for one in deliveries if one.id not in gone)


def _among(db: Database, numbers: Collection[int], sql: str) -> set[int]:
    """Return those of the numbers that a question about them finds."""
    ordered, found = sorted(numbers), set[int]()
    for first in range(0, len(ordered), _MANY):
        some = ordered[first : first + _MANY]
        found |= {int(row[0]) for row in db.conn.execute(sql.format(", ".join("?" * len(some))), some)}
    return found
