"""Slows guessing down, for a name and for an address; kept in the database, so a restart forgives nothing.

Never a lock: the longest wait is 15 minutes, sessions that are open go on, and a browser in which the person has
signed in before has a count of its own, so that guessing from elsewhere does not keep them out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock

WINDOW_US = 15 * 60 * SECOND_US
# Six digits are few: whoever has the password and guesses on gets about a hundred tries a day, not a thousand.
CODE_WINDOW_US = 24 * 3600 * SECOND_US
Kind = Literal["name", "code", "confirm", "reset", "reset_code"]
"""``name``: a password to sign in; ``code``: a second factor; ``confirm``: one's own password again; ``reset``: a mail
asked for; ``reset_code``: an administrator's code."""
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
            hint="Nobody is locked out: the wait is never longer than 15 minutes, and whoever is signed in stays so.",
        )
        self.wait_seconds = wait_seconds


def wait_us(failures: Sequence[int], now_us: int, free: int, window_us: int = WINDOW_US) -> int:
    """Return how long the next attempt has to wait.

    Args:
        failures: wall times of attempts that failed, in any order.
        now_us: the wall time.
        free: attempts without any wait; each further one doubles it, from 5 s up to 15 minutes.
        window_us: how long a failure counts.
    """
    # Times from the future (the clock was set back) count as now, so that nobody waits for them to come.
    recent = sorted(min(at, now_us) for at in failures if at > now_us - window_us)
    if len(recent) < free:
        return 0
    wait = min(WINDOW_US, FIRST_WAIT_US << min(len(recent) - free, 20))
    return max(0, recent[-1] + wait - now_us)


def begin_attempt(
    db: Database, name: str, address: str, *, clock: Clock, kind: Kind = "name", known_browser: str = ""
) -> None:
    """Count an attempt as failed before it is looked at, so that many at once cannot slip through.

    Args:
        db: the box's database.
        name: whose account is tried, as typed.
        address: from where.
        clock: for the window.
        kind: what is tried; each kind counts for itself under a name, all together under an address.
        known_browser: the mark of a browser in which this very person has signed in before; it alone counts then.

    Raises:
        ThrottledError: it must wait; it was not counted.
    """
    now = clock.wall_us()
    keys = _keys(name, address, kind, known_browser)
    with write(db):
        db.conn.execute("DELETE FROM sign_in_failure WHERE at_us <= ?", (now - CODE_WINDOW_US,))
        wait = max(wait_us(_failures(db, key), now, free, window) for key, free, window in keys)
        if wait:
            raise ThrottledError(-(-wait // SECOND_US))
        db.conn.executemany(
            "INSERT INTO sign_in_failure (key, at_us) VALUES (?, ?)", [(key, now) for key, _, _ in keys]
        )


def attempt_succeeded(db: Database, name: str, address: str, *, kind: Kind = "name", known_browser: str = "") -> None:
    """Forgive the name's failures and take this attempt back from the address's."""
    shared = _key("address", address)
    with write(db):
        for key, _, _ in _keys(name, address, kind, known_browser):
            if key != shared:
                db.conn.execute("DELETE FROM sign_in_failure WHERE key = ?", (key,))
        if not known_browser:
            db.conn.execute(
                "DELETE FROM sign_in_failure WHERE id = (SELECT max(id) FROM sign_in_failure WHERE key = ?)", (shared,)
            )


def _keys(name: str, address: str, kind: Kind, known_browser: str) -> list[tuple[str, int, int]]:
    """What an attempt counts for: key, attempts without a wait, how long a failure counts."""
    window = CODE_WINDOW_US if kind == "code" else WINDOW_US
    if known_browser:
        return [(_key(f"browser {kind}", known_browser), FREE_FOR_A_NAME, window)]
    from_there = (_key("address", address), FREE_FOR_AN_ADDRESS, WINDOW_US)
    if kind == "reset_code":
        # 78 random bits: slowed for the work a guess makes, not per name, which would only keep its owner out.
        return [from_there]
    return [(_key(kind, name), FREE_FOR_A_NAME, window), from_there]


def _failures(db: Database, key: str) -> list[int]:
    return [row[0] for row in db.conn.execute("SELECT at_us FROM sign_in_failure WHERE key = ?", (key,))]


def _key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\n{value.strip().casefold()}".encode()).hexdigest()


def _in_words(seconds: int) -> str:
    told = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"  # noqa: PLR2004
    return told  # noqa: RET504  a name whose texts the catalogue takes up
