"""A candidate books a sitting that offers places, or gives it up again: each one transaction, and the LMS is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.allowances import NONE
from appliance.sittings.booking import book
from appliance.sittings.offers import booking_of, slots_for
from appliance.sittings.rows import Cause, to_json
from appliance.sittings.runs import bump_version, stored_sitting
from appliance.sittings.session_rows import get_session

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.sittings.values import StoredSession


class SlotGoneError(ConflictError):
    """The sitting cannot be chosen (any more); nothing was booked."""

    code = "booking.gone"


class BookingFixedError(ConflictError):
    """The booking cannot be given up (any more) by the candidate; it stays."""

    code = "booking.fixed"


def book_slot(db: Database, session: StoredSession, sitting: str, *, clock: Clock, where: str = "") -> StoredSession:
    """Put a candidate on the roster of a sitting they chose; places are counted in the same transaction.

    Raises:
        SlotGoneError: the last place was taken, the sitting is no longer offered, or they have one already.
    """
    with write(db):
        session = get_session(db, session.id)
        if session.sitting == sitting:
            return session
        free = {slot.sitting.id for slot in slots_for(db, session, now_us=clock.wall_us())}
        if session.sitting is not None or session.removed_us is not None or session.begun_us is not None:
            raise SlotGoneError("You have a place already.", hint="Give it up first if you want another one.")
        if sitting not in free:
            raise SlotGoneError("This time can no longer be booked.", hint="Choose another one of the list.")
        now = clock.wall_us()
        db.conn.execute(
            "INSERT INTO roster_entry (sitting, candidate, exam, planned) VALUES (?, ?, ?, ?)",
            (sitting, session.candidate, session.exam, to_json(NONE)),
        )
        db.conn.execute(
            "INSERT OR REPLACE INTO booking (sitting, candidate, booked_us) VALUES (?, ?, ?)",
            (sitting, session.candidate, now),
        )
        bump_version(db, sitting)
        after = book(db, session, sitting, clock=clock)
        _cause(session, clock, where).log(db, "session.booked", {"session": session.id, "sitting": sitting})
        return after


def give_up_slot(db: Database, session: StoredSession, *, clock: Clock, where: str = "") -> StoredSession:
    """Take a candidate off the roster of the sitting they booked, until its deadline.

    Raises:
        BookingFixedError: they did not book it, the deadline has passed, or the room is being prepared already.
    """
    with write(db):
        session = get_session(db, session.id)
        now = clock.wall_us()
        known = None if session.sitting is None else stored_sitting(db, session.sitting)
        booking = booking_of(db, session, known, now_us=now)
        if known is None or booking is None or not booking.chosen:
            raise BookingFixedError("There is no booking that you can give up.", hint="Speak to the exam's staff.")
        if booking.cancel_until_us is None or now > booking.cancel_until_us:
            raise BookingFixedError(
                "It is too late to give this booking up by yourself.", hint="Speak to the exam's staff."
            )
        for table in ("roster_entry", "booking"):
            db.conn.execute(
                f"DELETE FROM {table} WHERE sitting = ? AND candidate = ?",  # noqa: S608  own words
                (known.id, session.candidate),
            )
        bump_version(db, known.id)
        after = book(db, session, None, clock=clock)
        detail = {"session": session.id, "sitting": known.id}
        _cause(session, clock, where).log(db, "session.booking_given_up", detail)
        return after


def _cause(session: StoredSession, clock: Clock, where: str) -> Cause:
    return Cause(clock, f"candidate {session.candidate}", where)
