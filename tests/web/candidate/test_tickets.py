"""Tickets: random, kept as a hash, one for a session, never ending while in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.database import write
from appliance.web.candidate import tickets

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

HOUR = 3600


@pytest.fixture
def sessions(db: Database) -> Database:
    """A database with sessions ``one`` and ``two``, as rows alone."""
    with write(db):
        db.conn.execute("INSERT INTO integration (id, name, created_us, updated_us) VALUES ('i', 'lms', 0, 0)")
        db.conn.execute(
            "INSERT INTO exam (id, integration, account, exam_id, name, parameters, window_start_us, window_end_us,"
            " created_us, updated_us) VALUES ('e', 'i', '', 'e', 'E', '{}', 0, 1, 0, 0)"
        )
        db.conn.execute("INSERT INTO candidate (id, created_us, updated_us) VALUES ('c', 0, 0)")
        for name in ("one", "two"):
            db.conn.execute(
                "INSERT INTO session (id, integration, account, session_id, exam, candidate, created_us, updated_us)"
                " VALUES (?, 'i', '', ?, 'e', 'c', 0, 0)",
                (name, name),
            )
    return db


def test_a_ticket_opens_its_session(sessions: Database, clock: ManualClock) -> None:
    """The value is told once, and the database holds nothing it could be made of."""
    value = tickets.open_ticket(sessions, "one", address="127.0.0.1", clock=clock)
    found = tickets.find_ticket(sessions, value, clock=clock)
    assert found is not None
    assert (found.session, found.taken_over) == ("one", False)
    kept = sessions.conn.execute("SELECT * FROM session_ticket").fetchone()
    assert value.encode() not in b"".join(str(one).encode() for one in kept)


def test_another_browser_takes_the_place(sessions: Database, clock: ManualClock) -> None:
    """A second hand-over ends the first ticket of the same session, and no other session's."""
    first = tickets.open_ticket(sessions, "one", address="", clock=clock)
    other = tickets.open_ticket(sessions, "two", address="", clock=clock)
    second = tickets.open_ticket(sessions, "one", address="", clock=clock)
    states = [tickets.find_ticket(sessions, value, clock=clock) for value in (first, second, other)]
    assert [one.taken_over for one in states if one] == [True, False, False]


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 44, "é" * 43, "\0" * 43])
def test_what_was_never_given_opens_nothing(sessions: Database, clock: ManualClock, value: str) -> None:
    """Too short, too long, made up, of other signs."""
    assert tickets.find_ticket(sessions, value, clock=clock) is None


def test_a_ticket_lives_as_long_as_it_is_used(sessions: Database, clock: ManualClock) -> None:
    """A day and a half in use does not age it, half a day of silence does, and a week is the most."""
    value = tickets.open_ticket(sessions, "one", address="", clock=clock)
    assert not used(sessions, clock, value, every_hours=5, times=7)
    clock.advance(12 * HOUR)
    assert used(sessions, clock, value, every_hours=0, times=1)
    value = tickets.open_ticket(sessions, "one", address="", clock=clock)
    assert not used(sessions, clock, value, every_hours=6, times=27)
    assert used(sessions, clock, value, every_hours=6, times=1)


def used(db: Database, clock: ManualClock, value: str, *, every_hours: int, times: int) -> bool:
    """Use a ticket now and then; return whether it is aged at the end."""
    aged = False
    for _ in range(times):
        clock.advance(every_hours * HOUR)
        found = tickets.find_ticket(db, value, clock=clock)
        assert found is not None
        aged = found.aged
        tickets.touch_ticket(db, found, clock=clock)
    return aged


def test_a_clock_set_back_ages_nothing(sessions: Database, clock: ManualClock) -> None:
    """A box that corrects its clock by hours while somebody writes does not lock them out."""
    value = tickets.open_ticket(sessions, "one", address="", clock=clock)
    clock.step(-5 * HOUR)
    assert not used(sessions, clock, value, every_hours=1, times=3)


def test_forms_belong_to_their_ticket(sessions: Database, clock: ManualClock) -> None:
    """A form's token is right for its own ticket alone, and does not tell the ticket."""
    mine, other = (tickets.open_ticket(sessions, name, address="", clock=clock) for name in ("one", "two"))
    found = tickets.find_ticket(sessions, mine, clock=clock)
    assert found is not None
    assert tickets.is_form_of(found, tickets.form_token_of(mine))
    for wrong in ("", "é", tickets.form_token_of(other), tickets.form_token_of(mine)[:-1], mine):
        assert not tickets.is_form_of(found, wrong)
