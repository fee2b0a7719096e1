"""Change notification: other processes' commits are seen by ``PRAGMA data_version``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


class ChangeWatch:
    """Tells whether another connection has committed since the last look; costs microseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: int | None = None

    def changed(self) -> bool:
        """Return True the first time and after each commit by another connection."""
        version = int(self._db.conn.execute("PRAGMA data_version").fetchone()[0])
        if version == self._seen:
            return False
        self._seen = version
        return True
