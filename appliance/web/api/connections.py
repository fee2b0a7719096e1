"""Connections to the database that are kept open between calls: opening one costs more than most calls do."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from typing import TYPE_CHECKING, Final

from appliance.database import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

KEPT: Final = 16


class Connections:
    """As many as are in use at once; up to ``kept`` stay open afterwards. Safe between threads.

    Args:
        path: of the database.
        kept: how many stay open.
    """

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        self._path = path
        self._kept: queue.LifoQueue[Database] = queue.LifoQueue(kept)

    @contextlib.contextmanager
    def one(self) -> Iterator[Database]:
        """Lend a connection; one that comes back with an open transaction, or after an error of SQLite, is closed."""
        try:
            db = self._kept.get_nowait()
        except queue.Empty:
            db = connect(self._path)
        sound = True
        try:
            yield db
        except sqlite3.Error:
            sound = False
            raise
        finally:
            self._back(db, sound=sound)

    def close(self) -> None:
        """Close those that are kept."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._kept.get_nowait().conn.close()

    def _back(self, db: Database, *, sound: bool) -> None:
        if sound and not db.conn.in_transaction:
            try:
                self._kept.put_nowait(db)
            except queue.Full:
                pass
            else:
                return
        db.conn.close()
