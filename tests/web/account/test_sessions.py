"""Sessions live on the server and end on time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from appliance.web.account import accounts, changes, sessions

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def token(db: Database, clock: ManualClock) -> str:
    """A session of Ada's."""
    account = accounts.create_account(db, "Ada", "administrator", "Quiet-Room-42!", clock=clock, who="test")
    return sessions.open_session(db, account.id, address="127.0.0.1", clock=clock)


def test_only_the_hash_of_the_cookie_is_stored(db: Database, token: str) -> None:
    """A stolen database opens no session: the cookie's 256 random bits are not in it."""
    assert len(token) == 43
    row = next(iter(db.query("SELECT * FROM web_session")))
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert all(token not in str(value) for value in row.values())


def test_a_session_is_found_until_it_is_idle_too_long(
    db: Database, clock: ManualClock, settings: Settings, token: str
) -> None:
    """Half an hour without a sign of the person ends it; a sign in between does not let it end."""
    clock.advance(29 * 60)
    person = sessions.find_session(db, token, clock=clock, settings=settings.web)
    assert person is not None
    assert person.name == "Ada"
    sessions.touch_session(db, person, clock=clock)
    clock.advance(29 * 60)
    assert sessions.find_session(db, token, clock=clock, settings=settings.web)
    clock.advance(60)
    assert sessions.find_session(db, token, clock=clock, settings=settings.web) is None


def test_a_session_ends_absolutely(db: Database, clock: ManualClock, settings: Settings, token: str) -> None:
    """However busy, after twelve hours somebody signs in again."""
    for _ in range(12 * 3 - 1):
        clock.advance(20 * 60)
        person = sessions.find_session(db, token, clock=clock, settings=settings.web)
        assert person is not None
        sessions.touch_session(db, person, clock=clock)
    clock.advance(20 * 60)
    assert sessions.find_session(db, token, clock=clock, settings=settings.web) is None


def test_a_clock_set_back_does_not_prolong_sessions(
    db: Database, clock: ManualClock, settings: Settings, token: str
) -> None:
    """A session from the future is refused, small corrections of the clock are not minded."""
    clock.step(-60)
    assert sessions.find_session(db, token, clock=clock, settings=settings.web)
    clock.step(-3600)
    assert sessions.find_session(db, token, clock=clock, settings=settings.web) is None


@pytest.mark.parametrize("wrong", ["", "x", "a" * 43, "ä" * 43, "a" * 10_000, "../../etc"])
def test_values_that_are_no_session_find_nothing(
    db: Database, clock: ManualClock, settings: Settings, token: str, wrong: str
) -> None:
    """Any other cookie value is nobody."""
    assert sessions.find_session(db, wrong, clock=clock, settings=settings.web) is None


def test_disabling_the_account_ends_its_sessions(
    db: Database, clock: ManualClock, settings: Settings, token: str
) -> None:
    """A disabled account is out at once, also in windows that are open."""
    accounts.create_account(db, "Grace", "administrator", "Quiet-Room-42!", clock=clock, who="test")
    changes.disable_account(db, "Ada", clock=clock, who="test")
    assert sessions.find_session(db, token, clock=clock, settings=settings.web) is None


def test_a_lasting_answer_ends_with_its_session(
    db: Database, clock: ManualClock, settings: Settings, token: str
) -> None:
    """A stream learns that its person signed out, was disabled, got another role, or has been there for too long."""

    def person() -> sessions.Person:
        found = sessions.find_session(db, token, clock=clock, settings=settings.web)
        assert found is not None
        return found

    begun = person()

    def end() -> int | None:
        return sessions.session_end(db, begun, clock=clock, settings=settings.web)

    assert end() == begun.ends_us
    db.conn.execute("UPDATE account SET role = 'auditor'")
    assert end() is None
    db.conn.execute("UPDATE account SET role = 'administrator', disabled_us = 1")
    assert end() is None
    db.conn.execute("UPDATE account SET disabled_us = NULL")
    db.conn.commit()
    assert end() == begun.ends_us
    clock.advance(29 * 60)
    sessions.touch_session(db, begun, clock=clock)
    assert end() == clock.wall_us() + 30 * 60 * 1_000_000
    clock.advance(31 * 60)
    assert end() is None
    clock.advance(-31 * 60)
    assert end() is not None
    sessions.close_session(db, begun)
    assert end() is None


def test_ended_sessions_are_forgotten(db: Database, clock: ManualClock, settings: Settings, token: str) -> None:
    """Rows that open nothing any more do not pile up."""
    assert sessions.forget_ended_sessions(db, clock=clock, settings=settings.web) == 0
    clock.advance(31 * 60)
    assert sessions.forget_ended_sessions(db, clock=clock, settings=settings.web) == 1
