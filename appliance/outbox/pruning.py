"""Forgetting settled deliveries with their attempts; what waits or is parked is never forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

_AT_ONCE: Final = 1000
_OLD: Final = (
    "SELECT id FROM delivery WHERE settled_us IS NOT NULL AND settled_us < ? AND state NOT IN ('waiting', 'parked')"
    " ORDER BY settled_us LIMIT ?"
)


def prune(db: Database, *, before_us: int, limit: int = _AT_ONCE) -> int:
    """Forget deliveries settled before a time, the oldest first, at most ``limit``; return how many."""
    with write(db):
        gone = [(int(row[0]),) for row in db.conn.execute(_OLD, (before_us, limit))]
        db.conn.executemany("DELETE FROM delivery_attempt WHERE delivery = ?", gone)
        db.conn.executemany("DELETE FROM delivery WHERE id = ?", gone)
    return len(gone)
