"""Every account with what an administrator asks about it: second factor, sessions, open codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.web.account.accounts import Account, list_accounts
from appliance.web.account.sessions import session_ends

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import WebSettings


@dataclass(frozen=True, slots=True)
class Standing:
    """An account and how it stands now."""

    account: Account
    second_factor: bool
    sessions: int
    code_until_us: int | None
    """Until when a one-time code that was not used yet is good; None: there is none."""


def list_people(db: Database, *, clock: Clock, settings: WebSettings, words: str = "") -> list[Standing]:
    """Return every account by name.

    Args:
        db: the box's database.
        clock: for what is still good.
        settings: when sessions end.
        words: only accounts whose name, role or address holds this, in any case.
    """
    now = clock.wall_us()
    factors = {row[0] for row in db.conn.execute("SELECT account FROM second_factor WHERE confirmed_us IS NOT NULL")}
    codes = dict(
        db.conn.execute(
            "SELECT account, max(expires_us) FROM password_reset"
            " WHERE kind = 'code' AND used_us IS NULL AND expires_us > ? GROUP BY account",
            (now,),
        ).fetchall()
    )
    sessions: dict[int, int] = {}
    for account, created, seen in db.conn.execute("SELECT account, created_us, seen_us FROM web_session"):
        if now < session_ends(created, seen, settings):
            sessions[account] = sessions.get(account, 0) + 1
    sought = words.strip().casefold()
    return [
        Standing(one, one.id in factors, sessions.get(one.id, 0), codes.get(one.id))
        for one in list_accounts(db)
        if sought in f"{one.name}\n{one.role.replace('_', ' ')}\n{one.email}".casefold()
    ]


def standing_of(db: Database, account: int, *, clock: Clock, settings: WebSettings) -> Standing | None:
    """Return how one account stands; None where there is none of that number."""
    people = list_people(db, clock=clock, settings=settings)
    return next((one for one in people if one.account.id == account), None)
