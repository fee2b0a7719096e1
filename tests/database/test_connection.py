"""Opening the database and writing to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.database import connect, joined, open_box_database, write
from appliance.errors import ConflictError, DatabaseError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings

INSERT = "INSERT INTO setting (key, value) VALUES (?, '1')"


def _keys(db: Database) -> list[str]:
    return [row[0] for row in db.conn.execute("SELECT key FROM setting ORDER BY key")]


class StoppedError(Exception):
    """What a test throws in the middle of a transaction."""


def test_every_connection_has_the_settings_promises_rest_on(db: Database) -> None:
    """WAL, synchronous=FULL (2), foreign keys, no secure_delete, a patient lock."""
    values = {
        name: db.conn.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
    }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 0,
        "busy_timeout": 10_000,
    }


def test_a_write_is_seen_by_others_when_it_returns(db: Database, settings: Settings) -> None:
    """What `write` wrote is committed, not only executed."""
    with write(db):
        db.conn.execute(INSERT, ("a",))
    assert _keys(connect(settings.database, read_only=True)) == ["a"]


def test_an_error_undoes_the_whole_write(db: Database) -> None:
    """All or nothing, and the connection is usable afterwards."""

    def fail() -> None:
        with write(db):
            db.conn.execute(INSERT, ("a",))
            raise StoppedError

    with pytest.raises(StoppedError):
        fail()
    assert _keys(db) == []
    assert not db.conn.in_transaction
    with write(db):
        db.conn.execute(INSERT, ("b",))
    assert _keys(db) == ["b"]


def test_a_write_inside_a_write_is_undone_alone(db: Database) -> None:
    """An inner write that fails takes its own rows with it; an outer one that fails takes all."""

    def inner() -> None:
        with write(db):
            db.conn.execute(INSERT, ("inner",))
            raise StoppedError

    with write(db):
        db.conn.execute(INSERT, ("outer",))
        with pytest.raises(StoppedError):
            inner()
    assert _keys(db) == ["outer"]

    def outer() -> None:
        with write(db):
            with write(db):
                db.conn.execute(INSERT, ("joined",))
            raise StoppedError

    with pytest.raises(StoppedError):
        outer()
    assert _keys(db) == ["outer"]


def test_a_write_takes_its_lock_at_once(db: Database, settings: Settings) -> None:
    """Nobody else writes between what a write reads and what it writes."""
    other = connect(settings.database)
    other.conn.execute("PRAGMA busy_timeout=1")
    with write(db), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.conn.execute("BEGIN IMMEDIATE")


def test_an_error_that_ended_the_transaction_itself_is_not_hidden(db: Database) -> None:
    """A trigger that rolls back shows its own message, not a failed ROLLBACK."""
    db.conn.execute("CREATE TRIGGER no BEFORE INSERT ON setting BEGIN SELECT RAISE(ROLLBACK, 'refused here'); END")

    def insert() -> None:
        with write(db):
            db.conn.execute(INSERT, ("a",))

    with pytest.raises(sqlite3.IntegrityError, match="refused here"):
        insert()


def test_a_read_only_connection_writes_nothing(db: Database, settings: Settings) -> None:
    """Readers cannot change the box."""
    reader = connect(settings.database, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.conn.execute(INSERT, ("a",))


@pytest.mark.parametrize("content", [b"this is no database, it only looks like a file of some size" * 50, None])
def test_what_cannot_be_opened_is_told_plainly(tmp_path: Path, content: bytes | None) -> None:
    """A foreign file and a missing folder: one sentence and what to do."""
    path = tmp_path / "x.db" if content else tmp_path / "missing" / "x.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(DatabaseError, match="cannot be opened") as told:
        connect(path)
    assert "doctor" in told.value.hint


_WRITER = """
import sys
from pathlib import Path
from appliance.database import open_box_database, write
db = open_box_database(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    with write(db):
        db.conn.execute("INSERT INTO setting (key, value) VALUES (?, '1')", (f"{number:09d}-a",))
        db.conn.execute("INSERT INTO setting (key, value) VALUES (?, '1')", (f"{number:09d}-b",))
    print(number, flush=True)
"""


def test_killed_while_writing_no_acknowledged_row_is_lost(settings: Settings) -> None:
    """Kill -9 at random moments: every acknowledged pair is there, no pair is half there, the file is whole."""
    open_box_database(settings.database).conn.close()
    acknowledged: list[int] = []
    for run in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(settings.database), str(run * 1_000_000)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(3 + 7 * run)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        process.stdout.close()
        process.wait(timeout=30)
    db = open_box_database(settings.database)
    assert db.conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = set(_keys(db))
    assert {f"{number:09d}-{half}" for number in acknowledged for half in "ab"} <= rows
    assert {key[:-1] + "b" for key in rows if key.endswith("a")} == {key for key in rows if key.endswith("b")}


def test_a_commit_that_fails_leaves_no_transaction_open(db: Database) -> None:
    """What was written is undone, and the next write is one of its own again."""

    def break_a_promise() -> None:
        with write(db):
            db.conn.execute("PRAGMA defer_foreign_keys=ON")
            db.conn.execute("INSERT INTO camera_event (camera, at_us, state) VALUES ('nobody', 1, 'lost')")

    with pytest.raises(sqlite3.IntegrityError):
        break_a_promise()
    assert not db.conn.in_transaction
    with write(db):
        db.conn.execute(INSERT, ("a",))
    assert not db.conn.in_transaction


def test_what_joins_stands_or_falls_with_the_transaction_it_joined(db: Database) -> None:
    """A joined block is undone with what is around it; alone it is a transaction of its own."""
    db.conn.execute("CREATE TABLE joins (number INTEGER PRIMARY KEY)")

    def fail() -> None:
        with joined(db):
            db.conn.execute("INSERT INTO joins VALUES (2)")
            raise ConflictError("no")

    with pytest.raises(ConflictError):
        fail()
    with write(db):
        db.conn.execute("INSERT INTO joins VALUES (1)")
        with pytest.raises(ConflictError), write(db):
            fail()
    assert [row[0] for row in db.conn.execute("SELECT number FROM joins")] == [1]
    assert not db.conn.in_transaction
