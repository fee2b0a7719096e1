"""Who sits at a seat now, and what a warning is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exams.records import Warning as Flag
from appliance.sittings.seat_finding import session_at
from appliance.sittings.warnings import note_warning, warnings_of
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


def test_a_seat_gives_the_session_of_whoever_sits_there(db: Database, settings: Settings) -> None:
    """Letter case and spaces make no difference; an empty seat, an unknown one and none give nothing."""
    room = Room(db, settings, "1", "2")
    first = room.hands_over("1")
    room.hands_over("2")
    assert session_at(db, room.sitting, "seat 1") == ""  # not seated yet
    room.opens()
    room.admits("1")
    assert session_at(db, room.sitting, " Seat 1") == first.id
    assert [session_at(db, room.sitting, seat) for seat in ("seat 2", "seat 9", "", "  ")] == [""] * 4


def test_a_candidate_without_a_session_gives_none(db: Database, settings: Settings) -> None:
    """Who is only on the roster sits there, and no LMS waits for them."""
    room = Room(db, settings, "1")
    room.opens()
    room.admits("1")
    assert session_at(db, room.sitting, "seat 1") == ""


def test_what_a_warning_is_about_is_kept_with_it_and_through_repeats(db: Database, settings: Settings) -> None:
    """The thing stands beside the warning; the same id again changes only its end."""
    room = Room(db, settings, "1")
    now = room.clock.wall_us()
    flag = Flag(id="usb-1", session="", kind="forbidden_device", start_us=now, end_us=now)
    subject = {"what": "usb-stick", "name": "SanDisk", "port": "front left"}
    note_warning(db, flag, clock=room.clock, sitting=room.sitting, seat="A1", subject=subject)
    longer = Flag(id="usb-1", session="", kind="forbidden_device", start_us=now, end_us=now + 5)
    note_warning(db, longer, clock=room.clock)
    (kept,) = warnings_of(db, sitting=room.sitting)
    assert (kept.subject, kept.seat, kept.warning.end_us) == (subject, "A1", now + 5)
