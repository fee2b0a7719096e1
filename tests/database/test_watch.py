"""Seeing that somebody else wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.database import ChangeWatch, connect, write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


def _touch(db: Database, key: str) -> None:
    with write(db):
        db.conn.execute("INSERT INTO setting (key, value) VALUES (?, '1')", (key,))


def test_the_first_look_and_each_foreign_commit_is_a_change(db: Database, settings: Settings) -> None:
    """A process reconciles at its start and after others' commits, once each; its own commits are no news."""
    other = connect(settings.database)
    watch = ChangeWatch(db)
    assert [watch.changed(), watch.changed()] == [True, False]
    _touch(other, "a")
    _touch(other, "b")
    assert [watch.changed(), watch.changed()] == [True, False]
    _touch(db, "c")
    assert not watch.changed()


def test_what_is_rolled_back_is_no_change(db: Database, settings: Settings) -> None:
    """Only commits count."""
    other = connect(settings.database)
    watch = ChangeWatch(db)
    watch.changed()
    other.conn.execute("BEGIN IMMEDIATE")
    other.conn.execute("INSERT INTO setting (key, value) VALUES ('x', '1')")
    assert not watch.changed()
    other.conn.execute("ROLLBACK")
    assert not watch.changed()
