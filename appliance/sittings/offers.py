"""Places that candidates may book themselves: which sittings offer them, how many are free, who has booked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ConflictError
from appliance.sittings.rows import Cause, one_row, rows_of
from appliance.sittings.runs import stored_sitting
from appliance.sittings.values import Booking, StoredSitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.sittings.values import StoredSession

HOUR_US: Final = 3600 * SECOND_US
MOST_PLACES: Final = 2000
_OPEN: Final = "s.removed_us IS NULL AND s.status = 'planned' AND s.seq = 0"
"""Nothing has happened in it: as soon as the room is looked at, people of the room place candidates."""
_TAKEN: Final = (
    "(SELECT COUNT(*) FROM booking b JOIN roster_entry r ON r.sitting = b.sitting AND r.candidate = b.candidate"
    " WHERE b.sitting = o.sitting)"
)


class Offer(msgspec.Struct, frozen=True):
    """How many places of a sitting candidates may book, how many have, and how long before it they may give it up."""

    places: int
    cancel_lead_us: int
    taken: int = 0

    @property
    def free(self) -> int:
        """How many are left; none where the number was made smaller afterwards."""
        return max(0, self.places - self.taken)


class Slot(msgspec.Struct, frozen=True):
    """A sitting a candidate may choose; ``cancel_until_us``: until when they may give it up (wall)."""

    sitting: StoredSitting
    free: int
    cancel_until_us: int


def offer_of(db: Database, sitting: str) -> Offer | None:
    """Return what a sitting offers; None where candidates are placed by people or the LMS alone."""
    row = one_row(
        db,
        f"SELECT o.places, o.cancel_lead_us, {_TAKEN} AS taken FROM booking_offer o WHERE o.sitting = ?",  # noqa: S608  own words
        (sitting,),
    )
    return None if row is None else Offer(**row)


def offer_places(db: Database, sitting: str, offer: Offer | None, *, clock: Clock, who: str, where: str = "") -> None:
    """Let candidates book so many places of a sitting, or none any more (None). Who has booked stays booked.

    Raises:
        ConflictError: something has happened in the sitting.
        NotFoundError: there is no such sitting.
    """
    with write(db):
        known, before = stored_sitting(db, sitting), offer_of(db, sitting)
        if (before and (before.places, before.cancel_lead_us)) == (offer and (offer.places, offer.cancel_lead_us)):
            return
        if known.seq:
            raise ConflictError(
                "Places of this sitting can no longer be offered: something has happened in it.",
                hint="Enrol candidates by hand instead.",
            )
        db.conn.execute("DELETE FROM booking_offer WHERE sitting = ?", (sitting,))
        if offer is not None:
            db.conn.execute(
                "INSERT INTO booking_offer (sitting, places, cancel_lead_us) VALUES (?, ?, ?)",
                (sitting, offer.places, offer.cancel_lead_us),
            )
        places = 0 if offer is None else offer.places
        Cause(clock, who, where).log(db, "sitting.places_offered", {"sitting": sitting, "places": places})


def are_booked(db: Database, exam: str, *, now_us: int) -> bool:
    """Return whether candidates book a sitting of an exam here: one that is still to come offers places."""
    sql = (
        "SELECT 1 FROM sitting_exam x JOIN sitting s ON s.id = x.sitting JOIN booking_offer o ON o.sitting = s.id"  # noqa: S608  own words
        f" WHERE x.exam = ? AND {_OPEN} AND s.start_us > ?"
    )
    return db.conn.execute(sql, (exam, now_us)).fetchone() is not None


def slots_for(db: Database, session: StoredSession, *, now_us: int) -> list[Slot]:
    """Return the sittings a candidate may choose now, the soonest first: to come, in the exam's window, not full."""
    rows = rows_of(
        db,
        f"SELECT s.id, o.places, o.cancel_lead_us, {_TAKEN} AS taken FROM sitting_exam x"  # noqa: S608  own words
        " JOIN sitting s ON s.id = x.sitting JOIN booking_offer o ON o.sitting = s.id JOIN exam e ON e.id = x.exam"
        f" WHERE x.exam = ? AND {_OPEN} AND s.start_us > ? AND s.start_us BETWEEN e.window_start_us AND e.window_end_us"
        " AND NOT EXISTS (SELECT 1 FROM roster_entry WHERE sitting = s.id AND candidate = ?)"
        " ORDER BY s.start_us, s.room, s.id",
        (session.exam, now_us, session.candidate),
    )
    found = []
    for row in rows:
        offer = Offer(row["places"], row["cancel_lead_us"], row["taken"])
        if offer.free:
            stored = stored_sitting(db, row["id"])
            found.append(Slot(stored, offer.free, stored.start_us - offer.cancel_lead_us))
    return found


def cancel_until_us(db: Database, sitting: StoredSitting) -> int:
    """Return until when a booking of a sitting can be given up (wall): its start where it offers no places."""
    offer = offer_of(db, sitting.id)
    return sitting.start_us - (0 if offer is None else offer.cancel_lead_us)


def booking_of(db: Database, session: StoredSession, sitting: StoredSitting | None, *, now_us: int) -> Booking | None:
    """Return how a session that has not begun stands towards booking; None where nothing is booked by the candidate.

    ``chosen`` is False where they may choose, though nothing may be free; True where they chose this sitting, in which
    nothing has happened yet.
    """
    if session.begun_us is not None or session.removed_us is not None:
        return None
    if sitting is None:
        return Booking(chosen=False) if are_booked(db, session.exam, now_us=now_us) else None
    if sitting.seq or sitting.removed_us is not None:
        return None
    sql = "SELECT 1 FROM booking WHERE sitting = ? AND candidate = ?"
    if db.conn.execute(sql, (sitting.id, session.candidate)).fetchone() is None:
        return None
    return Booking(chosen=True, cancel_until_us=cancel_until_us(db, sitting))
