"""When parts that were left open are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.cameras.wishes import start_recording, stop_recording
from appliance.capture.facts import Facts
from appliance.capture.recovery import OWED_AGAIN_US, STARTING_US, Recovery
from appliance.capture.writer_keys import writer_keys
from appliance.vault.keys import init_keys
from appliance.vault.part import Anchor, PartOpening, PartWriter
from appliance.vault.part_files import part_path
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

CAMERA = "door"


@pytest.fixture
def leave_open(settings: Settings, clock: ManualClock, db: Database) -> Callable[[str], Path]:
    """Leave the part of a sitting open, as a crash does; returns its path."""
    init_keys(settings, passphrase=None, clock=clock)
    add_camera(
        db, Camera(id=CAMERA, name="Door", role="room", kind="pattern", address="default"), None, clock=clock, who="t"
    )

    def leave(sitting: str) -> Path:
        path = part_path(settings.vault_dir, sitting, CAMERA, 1)
        opening = PartOpening(
            sitting=sitting,
            camera=CAMERA,
            part=1,
            opened="start",
            previous=None,
            masked=False,
            audio=False,
            masks_sha256=None,
            anchor=Anchor(clock.wall_us(), clock.mono_us(), "boot", trusted=True),
            aead="AES-256-GCM",
        )
        keys = writer_keys(settings.keys_dir)
        PartWriter.create(path, opening, keys, stream={}, init=b"x", clock=clock).abandon()
        return path

    return leave


def state_of(path: Path) -> str:
    """Return whether a part is open or closed."""
    with PartReader(path) as reader:
        return reader.state


def test_an_abandoned_part_is_closed_when_its_recording_is_over(
    leave_open: Callable[[str], Path], settings: Settings, db: Database, clock: ManualClock
) -> None:
    """A part that a failing disk left open is closed once nobody records that sitting any more, not before."""
    recovery, facts = Recovery(settings, db, clock), Facts(db, clock)
    sitting = start_recording(db, clock=clock, who="t").sitting
    path = leave_open(sitting)
    recovery.owe(sitting, CAMERA)
    clock.advance(OWED_AGAIN_US / 1e6)
    recovery.settle_one_old(facts)
    assert state_of(path) == "open"
    stop_recording(db, clock=clock, who="t")
    clock.advance(OWED_AGAIN_US / 1e6)
    recovery.settle_one_old(facts)
    assert state_of(path) == "closed"


def test_the_past_of_a_removed_camera_is_closed_too(
    leave_open: Callable[[str], Path], settings: Settings, db: Database, clock: ManualClock
) -> None:
    """A camera that is no longer there, and so never started, holds up neither its own past nor that of others."""
    path = leave_open("yesterday")
    recovery, facts = Recovery(settings, db, clock), Facts(db, clock)
    recovery.begin()
    recovery.settle_one_old(facts)
    assert state_of(path) == "open"  # cameras are being started: they come first
    clock.advance(STARTING_US / 1e6)
    recovery.settle_one_old(facts)
    assert state_of(path) == "closed"


def rows(db: Database) -> list[tuple[str, str]]:
    """Return sitting and state of every part row."""
    return [(row["sitting"], row["state"]) for row in db.query("SELECT sitting, state FROM part ORDER BY sitting")]


def test_finished_parts_that_the_database_does_not_know_get_their_rows(
    leave_open: Callable[[str], Path], settings: Settings, db: Database, clock: ManualClock
) -> None:
    """After a lost database retention holds for the old recordings too: files are the truth."""
    for sitting in ("first", "second"):
        leave_open(sitting)
    before, facts = Recovery(settings, db, clock), Facts(db, clock)
    before.begin()
    clock.advance(STARTING_US / 1e6)
    for _ in range(2):
        before.settle_one_old(facts)
    db.conn.execute("DELETE FROM part")
    db.conn.commit()
    again = Recovery(settings, db, clock)
    again.begin()
    clock.advance(STARTING_US / 1e6)
    for _ in range(2):
        again.settle_one_old(facts)
    assert rows(db) == [("first", "closed"), ("second", "closed")]
    again.begin()
    clock.advance(STARTING_US / 1e6)
    again.settle_one_old(facts)
    assert len(rows(db)) == 2


def test_a_part_that_was_closed_unheard_is_not_taken_for_open_for_ever(
    leave_open: Callable[[str], Path], settings: Settings, db: Database, clock: ManualClock
) -> None:
    """A camera's process closes its part although its parent has just died: the next parent sees it in the file."""
    wish = start_recording(db, clock=clock, who="t")
    leave_open(wish.sitting)
    recovery, facts = Recovery(settings, db, clock), Facts(db, clock)
    recovery.begin()
    assert recovery.settle(CAMERA, wish, facts)
    db.conn.execute("UPDATE part SET state = 'open', ended_us = NULL")
    db.conn.commit()
    again = Recovery(settings, db, clock)
    again.begin()
    assert again.settle(CAMERA, wish, facts)
    assert rows(db) == [(wish.sitting, "closed")]
    assert db.conn.execute("SELECT ended_us FROM part").fetchone()[0] is not None
