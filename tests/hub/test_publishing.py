"""Versions, positions and cursors of a hub that was restored, and notes on a box that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.exam_parameters import parse_exam
from appliance.hub.assigning import assign
from appliance.hub.feed import cursor_at, every_change, position_of
from appliance.hub.identity import HubFacts, hub_facts, init_hub
from appliance.hub.publishing import Publisher
from appliance.integrations import store
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.sittings.exams import upsert_exam
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

FACTS = HubFacts("hub:north", "North", b"k" * 32, 0)


@pytest.fixture
def change(db: Database, settings: Settings, clock: ManualClock) -> Callable[[int], str]:
    """Have an LMS send an exam of a duration; return its id."""
    made, _ = store.add_integration(
        db, name="campus", addresses=Addresses(), clock=clock, who="test", keys=exchange_key(settings)
    )

    def send(duration: int) -> str:
        said = parse_exam({**EXAMPLE, "duration": duration})
        return upsert_exam(db, made, said, clock=clock, who="LMS").exam.id

    return send


def test_a_box_takes_no_notes(change: Callable[[int], str], db: Database) -> None:
    """Where there is no hub, what changes is noted nowhere."""
    change(60)
    change(90)
    assert db["hub_dirty"].count == 0


def test_a_restored_hub_goes_on_with_higher_numbers(
    change: Callable[[int], str], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """A hub that forgot a day gives higher versions and positions than it gave before, so that boxes believe it."""
    keys = init_hub(settings, db, clock)
    publisher = Publisher(keys, exchange_key(settings), address="", clock=clock)
    db.conn.execute(
        "INSERT INTO hub_box (id, room, name, public, seal_public, enrolled_us) VALUES ('box-1', 'r', 'r', ?, ?, 0)",
        (keys.public, keys.seal_public),
    )
    exam = change(60)
    assign(db, "exam", exam, ["box-1"], clock=clock, who="test")
    publisher.publish(db)
    backup = list(db.conn.execute("SELECT * FROM hub_feed ORDER BY position"))
    for minutes in (70, 80, 90):
        clock.advance(60)
        change(minutes)
        publisher.publish(db)
    before = next(one for one in every_change(db, "box-1", hub=hub_facts(db)) if one.id == exam)
    told = db.conn.execute("SELECT MAX(position) FROM hub_feed").fetchone()[0]
    db.conn.execute("DELETE FROM hub_feed")
    marks = ", ".join("?" * len(backup[0]))
    db.conn.executemany(f"INSERT INTO hub_feed VALUES ({marks})", backup)  # noqa: S608  question marks
    db.conn.execute("DELETE FROM hub_version")
    clock.advance(3600)
    change(100)
    publisher.publish(db)
    after = next(one for one in every_change(db, "box-1", hub=hub_facts(db)) if one.id == exam)
    assert after.version > before.version
    assert db.conn.execute("SELECT MAX(position) FROM hub_feed").fetchone()[0] > told


@given(position=st.integers(1, 2**62), box=st.from_regex(r"box-[a-z0-9]{1,20}", fullmatch=True))
def test_a_cursor_is_read_by_its_hub_for_its_box_alone(position: int, box: str) -> None:
    """A cursor says its position to the hub that gave it, for the box it gave it to, and nothing to others."""
    cursor = cursor_at(position, box, hub=FACTS)
    assert position_of(cursor, box, hub=FACTS) == position
    assert position_of(cursor, box + "x", hub=FACTS) == 0
    assert position_of(cursor, box, hub=HubFacts("hub:north", "North", b"o" * 32, 0)) == 0
    assert len(cursor) <= 200


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_of_the_beginning(cursor: str) -> None:
    """Whatever is sent for a cursor, it is read as a place or as the beginning."""
    assert position_of(cursor, "box-1", hub=FACTS) == 0
