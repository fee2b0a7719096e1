"""Erasing a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.auditlog import append, erase_person, show, verify
from appliance.auditlog.show import ERASED

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.auditlog.conftest import Key


def test_erasing_a_person_leaves_a_log_that_verifies(filled: Database, clock: ManualClock, key: Key) -> None:
    """Values and the place they acted from go, other people's stay, erased ones are counted."""
    before = list(show(filled))
    count = erase_person(filled, "bob", clock=clock, who="officer")
    assert count == 5  # bob in entries 2, 5 and 8, and his address in 2 and 8
    report = verify(filled, key.public)
    assert (report.ok, report.erased) == (True, 5)
    after = list(show(filled))
    assert [line.who for line in after[:3]] == ["ann", ERASED, "box"]
    assert after[1].where == ERASED
    assert after[3].where == "10.0.0.5"
    assert after[4].personal == {"candidate": "Eve Müller"}
    assert [line.detail for line in after[:8]] == [line.detail for line in before]
    assert (after[8].action, after[8].who, after[8].detail) == ("person.erased", "officer", {"values": 5})


def test_a_candidate_is_erased_without_the_one_who_acted(filled: Database, clock: ManualClock) -> None:
    """Who looked at a candidate's recording stays known when the candidate is erased."""
    assert erase_person(filled, "Eve Müller", clock=clock) == 1
    line = list(show(filled))[4]
    assert (line.who, line.personal) == ("bob", {"candidate": ERASED})


def test_erased_bytes_are_gone_from_the_files(settings: Settings, db: Database, clock: ManualClock) -> None:
    """Neither the database nor its write-ahead log holds the name afterwards."""
    append(db, "camera.added", clock=clock, who="Zebediah Quux")
    files = [settings.database, settings.database.with_name("exambox.db-wal")]
    assert any(b"Zebediah" in file.read_bytes() for file in files)
    erase_person(db, "Zebediah Quux", clock=clock)
    assert not any(b"Zebediah" in file.read_bytes() for file in files if file.exists())
