"""Migrations of the box's database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import append, verify
from appliance.cameras.wishes import current_wish, list_wishes, start_recording, stop_recording
from appliance.database import connect, migrate, open_box_database, write
from appliance.database.migrations import KNOWN, MIGRATIONS
from appliance.errors import DatabaseError
from appliance.sittings import recording

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def _schema(db: Database) -> list[tuple[str, str]]:
    return db.conn.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()


def test_a_new_database_gets_every_migration(db: Database) -> None:
    """All are applied, in order, and none is unknown to the guard against newer databases."""
    applied = [done.name for done in MIGRATIONS.applied(db)]
    assert applied == sorted(applied)
    assert set(applied) == KNOWN
    assert not MIGRATIONS.pending(db)


def test_migrating_again_changes_nothing(db: Database) -> None:
    """Every process migrates at its start."""
    before = _schema(db)
    migrate(db)
    assert _schema(db) == before


@pytest.mark.parametrize("stop_after", sorted(KNOWN)[:-1])
def test_each_older_version_migrates_with_its_data(settings: Settings, clock: ManualClock, stop_after: str) -> None:
    """A box of any earlier version keeps what it has and ends with the newest schema."""
    fresh = open_box_database(settings.database.with_name("fresh.db"))
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    old = connect(settings.database)
    position = [step.name for step in MIGRATIONS.pending(old)].index(stop_after) + 1
    MIGRATIONS.apply(old, stop_before=[step.name for step in MIGRATIONS.pending(old)][position])
    append(old, "camera.added", clock=clock, who="ann")
    with write(old):
        old.conn.execute(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, state)"
            " VALUES ('aa', 's', 'c', 1, 5, 'open')"
        )
    old.conn.close()
    db = open_box_database(settings.database)
    assert _schema(db) == _schema(fresh)
    assert db.conn.execute("SELECT part_id, state FROM part").fetchall() == [("aa", "open")]
    assert verify(db, None).entries == 1
    assert db.conn.execute("PRAGMA foreign_key_check").fetchall() == []


def test_accounts_and_sessions_of_the_version_before_stay(settings: Settings, clock: ManualClock) -> None:
    """m0003: a box with people signed in keeps them: no address, no second factor, no forced change, sessions open."""
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    old = connect(settings.database)
    MIGRATIONS.apply(old, stop_before="m0003_accounts")
    old.conn.executescript(
        "BEGIN; INSERT INTO account (name, role, password_hash, created_us, disabled_us) VALUES"
        " ('Ada', 'administrator', 'hash-a', 5, NULL), ('Grace', 'reviewer', 'hash-g', 6, 7);"
        "INSERT INTO web_session VALUES (x'aa', 1, 10, 11, '127.0.0.1', x'bb');"
        "INSERT INTO sign_in_failure (key, at_us) VALUES ('k', 12); COMMIT"
    )
    old.conn.close()
    db = open_box_database(settings.database)
    rows = db.conn.execute(
        "SELECT name, role, password_hash, created_us, disabled_us, email, must_change, last_sign_in_us FROM account"
    ).fetchall()
    assert rows == [
        ("Ada", "administrator", "hash-a", 5, None, "", 0, None),
        ("Grace", "reviewer", "hash-g", 6, 7, "", 0, None),
    ]
    assert db.conn.execute("SELECT account, seen_us, browser FROM web_session").fetchall() == [(1, 11, "")]
    assert db.table("sign_in_failure").count == 1
    db.conn.execute("UPDATE account SET email = 'ada@example.org' WHERE id = 1")
    with pytest.raises(sqlite3.IntegrityError):
        db.conn.execute("UPDATE account SET email = 'ADA@example.org' WHERE id = 2")
    db.conn.close()


def test_wishes_of_the_version_before_stay_and_recording_goes_on(settings: Settings, clock: ManualClock) -> None:
    """m0006: a box that is recording when it is updated still wishes the same, and can stop and begin anew."""
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    old = connect(settings.database)
    MIGRATIONS.apply(old, stop_before="m0006_exams")
    start_recording(old, clock=clock, who="ann", sitting="yesterday")
    stop_recording(old, clock=clock, who="ann")
    standing = start_recording(old, clock=clock, who="ann", sitting="now")
    old.conn.close()
    db = open_box_database(settings.database)
    assert current_wish(db) == standing
    assert not recording.begin(db, "monday", clock=clock, who="box")
    assert stop_recording(db, clock=clock, who="ann").sitting == "now"
    with write(db):
        assert recording.begin(db, "monday", clock=clock, who="box")
    assert [wish.sitting for wish in list_wishes(db)] == ["monday", "now", "yesterday"]
    assert verify(db, None).ok
    db.conn.close()


def test_a_newer_database_is_refused_and_left_alone(db: Database, settings: Settings) -> None:
    """Old software never writes into a database it does not understand."""
    with write(db):
        db.conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('exambox', 'm9999_future', 'x')"
        )
    before = _schema(db)
    with pytest.raises(DatabaseError, match="m9999_future") as told:
        open_box_database(settings.database)
    assert "Install" in told.value.hint
    assert _schema(db) == before


_STARTER = """
import sys
from pathlib import Path
from appliance.database import open_box_database
from appliance.database.migrations import KNOWN, MIGRATIONS
sys.stdin.readline()
db = open_box_database(Path(sys.argv[1]))
assert {done.name for done in MIGRATIONS.applied(db)} == KNOWN
assert len(list(MIGRATIONS.applied(db))) == len(KNOWN)
"""


def test_processes_that_start_at_once_migrate_once(settings: Settings) -> None:
    """Five processes let go at the same moment on a box without a database: all start, each migration ran once."""
    settings.database.parent.mkdir(parents=True)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _STARTER, str(settings.database)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(5)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in running:
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO part (part_id, sitting, camera, number, started_us, state) VALUES ('a', 's', 'c', 1, 5, 'odd')",
        "INSERT INTO part (part_id, sitting, camera, number, started_us, state) VALUES ('a', 's', 'c', 'x', 5, 'open')",
        "INSERT INTO camera_event (camera, at_us, state) VALUES ('nobody', 1, 'live')",
        "INSERT INTO log_personal VALUES (77, 'who', x'00', 'x')",
    ],
)
def test_the_schema_itself_refuses_nonsense(db: Database, statement: str) -> None:
    """Types, states and references are checked by the database, whoever writes."""
    with pytest.raises(sqlite3.IntegrityError):
        db.conn.execute(statement)
