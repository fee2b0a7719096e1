"""One-time codes by which workstations join: shown once, kept as a hash, good for hours, used once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 14 * 24
MAX_SEAT: Final = 40
_NUMBER_DIGITS: Final = 12
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class CodeFact:
    """What may be shown of a code. ``number``: the beginning of its hash, by which people tell codes apart."""

    number: str
    seat: str
    made_us: int
    made_by: str
    until_us: int
    used_us: int | None
    withdrawn_us: int | None

    def is_open(self, now_us: int) -> bool:
        """Whether a workstation could still join by it."""
        return self.used_us is None and self.withdrawn_us is None and now_us < self.until_us


def checked_seat(seat: str) -> str:
    """Return a seat's label, trimmed; empty: not said yet.

    Raises:
        BadInputError: it is longer than 40 characters, or holds a line break.
    """
    seat = seat.strip()
    if len(seat) > MAX_SEAT or _CONTROLS.search(seat):
        raise BadInputError(
            f"seat: has to have at most {MAX_SEAT} characters in one line.", hint="As in the room's seating plan: A7."
        )
    return seat


def keep_code(
    db: Database, secret: str, *, seat: str, clock: Clock, who: str, hours: int = DEFAULT_HOURS, where: str = ""
) -> CodeFact:
    """Keep the hash of a new code's secret; whoever made the code shows it this once.

    Args:
        db: the box's database.
        secret: of the code.
        seat: where the workstation stands; empty: it is said later.
        clock: dates it.
        who: who makes it.
        hours: it is good for so long.
        where: from where it is made.

    Raises:
        BadInputError: a field is wrong.
    """
    seat = checked_seat(seat)
    if not 1 <= hours <= MAX_HOURS:
        raise BadInputError(f"hours: has to be 1 to {MAX_HOURS}.", hint="A workstation joins while its code is good.")
    hashed, now = hash_of(secret), clock.wall_us()
    fact = CodeFact(hashed.hex()[:_NUMBER_DIGITS], seat, now, who, now + hours * 3600 * SECOND_US, None, None)
    with write(db):
        db.conn.execute(
            "INSERT INTO seat_agent_code (secret_hash, seat, made_us, made_by, until_us) VALUES (?, ?, ?, ?, ?)",
            (hashed, seat, now, who, fact.until_us),
        )
        append(db, "seat.code_made", clock=clock, who=who, where=where, detail={"code": fact.number, "seat": seat})
    return fact


def withdraw_code(db: Database, number: str, *, clock: Clock, who: str, where: str = "") -> None:
    """End a code that nobody has used; doing it again changes nothing.

    Raises:
        NotFoundError: there is none of this number.
        ConflictError: a workstation has joined by it: revoke its agent instead.
    """
    with write(db):
        row = db.conn.execute(
            "SELECT secret_hash, used_us, withdrawn_us FROM seat_agent_code"
            " WHERE substr(lower(hex(secret_hash)), 1, ?) = ?",
            (_NUMBER_DIGITS, number),
        ).fetchone()
        if row is None:
            raise NotFoundError("There is no such code.", hint="Load the page again.")
        if row[1] is not None:
            raise ConflictError("A workstation has joined by this code.", hint="Revoke its agent instead.")
        if row[2] is None:
            now = clock.wall_us()
            db.conn.execute("UPDATE seat_agent_code SET withdrawn_us = ? WHERE secret_hash = ?", (now, row[0]))
            append(db, "seat.code_withdrawn", clock=clock, who=who, where=where, detail={"code": number})


def open_codes(db: Database, *, now_us: int) -> list[CodeFact]:
    """Return the codes that a workstation could still join by, the newest first."""
    rows = db.conn.execute(
        "SELECT substr(lower(hex(secret_hash)), 1, ?), seat, made_us, made_by, until_us, used_us, withdrawn_us"
        " FROM seat_agent_code WHERE used_us IS NULL AND withdrawn_us IS NULL AND until_us > ?"
        " ORDER BY made_us DESC LIMIT 200",
        (_NUMBER_DIGITS, now_us),
    )
    return [CodeFact(*row) for row in rows]


def hash_of(secret: str) -> bytes:
    """Return what is kept of a code's secret."""
    return hashlib.sha256(b"exambox seat code\n" + secret.encode()).digest()
