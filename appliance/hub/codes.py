"""One-time codes by which boxes join: shown once, kept as a hash, good for hours, used once."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exchange.centre.enrol_code import EnrolCode, new_code
from appliance.hub.forms import checked_address, checked_room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.hub.identity import HubKeys

DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 14 * 24
_RANDOM_BYTES: Final = 16
_NUMBER_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A new code, in clear this once."""

    code: EnrolCode
    number: str
    room: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class CodeFact:
    """What may be shown of a code. ``number``: the beginning of its hash, by which people tell codes apart."""

    number: str
    room: str
    address: str
    made_us: int
    made_by: str
    expires_us: int
    used_us: int | None
    used_by: str | None
    withdrawn_us: int | None

    def is_open(self, now_us: int) -> bool:
        """Return whether a box could still join by it."""
        return self.used_us is None and self.withdrawn_us is None and now_us < self.expires_us


def make_code(
    db: Database,
    keys: HubKeys,
    *,
    room: str,
    clock: Clock,
    who: str,
    address: str = "",
    hours: int = DEFAULT_HOURS,
    where: str = "",
) -> MadeCode:
    """Make a code for the box of a room; it is returned this once.

    Args:
        db: the hub's database.
        keys: the hub's: the code holds a print of the signing key.
        room: the name of the room, which the box is listed under.
        clock: dates it.
        who: who makes it.
        address: where candidates' browsers reach the box, ``https://host:port``; empty: as the box says.
        hours: it is good for so long.
        where: from where it is made.

    Raises:
        BadInputError: a field is wrong.
    """
    room, address = checked_room(room), checked_address(address)
    if not 1 <= hours <= MAX_HOURS:
        raise BadInputError(f"hours: has to be 1 to {MAX_HOURS}.", hint="A box is enrolled while its code is good.")
    code = new_code(os.urandom(_RANDOM_BYTES), keys.public)
    hashed, now = hash_of(code.secret), clock.wall_us()
    expires_us = now + hours * 3600 * SECOND_US
    with write(db):
        db.conn.execute(
            "INSERT INTO hub_code (hash, room, address, made_us, made_by, expires_us) VALUES (?, ?, ?, ?, ?, ?)",
            (hashed, room, address, now, who, expires_us),
        )
        number = hashed.hex()[:_NUMBER_DIGITS]
        append(db, "hub.code_made", clock=clock, who=who, where=where, detail={"code": number, "room": room})
    return MadeCode(code, number, room, expires_us)


def withdraw_code(db: Database, number: str, *, clock: Clock, who: str, where: str = "") -> None:
    """End a code that nobody has used.

    Raises:
        NotFoundError: there is none of this number.
        ConflictError: a box has joined by it: revoke the box instead.
    """
    with write(db):
        row = db.conn.execute(
            "SELECT hash, used_us FROM hub_code WHERE substr(lower(hex(hash)), 1, ?) = ?", (_NUMBER_DIGITS, number)
        ).fetchone()
        if row is None:
            raise NotFoundError("There is no such code.", hint="Load the page again.")
        if row[1] is not None:
            raise ConflictError("A box has joined by this code.", hint="Revoke the box instead.")
        now = clock.wall_us()
        db.conn.execute("UPDATE hub_code SET withdrawn_us = ifnull(withdrawn_us, ?) WHERE hash = ?", (now, row[0]))
        append(db, "hub.code_withdrawn", clock=clock, who=who, where=where, detail={"code": number})


def list_codes(db: Database, *, since_us: int) -> list[CodeFact]:
    """Return the codes made since, the newest first."""
    rows = db.conn.execute(
        "SELECT substr(lower(hex(hash)), 1, ?), room, address, made_us, made_by, expires_us, used_us, used_by,"
        " withdrawn_us FROM hub_code WHERE made_us >= ? ORDER BY made_us DESC LIMIT 200",
        (_NUMBER_DIGITS, since_us),
    )
    return [CodeFact(*row) for row in rows]


def hash_of(secret: str) -> bytes:
    """Return what is kept of a code's secret."""
    return hashlib.sha256(b"exambox enrol code\n" + secret.encode()).digest()
