"""Erasing a person from the log: the values go, the commitments and the chain stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.auditlog.append import append
from appliance.auditlog.entry import WHERE, WHO
from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


def erase_person(db: Database, value: str, *, clock: Clock, who: str = "box") -> int:
    """Erase every personal value equal to ``value``; the chain still verifies.

    Where the person is who acted, the place they acted from goes too: it is theirs. The erasure itself is an
    entry, which counts the values and does not repeat them. The bytes are overwritten in the database and
    its write-ahead log, as far as no reader holds an old snapshot.

    Returns:
        How many values were erased.
    """
    db.conn.execute("PRAGMA secure_delete=ON")
    try:
        with write(db):
            places = db.conn.execute(
                "DELETE FROM log_personal WHERE field = ? AND seq IN"
                " (SELECT seq FROM log_personal WHERE field = ? AND value = ?)",
                (WHERE, WHO, value),
            ).rowcount
            values = db.conn.execute("DELETE FROM log_personal WHERE value = ?", (value,)).rowcount
            count = int(places + values)
            append(db, "person.erased", clock=clock, who=who, detail={"values": count})
    finally:
        db.conn.execute("PRAGMA secure_delete=OFF")
    if not db.conn.in_transaction:
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return count
