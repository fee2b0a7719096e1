"""The central service a box belongs to, as its row; what happens to the row is logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.messages import EnrolAnswer

_COLUMNS: Final = (
    "hub, name, room, address, public, seal_public, ca, key_print, enrolled_us, enrolled_by, valid_until_us, cursor,"
    " pulled_us, answered_us"
)
_ANSWERED_EVERY_US: Final = 600 * SECOND_US
"""So often it is written down that the centre answers, so that it is known after a restart."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A central service; times are UTC.

    Attributes:
        hub: ``hub:<name>``.
        name: of the centre, for people.
        room: as the centre calls the box's room.
        address: ``https://host:port``.
        public, seal_public: its raw keys: what it signs with, what is sealed to it.
        ca: PEM of who certifies its address; empty: an authority of the system.
        key_print: of the box's keys it was enrolled with.
        valid_until_us: the box's key is taken until then; None: until it is revoked.
        cursor: up to where its changes were taken over; empty: none.
    """

    hub: str
    name: str
    room: str
    address: str
    public: bytes = field(repr=False)
    seal_public: bytes = field(repr=False)
    ca: str = field(repr=False)
    key_print: str
    enrolled_us: int
    enrolled_by: str
    valid_until_us: int | None
    cursor: str
    pulled_us: int | None
    answered_us: int | None


def centre_of(db: Database) -> Centre | None:
    """Return the central service the box belongs to, None where it belongs to none."""
    row = db.conn.execute(f"SELECT {_COLUMNS} FROM centre WHERE left_us IS NULL").fetchone()  # noqa: S608  own words
    return None if row is None else Centre(*row)


def get_centre(db: Database) -> Centre:
    """Return the central service the box belongs to.

    Raises:
        NotFoundError: it belongs to none.
    """
    found = centre_of(db)
    if found is None:
        raise NotFoundError(
            "This box belongs to no central service.",
            hint="Ask the central service for a code, then `exambox sync enrol CODE --address https://…`.",
        )
    return found


def keep_centre(
    db: Database,
    told: EnrolAnswer,
    *,
    address: str,
    ca: str,
    key_print: str,
    clock: Clock,
    who: str,
    where: str = "",
) -> Centre:
    """Belong to a centre from now on. What it has is asked for from the beginning; what is known already stays."""
    with write(db):
        before = db.conn.execute("SELECT hub, left_us FROM centre").fetchone()
        db.conn.execute("DELETE FROM centre")
        db.conn.execute(
            "INSERT INTO centre (only, hub, name, room, address, public, seal_public, ca, key_print, enrolled_us,"
            " enrolled_by, valid_until_us) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                told.hub, told.centre, told.room, address, bytes.fromhex(told.public), bytes.fromhex(told.seal_public),
                ca, key_print, clock.wall_us(), who, told.valid_until_us,
            ),
        )  # fmt: skip
        detail = {"hub": told.hub, "address": address, "again": before is not None and before[0] == told.hub}
        append(db, "centre.enrolled", clock=clock, who=who, where=where, detail=detail)
    return get_centre(db)


def leave_centre(db: Database, *, clock: Clock, who: str, where: str = "") -> Centre:
    """Belong to no centre any more; return which it was. What it told stays, what waits for it goes on waiting.

    Raises:
        NotFoundError: the box belongs to none.
    """
    with write(db):
        left = get_centre(db)
        db.conn.execute("UPDATE centre SET left_us = ?", (clock.wall_us(),))
        append(db, "centre.left", clock=clock, who=who, where=where, detail={"hub": left.hub})
    return left


def move_cursor(db: Database, cursor: str, *, now_us: int) -> None:
    """Note up to where changes were taken over, in the open transaction that took them over."""
    db.conn.execute("UPDATE centre SET cursor = ?, pulled_us = ? WHERE left_us IS NULL", (cursor, now_us))


def note_answer(db: Database, centre: Centre, *, now_us: int) -> bool:
    """Write down that the centre answered, if that is news after some minutes; return whether it was."""
    if centre.answered_us is not None and 0 <= now_us - centre.answered_us < _ANSWERED_EVERY_US:
        return False
    with write(db):
        db.conn.execute("UPDATE centre SET answered_us = ? WHERE left_us IS NULL", (now_us,))
    return True
