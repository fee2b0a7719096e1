"""Acts that share a transaction: durable before they are told, and none takes another with it."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.database import connect, write
from appliance.errors import ConflictError, UnavailableError
from appliance.web.api.committer import Committer
from appliance.web.api.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings

MANY = 40


@pytest.fixture
def committer(db: Database, settings: Settings) -> Committer:
    """A committer of a box's database, with a table to write to."""
    db.conn.execute("CREATE TABLE told (number INTEGER PRIMARY KEY)")
    return Committer(settings.database)


def put(number: int) -> Callable[[Database], int]:
    """Return an act that keeps a number."""

    def act(db: Database) -> int:
        db.conn.execute("INSERT INTO told (number) VALUES (?)", (number,))
        return number

    return act


def kept(db: Database) -> list[int]:
    """Return what another connection sees."""
    return [row[0] for row in db.conn.execute("SELECT number FROM told ORDER BY number")]


def test_what_is_told_is_committed(db: Database, committer: Committer) -> None:
    """When `run` returns, every other connection sees it."""
    assert committer.run(put(1)) == 1
    assert kept(db) == [1]


def test_acts_that_wait_share_one_commit(db: Database, committer: Committer, settings: Settings) -> None:
    """While another writer holds the database, calls gather; then one transaction takes them all."""
    other = connect(settings.database)
    seen: list[int] = []

    def act(number: int) -> Callable[[Database], None]:
        def do(db: Database) -> None:
            put(number)(db)
            seen.append(db.conn.total_changes)

        return do

    threads = [threading.Thread(target=committer.run, args=(act(number),)) for number in range(MANY)]
    with write(other):
        other.conn.execute("INSERT INTO told (number) VALUES (1000)")
        for thread in threads:
            thread.start()
        assert kept(db) == []
        assert seen == []
    for thread in threads:
        thread.join()
    assert kept(db) == [*range(MANY), 1000]


def test_one_that_fails_takes_nothing_with_it(db: Database, committer: Committer, settings: Settings) -> None:
    """It is told its own error and leaves nothing; those beside it in the transaction are kept."""
    other = connect(settings.database)
    failed: list[str] = []

    def refuse(db: Database) -> None:
        put(500)(db)
        raise ConflictError("no")

    def run(act: Callable[[Database], object]) -> None:
        try:
            committer.run(act)
        except (ConflictError, sqlite3.IntegrityError) as problem:
            failed.append(type(problem).__name__)

    acts = [put(1), refuse, put(2), put(2), put(3)]
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    with write(other):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert kept(db) == [1, 2, 3]
    assert sorted(failed) == ["ConflictError", "IntegrityError"]


def test_a_transaction_that_ends_under_it_fails_all_and_the_next_goes_on(db: Database, committer: Committer) -> None:
    """As on a full disk: nobody is told of something that was not kept, and a new connection is made."""

    def end(db: Database) -> None:
        put(7)(db)
        db.conn.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(UnavailableError) as refused:
        committer.run(end)
    assert "nothing was stored" in refused.value.hint
    assert kept(db) == []
    assert committer.run(put(8)) == 8
    assert kept(db) == [8]


def test_whoever_waits_too_long_is_told_and_is_not_done_later(
    db: Database, committer: Committer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act whose caller has gone is taken out of those that wait."""
    monkeypatch.setattr("appliance.web.api.committer.ANSWER_SECONDS", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    def slow(db: Database) -> None:
        put(1)(db)
        begun.set()
        go_on.wait(10)

    leader = threading.Thread(target=committer.run, args=(slow,))
    leader.start()
    begun.wait(10)
    with pytest.raises(UnavailableError):
        committer.run(put(2))
    go_on.set()
    leader.join()
    assert committer.run(put(3)) == 3
    assert kept(db) == [1, 3]


def test_a_leader_that_dies_leaves_the_lead_to_others(db: Database, committer: Committer) -> None:
    """Even an end of its thread in the middle of an act."""

    def end(_: Database) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        committer.run(end)
    assert committer.run(put(1)) == 1
    assert kept(db) == [1]


def test_who_waits_for_another_writer_is_not_in_turn(db: Database, settings: Settings) -> None:
    """While the database belongs to another, those whose act waits let others compute; then all is done in turn."""
    db.conn.execute("CREATE TABLE told (number INTEGER PRIMARY KEY)")
    turn, other = Turn(), connect(settings.database)
    committer, mine = Committer(settings.database, turn), list[bool]()

    def act(db: Database) -> None:
        mine.append(turn.is_mine)
        put(len(mine))(db)

    def call() -> None:
        with turn.held():
            committer.run(act)
            assert turn.is_mine

    threads = [threading.Thread(target=call) for _ in range(MANY)]
    with write(other):
        for thread in threads:
            thread.start()
        with turn.held():
            assert mine == []
    for thread in threads:
        thread.join()
    assert mine == [True] * MANY
    assert kept(db) == [*range(1, MANY + 1)]


def test_a_database_that_stays_with_another_fails_who_waits(
    db: Database, committer: Committer, settings: Settings
) -> None:
    """It is told to try again, nothing is stored, and the next act is done."""
    refused: list[str] = []

    def run() -> None:
        try:
            committer.run(put(1))
        except UnavailableError as problem:
            refused.append(problem.hint)

    assert committer.run(put(0)) == 0
    opened = committer._db  # the test need not wait as long as a box does
    assert opened is not None
    opened.conn.execute("PRAGMA busy_timeout=1")
    with write(connect(settings.database)):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert ["nothing was stored" in hint for hint in refused] == [True]
    assert committer.run(put(5)) == 5
    assert kept(db) == [0, 5]
