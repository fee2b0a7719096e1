"""Half sessions: the password was right, something is still missing. Good for nothing but the next step."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

VALID_US = 5 * 60 * SECOND_US
TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class HalfSession:
    """Somebody on the way in."""

    account: int
    token_hash: bytes
    second_factor: bool
    """Whether its code was right, or none is needed to come so far."""


def open_half(db: Database, account: int, *, clock: Clock) -> str:
    """Begin, and return the value for the cookie; rows that are too old are removed."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.wall_us()
    with write(db):
        db.conn.execute("DELETE FROM half_session WHERE created_us <= ? OR created_us > ?", (now - VALID_US, now))
        db.conn.execute(
            "INSERT INTO half_session (token_hash, account, created_us) VALUES (?, ?, ?)", (_hash(token), account, now)
        )
    return token


def find_half(db: Database, token: str, *, clock: Clock) -> HalfSession | None:
    """Return who is on the way in; None when unknown, too old, or the account is disabled."""
    if not _TOKEN.fullmatch(token):
        return None
    now = clock.wall_us()
    row = db.conn.execute(
        "SELECT account.id, token_hash, second_factor FROM half_session"
        " JOIN account ON account.id = half_session.account"
        " WHERE token_hash = ? AND half_session.created_us > ? AND half_session.created_us <= ?"
        " AND account.disabled_us IS NULL",
        (_hash(token), now - VALID_US, now + SECOND_US),
    ).fetchone()
    return HalfSession(row[0], bytes(row[1]), bool(row[2])) if row else None


def mark_second_factor(db: Database, half: HalfSession) -> None:
    """Note that the code was right."""
    with write(db):
        db.conn.execute("UPDATE half_session SET second_factor = 1 WHERE token_hash = ?", (half.token_hash,))


def close_half(db: Database, half: HalfSession) -> bool:
    """End it; return whether it was still there, so that two requests cannot both go on from it."""
    with write(db):
        gone = db.conn.execute("DELETE FROM half_session WHERE token_hash = ?", (half.token_hash,))
    return gone.rowcount == 1


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
