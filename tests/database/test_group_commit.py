"""Writes of many threads in one transaction."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.database import open_box_database
from appliance.database.group_commit import MOST_AT_ONCE, GroupCommit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings


def put(key: str) -> Callable[[Database], str]:
    """Write one row."""

    def work(db: Database) -> str:
        db.conn.execute("INSERT INTO setting (key, value) VALUES (?, '1')", (key,))
        return key

    return work


def test_each_gets_its_own_answer_and_all_is_there(db: Database, settings: Settings) -> None:
    """More threads than fit into one transaction write at once; another connection sees every row when they return."""
    group, found = GroupCommit(db), list[str]()
    other = open_box_database(settings.database)
    count = 2 * MOST_AT_ONCE + 5
    gate = threading.Barrier(count)

    def go(number: int) -> None:
        gate.wait()
        found.append(group.run(put(str(number))))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(str(number) for number in range(count))
    assert other.table("setting").count == count
    other.conn.close()


def test_one_that_fails_undoes_its_own_alone(db: Database) -> None:
    """The others of its transaction stay, and the reason comes to whoever asked."""
    group, held = GroupCommit(db), threading.Event()
    entered, results = threading.Event(), dict[str, object]()

    def slow(_db: Database) -> None:
        entered.set()
        assert held.wait(10)

    def fail(db: Database) -> None:
        put("undone")(db)
        raise ValueError("no")

    def go(name: str, work: Callable[[Database], object]) -> None:
        try:
            results[name] = group.run(work)
        except ValueError as problem:
            results[name] = problem

    first = threading.Thread(target=go, args=("slow", slow))
    first.start()
    assert entered.wait(10)
    rest = [
        threading.Thread(target=go, args=one) for one in (("good", put("kept")), ("bad", fail), ("too", put("also")))
    ]
    for thread in rest:
        thread.start()
    held.set()
    for thread in [first, *rest]:
        thread.join()
    assert (results["good"], str(results["bad"])) == ("kept", "no")
    assert {row["key"] for row in db.table("setting").rows} == {"also", "kept"}


class _FullDisk:
    """A connection whose commits fail while it is told so."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn, self.full = conn, True

    @property
    def in_transaction(self) -> bool:
        return self.conn.in_transaction

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.conn.execute(sql, values)


def test_a_commit_that_fails_is_everybodys_failure(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that something is durable which is not; the next write finds a clean connection."""
    real, broken = db.conn, _FullDisk(db.conn)
    group = GroupCommit(db)
    monkeypatch.setattr(db, "conn", broken)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        group.run(lambda db: db.conn.execute("INSERT INTO setting VALUES ('a', '1')"))
    broken.full = False
    monkeypatch.setattr(db, "conn", real)
    assert group.run(put("b")) == "b"
    assert [row["key"] for row in db.table("setting").rows] == ["b"]
