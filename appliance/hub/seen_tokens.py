"""Tokens of boxes that were seen: each is good once. In memory, and written now and then for after a restart.

What a crash forgets of the last seconds does no harm: every request of the protocol may come twice (known by version,
key or hash), and a token ends within a minute.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from appliance.database import write
from appliance.errors import UnavailableError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

MOST: Final = 200_000
"""Tokens that are remembered at once: of ten thousand boxes in a minute and a half."""


class SeenTokens:
    """Safe between threads.

    Args:
        clock: says what may be forgotten.
        most: remembered at once; when as many are good still, new ones are refused for the moment.
    """

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._until: dict[bytes, int] = {}
        self._unwritten: dict[bytes, int] = {}

    def load(self, db: Database) -> None:
        """Read those that were written before the process started."""
        now = self._clock.wall_us()
        rows = db.conn.execute("SELECT jti, until_us FROM hub_seen_token WHERE until_us > ?", (now,)).fetchall()
        with self._lock:
            for jti, until in rows:
                self._until.setdefault(bytes(jti), until)

    def take(self, sender: str, jti: str, until_us: int) -> bool:
        """Remember a token until it ends; return False where it was seen before.

        Raises:
            UnavailableError: too many are remembered.
        """
        name = hashlib.sha256(f"{sender}\n{jti}".encode()).digest()
        with self._lock:
            if self._until.get(name, 0) > self._clock.wall_us():
                return False
            if len(self._until) >= self._most:
                self._forget()
            if len(self._until) >= self._most:
                raise UnavailableError("The central service is busy.", hint="Try again in a moment.")
            self._until[name] = self._unwritten[name] = until_us
            return True

    def flush(self, db: Database) -> None:
        """Write what is new, and forget what has ended."""
        now = self._clock.wall_us()
        with self._lock:
            news, self._unwritten = self._unwritten, {}
            self._forget()
        if not news:
            return
        try:
            with write(db):
                db.conn.execute("DELETE FROM hub_seen_token WHERE until_us <= ?", (now,))
                db.conn.executemany(
                    "INSERT OR IGNORE INTO hub_seen_token (jti, until_us) VALUES (?, ?)",
                    [(name, until) for name, until in news.items() if until > now],
                )
        except BaseException:
            with self._lock:
                self._unwritten = news | self._unwritten
            raise

    def _forget(self) -> None:
        now = self._clock.wall_us()
        self._until = {name: until for name, until in self._until.items() if until > now}
