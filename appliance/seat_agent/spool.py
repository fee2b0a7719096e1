"""What the agent has to tell the box, kept until the box has it: in order, durable, bounded."""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING, Final

from appliance.database import connect, write
from appliance.exchange.seat.messages import MAX_BODY, MAX_ITEMS, Item
from appliance.usb.agents.bodies import AgentWord, write_body

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.exchange.seat.messages import ItemKind

MOST: Final = 20_000
"""Items that are kept at once: weeks of ordinary use without a network."""
_GIVE_UP: Final = 1000
_BATCH_BYTES: Final = 1024 * 1024
_META: Final = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
_ITEM: Final = (
    "CREATE TABLE IF NOT EXISTS item (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL,"
    " mono_us INTEGER NOT NULL, boot TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT"
)


class Spool:
    """Safe between threads.

    Args:
        path: its file, made if it is missing; then numbers begin anew, in a new epoch.
        clock: dates items.
        boot: the kernel's identity of this boot.
        most: items that are kept; then the oldest are given up, and that is told.

    Raises:
        DatabaseError: the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock, *, boot: str, most: int = MOST) -> None:
        self._clock, self._boot, self._most = clock, boot, most
        self._lock = threading.Lock()
        self._db = connect(path)
        os.chmod(path, 0o600)  # noqa: PTH101  the file SQLite made
        with write(self._db):
            for statement in (_META, _ITEM):
                self._db.conn.execute(statement)
            fresh = f"{clock.wall_us() // 1_000_000}-{secrets.token_hex(8)}"
            self._db.conn.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('epoch', ?)", (fresh,))
        self.epoch = self.note("epoch")

    def add(self, kind: ItemKind, body: str) -> int:
        """Keep an item, durably; return its number.

        Raises:
            ValueError: it is too long for the box.
            sqlite3.Error: the disk does not take it.
        """
        if len(body) > MAX_BODY:
            raise ValueError("an item is too long")
        with self._lock, write(self._db):
            lost = self._make_room()
            if lost:
                self._insert("agent", write_body(AgentWord(what="items_lost", count=lost)))
            return self._insert(kind, body)

    def oldest(self) -> list[Item]:
        """Return the items that are to be told first, as many as one report takes."""
        found: list[Item] = []
        size = 0
        with self._lock:
            rows = self._db.conn.execute(
                "SELECT seq, at_us, mono_us, boot, kind, body FROM item ORDER BY seq LIMIT ?", (MAX_ITEMS,)
            ).fetchall()
        for seq, at_us, mono_us, boot, kind, body in rows:
            size += len(body.encode())
            if found and size > _BATCH_BYTES:
                break
            found.append(Item(seq=seq, at_us=at_us, mono_us=mono_us, boot=boot, kind=kind, body=body))
        return found

    def forget(self, upto: int) -> None:
        """Forget the items up to a number: the box has them."""
        with self._lock, write(self._db):
            self._db.conn.execute("DELETE FROM item WHERE seq <= ?", (upto,))

    def waiting(self) -> int:
        """Return how many items are not delivered."""
        with self._lock:
            return int(self._db.conn.execute("SELECT COUNT(*) FROM item").fetchone()[0])

    def note(self, key: str) -> str:
        """Return a text that was kept; empty where there is none."""
        with self._lock:
            row = self._db.conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return "" if row is None else str(row[0])

    def keep(self, key: str, value: str) -> None:
        """Keep a text, durably."""
        with self._lock, write(self._db):
            self._db.conn.execute(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def close(self) -> None:
        """End."""
        with self._lock:
            self._db.conn.close()

    def _make_room(self) -> int:
        """Give the oldest up where there are too many, window changes first; return how many."""
        count = int(self._db.conn.execute("SELECT COUNT(*) FROM item").fetchone()[0])
        if count < self._most:
            return 0
        cursor = self._db.conn.execute(
            "DELETE FROM item WHERE seq IN (SELECT seq FROM item ORDER BY kind <> 'window', seq LIMIT ?)",
            (min(_GIVE_UP, max(1, self._most // 10)),),
        )
        return int(cursor.rowcount)

    def _insert(self, kind: str, body: str) -> int:
        cursor = self._db.conn.execute(
            "INSERT INTO item (at_us, mono_us, boot, kind, body) VALUES (?, ?, ?, ?, ?)",
            (max(0, self._clock.wall_us()), self._clock.mono_us(), self._boot, kind, body),
        )
        return int(cursor.lastrowid or 0)
