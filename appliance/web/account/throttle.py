"""Slows guessing down, for a name and for an address; kept in the database, so a restart forgives nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock

WINDOW_US = 15 * 60 * SECOND_US
FREE_FOR_A_NAME = 5
# Everybody in a room may come from one address.
FREE_FOR_AN_ADDRESS = 30
FIRST_WAIT_US = 5 * SECOND_US


class ThrottledError(ApplianceError):
    """Too many attempts; ``wait_seconds`` says when the next one is looked at."""

    code = "sign_in.throttled"
    status = 429

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            f"Too many attempts. Try again in {_in_words(wait_seconds)}.",
            hint="Forgotten it? An administrator of the box gives you a new one: `exambox users reset-password`.",
        )
        self.wait_seconds = wait_seconds


def wait_us(failures: Sequence[int], now_us: int, free: int) -> int:
    """Return how long the next attempt has to wait.

    Args:
        failures: wall times of attempts that failed, in any order.
        now_us: the wall time.
        free: attempts without any wait; each further one doubles it, from 5 s up to 15 minutes.
    """
    # Times from the future (the clock was set back) count as now, so that nobody waits for them to come.
    recent = sorted(min(at, now_us) for at in failures if at > now_us - WINDOW_US)
    if len(recent) < free:
        return 0
    wait = min(WINDOW_US, FIRST_WAIT_US << min(len(recent) - free, 20))
    return max(0, recent[-1] + wait - now_us)


def begin_attempt(db: Database, name: str, address: str, *, clock: Clock) -> None:
    """Count an attempt as failed before it is looked at, so that many at once cannot slip through.

    Raises:
        ThrottledError: it must wait; it was not counted.
    """
    now = clock.wall_us()
    keys = ((_key("name", name), FREE_FOR_A_NAME), (_key("address", address), FREE_FOR_AN_ADDRESS))
    with write(db):
        db.conn.execute("DELETE FROM sign_in_failure WHERE at_us <= ?", (now - WINDOW_US,))
        wait = max(wait_us(_failures(db, key), now, free) for key, free in keys)
        if wait:
            raise ThrottledError(-(-wait // SECOND_US))
        db.conn.executemany("INSERT INTO sign_in_failure (key, at_us) VALUES (?, ?)", [(key, now) for key, _ in keys])


def attempt_succeeded(db: Database, name: str, address: str) -> None:
    """Forgive the name's failures and take this attempt back from the address's."""
    with write(db):
        db.conn.execute("DELETE FROM sign_in_failure WHERE key = ?", (_key("name", name),))
        db.conn.execute(
            "DELETE FROM sign_in_failure WHERE id = (SELECT max(id) FROM sign_in_failure WHERE key = ?)",
            (_key("address", address),),
        )


def _failures(db: Database, key: str) -> list[int]:
    return [row[0] for row in db.conn.execute("SELECT at_us FROM sign_in_failure WHERE key = ?", (key,))]


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\n{value.strip().casefold()}".encode()).hexdigest()


def _in_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"  # noqa: PLR2004
