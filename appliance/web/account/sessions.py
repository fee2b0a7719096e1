"""Server-side sessions: the browser holds a random value, the database only its SHA-256."""

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
    from appliance.config import WebSettings

TOKEN_BYTES = 32
HANDLE_DIGITS = 16
MAX_BROWSER = 80
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# A page that is in use asks often; the row is rewritten only when it says something new.
TOUCH_EVERY_US = 20 * SECOND_US
# The wall clock may be corrected a little; a session "from the future" beyond this is refused.
CLOCK_SLACK_US = 120 * SECOND_US
MINUTE_US = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as one request sees it; times are wall microseconds."""

    account: int
    name: str
    role: str
    token_hash: bytes
    csrf_key: bytes
    seen_us: int
    ends_us: int
    """When the session ends if the person does nothing more."""
    latest_us: int
    """When the session ends however busy the person is."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of an account's sessions, for the person's own list; times are wall microseconds."""

    handle: str
    """Names it on a page; opens nothing."""
    token_hash: bytes
    created_us: int
    seen_us: int
    address: str
    browser: str


def open_session(db: Database, account: int, *, address: str, clock: Clock, browser: str = "") -> str:
    """Start a session and return the value for the person's cookie; it is stored nowhere in clear."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.wall_us()
    with write(db):
        db.conn.execute(
            "INSERT INTO web_session (token_hash, account, created_us, seen_us, address, csrf_key, browser)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_hash(token), account, now, now, address, secrets.token_bytes(TOKEN_BYTES), browser[:MAX_BROWSER]),
        )
    return token


def find_session(db: Database, token: str, *, clock: Clock, settings: WebSettings) -> Person | None:
    """Return whose session the cookie's value is; None when unknown, ended, or its account is disabled."""
    if not _TOKEN.fullmatch(token):
        return None
    row = db.conn.execute(
        "SELECT account.id, account.name, account.role, web_session.created_us, seen_us, csrf_key"
        " FROM web_session JOIN account ON account.id = web_session.account"
        " WHERE token_hash = ? AND account.disabled_us IS NULL",
        (_hash(token),),
    ).fetchone()
    if row is None:
        return None
    account, name, role, created, seen, csrf_key = row
    now = clock.wall_us()
    ends = session_ends(created, seen, settings)
    if not created - CLOCK_SLACK_US <= now < ends:
        return None
    return Person(
        account,
        name,
        role,
        _hash(token),
        bytes(csrf_key),
        seen,
        ends,
        created + settings.session_hours * 60 * MINUTE_US,
    )


def session_end(db: Database, person: Person, *, clock: Clock, settings: WebSettings) -> int | None:
    """Return when the session a request began with ends if nothing more is done (wall); for answers that last.

    None once it has ended: it was ended, is too old or idle, its account was disabled or its role changed. An answer
    that lasts never prolongs it. One indexed read: cheap enough for every change of the database.
    """
    row = db.conn.execute(
        "SELECT account.role, web_session.created_us, seen_us"
        " FROM web_session JOIN account ON account.id = web_session.account"
        " WHERE token_hash = ? AND account.disabled_us IS NULL",
        (person.token_hash,),
    ).fetchone()
    if row is None or row[0] != person.role:
        return None
    ends = session_ends(row[1], row[2], settings)
    return ends if clock.wall_us() < ends else None


def list_sessions(db: Database, account: int, *, clock: Clock, settings: WebSettings) -> list[OpenSession]:
    """Return an account's sessions that are still good, the one used last first."""
    now = clock.wall_us()
    rows = db.conn.execute(
        "SELECT token_hash, created_us, seen_us, address, browser FROM web_session WHERE account = ?"
        " ORDER BY seen_us DESC, created_us DESC",
        (account,),
    )
    return [
        OpenSession(hashlib.sha256(b"handle" + row[0]).hexdigest()[:HANDLE_DIGITS], *row)
        for row in rows
        if row[1] - CLOCK_SLACK_US <= now < session_ends(row[1], row[2], settings)
    ]


def end_one(db: Database, account: int, token_hash: bytes) -> bool:
    """End one session of an account; return whether it was there."""
    with write(db):
        done = db.conn.execute("DELETE FROM web_session WHERE account = ? AND token_hash = ?", (account, token_hash))
    return done.rowcount == 1


def session_ends(created_us: int, seen_us: int, settings: WebSettings) -> int:
    """Return when a session ends: idle for too long, or simply too old, whichever is first."""
    idle = seen_us + settings.session_idle_minutes * MINUTE_US
    return min(idle, created_us + settings.session_hours * 60 * MINUTE_US)


def touch_session(db: Database, person: Person, *, clock: Clock) -> None:
    """Note that the person did something; seldom enough to cost nothing."""
    now = clock.wall_us()
    if now - person.seen_us >= TOUCH_EVERY_US:
        with write(db):
            db.conn.execute("UPDATE web_session SET seen_us = ? WHERE token_hash = ?", (now, person.token_hash))


def close_session(db: Database, person: Person) -> None:
    """End the session at once, wherever the cookie may be."""
    with write(db):
        db.conn.execute("DELETE FROM web_session WHERE token_hash = ?", (person.token_hash,))


def forget_ended_sessions(db: Database, *, clock: Clock, settings: WebSettings) -> int:
    """Remove rows that no longer open anything; return how many."""
    now = clock.wall_us()
    with write(db):
        done = db.conn.execute(
            "DELETE FROM web_session WHERE seen_us <= ? OR created_us <= ?",
            (now - settings.session_idle_minutes * MINUTE_US, now - settings.session_hours * 60 * MINUTE_US),
        )
    return done.rowcount


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
