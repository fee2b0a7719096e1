"""What capture tells the database, also when the database does not listen."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from appliance import auditlog
from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.capture.facts import Facts
from appliance.database import connect

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

OPENED = {"part_id": "ab" * 16, "sitting": "s1", "number": 1, "opened": "start", "started_us": 1}
ENDED = {"ended_us": 2, "bytes": 3, "seq": 4, "chain": "cd" * 32, "sha256": "ef" * 32}


@pytest.fixture
def facts(db: Database, clock: ManualClock) -> Facts:
    """Facts about one camera."""
    add_camera(db, Camera(id="front", name="Front", role="room", kind="pattern", address="64x48@5"), None,
               clock=clock, who="it")  # fmt: skip
    return Facts(db, clock)


def states(db: Database) -> list[tuple[str, str]]:
    """Return the part rows."""
    return [(row["part_id"], row["state"]) for row in db.query("SELECT * FROM part")]


def test_a_parts_life_is_in_rows_and_log(db: Database, facts: Facts) -> None:
    """Opening and closing a part each leave a row and a log entry."""
    facts.part_opened("front", OPENED)
    assert states(db) == [("ab" * 16, "open")]
    facts.part_ended("ab" * 16, "closed", ENDED)
    assert states(db) == [("ab" * 16, "closed")]
    actions = [line.action for line in auditlog.show(db)]
    assert {"vault.part_opened", "vault.part_closed"} <= set(actions)


def test_an_abandoned_part_may_be_recovered_but_a_closed_one_stays_closed(db: Database, facts: Facts) -> None:
    """Rows only go forward."""
    facts.part_opened("front", OPENED)
    facts.part_ended("ab" * 16, "abandoned", ENDED)
    facts.part_ended("ab" * 16, "recovered", ENDED)
    facts.part_ended("ab" * 16, "abandoned", ENDED)
    assert states(db) == [("ab" * 16, "recovered")]


def test_facts_wait_for_a_database_that_refuses_and_keep_their_order_and_time(
    db: Database, facts: Facts, settings: Settings, clock: ManualClock
) -> None:
    """A locked database delays facts; when it listens again they carry the time they came up."""
    db.conn.execute("PRAGMA busy_timeout=50")
    other = connect(settings.database)
    other.conn.execute("BEGIN IMMEDIATE")
    came_up = clock.wall_us()
    facts.camera_state("front", "lost", "timeout", "No picture for 3 s.")
    facts.part_opened("front", OPENED)
    assert facts.waiting == 2
    clock.advance(60)
    other.conn.execute("ROLLBACK")
    facts.flush()
    assert facts.waiting == 0
    assert [row["at_us"] for row in db.query("SELECT at_us FROM camera_event")] == [came_up]
    assert states(db) == [("ab" * 16, "open")]


def test_a_fact_that_can_never_be_written_does_not_hold_up_the_others(db: Database, facts: Facts) -> None:
    """An event of a camera that is unknown is dropped with a word in the journal."""
    facts.camera_state("nobody", "lost", "timeout", "")
    facts.part_opened("front", OPENED)
    assert facts.waiting == 0
    assert states(db) == [("ab" * 16, "open")]


def test_checkpoints_enter_the_log_together(db: Database, facts: Facts) -> None:
    """One entry holds the newest checkpoint of every part."""
    for seq in (3, 9):
        facts.checkpoint({"part_id": "ab" * 16, "seq": seq, "chain": "00" * 32, "sha256": "11" * 32})
    facts.checkpoint({"part_id": "cd" * 16, "seq": 5, "chain": "22" * 32, "sha256": "33" * 32})
    facts.flush_checkpoints(None)
    entries = [line for line in auditlog.show(db) if line.action == "vault.checkpoint"]
    assert len(entries) == 1
    assert [(one["part_id"][:2], one["seq"]) for one in entries[0].detail["checkpoints"]] == [("ab", 9), ("cd", 5)]


def test_the_log_is_still_append_only_for_capture(db: Database, facts: Facts) -> None:
    """Not even this process can change an entry."""
    facts.entry("box.started", {})
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.conn.execute("DELETE FROM log_entry")
