"""Tickets: what lets one browser act for one session. The browser holds a random value, the database its SHA-256.

One session has one good ticket: a hand-over in another browser takes the earlier one's place. A ticket is good for half
a day after it was last used, a week at most. It never ends in mid-exam: who is writing goes on whatever the box's clock
is set to (`pass_check.py`), and with the exam's end its ticket shows that end and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

IDLE_US: Final = 12 * 3600 * SECOND_US
LATEST_US: Final = 7 * 24 * 3600 * SECOND_US
"""However busy: a hand-over makes another."""
FORGOTTEN_US: Final = 60 * 24 * 3600 * SECOND_US
TOUCH_EVERY_US: Final = 60 * SECOND_US
_BYTES: Final = 32
_TICKET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM_DIGITS: Final = 40


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that opens its session's pages.

    Attributes:
        session: our id of the session.
        form_token: what its pages' forms carry; of no use without the ticket.
        taken_over: whether another browser has taken its place; it opens nothing any more.
        aged: whether its time is over; it opens nothing but an exam that is being written.
    """

    token_hash: bytes
    session: str
    seen_us: int
    form_token: str
    taken_over: bool
    aged: bool


def open_ticket(db: Database, session: str, *, address: str, clock: Clock) -> str:
    """Make a ticket for a session, end its earlier ones, and return the value for the cookie."""
    ticket = secrets.token_urlsafe(_BYTES)
    now = clock.wall_us()
    with write(db):
        db.conn.execute("UPDATE session_ticket SET ended_us = ? WHERE session = ? AND ended_us IS NULL", (now, session))
        db.conn.execute("DELETE FROM session_ticket WHERE seen_us <= ?", (now - FORGOTTEN_US,))
        db.conn.execute(
            "INSERT INTO session_ticket (token_hash, session, made_us, seen_us, address) VALUES (?, ?, ?, ?, ?)",
            (_hash(ticket), session, now, now, address),
        )
    return ticket


def find_ticket(db: Database, ticket: str, *, clock: Clock) -> Ticket | None:
    """Return what a cookie's value opens; None when it is unknown."""
    if not _TICKET.fullmatch(ticket):
        return None
    row = db.conn.execute(
        "SELECT session, made_us, seen_us, ended_us FROM session_ticket WHERE token_hash = ?", (_hash(ticket),)
    ).fetchone()
    if row is None:
        return None
    session, made, seen, ended = row
    aged = clock.wall_us() >= min(seen + IDLE_US, made + LATEST_US)
    return Ticket(_hash(ticket), session, seen, form_token_of(ticket), ended is not None, aged)


def touch_ticket(db: Database, ticket: Ticket, *, clock: Clock) -> None:
    """Note that the page is in use; seldom enough to cost nothing."""
    now = clock.wall_us()
    if abs(now - ticket.seen_us) >= TOUCH_EVERY_US:
        with write(db):
            db.conn.execute("UPDATE session_ticket SET seen_us = ? WHERE token_hash = ?", (now, ticket.token_hash))


def form_token_of(ticket: str) -> str:
    """Return what the forms of a ticket's pages carry (pure).

    The site's own form tokens hang on cookies that a browser withholds when an LMS brings it here.
    """
    return hmac.new(ticket.encode(), b"exambox candidate form", hashlib.sha256).hexdigest()[:_FORM_DIGITS]


def is_form_of(ticket: Ticket, given: str) -> bool:
    """Whether a form carries its ticket's token."""
    return hmac.compare_digest(ticket.form_token.encode(), given.encode("utf-8", "replace"))


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("ascii")).digest()
