"""Deletion certificates for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.vault.certificates import Wanted, all_certificates, count_certificates, newest_certificates
from appliance.vault.delete import begin_deletion, delete_part
from tests.vault.part_material import make_file, row, store

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def deleted(db: Database, settings: Settings, clock: ManualClock) -> list[int]:
    """Seven deleted parts of two sittings and two cameras, a minute apart; their certificates, the oldest first."""
    entries = []
    for number in range(1, 8):
        part = store(db, row(number, sitting="a" if number < 4 else "b", camera="front" if number % 2 else "back"))
        make_file(settings.vault_dir, part)
        entries.append(delete_part(db, settings.vault_dir, part.part_id, default_hours=72, clock=clock))
        clock.advance(60)
    return entries


def test_each_certificate_says_what_its_log_entry_says(db: Database, deleted: list[int]) -> None:
    """What, when, under which rule, by whom: the list repeats the log's entry and names it."""
    (last, *_) = newest_certificates(db, Wanted(), limit=1)
    entry = next(line for line in show(db, action="vault.part_deleted") if line.seq == deleted[-1])
    assert last.entry == entry.seq
    for name in ("part_id", "sitting", "camera", "part", "started_us", "ended_us", "bytes", "rule", "chain", "file"):
        assert getattr(last, name) == entry.detail[name], name
    assert (last.keys_destroyed, last.checkpoint_sha256) == (True, entry.detail["checkpoint_sha256"])
    assert (last.deleted_by, last.deleted_us) == (entry.who, entry.at_us)


def test_they_are_found_by_sitting_camera_and_time(db: Database, deleted: list[int], clock: ManualClock) -> None:
    """Each narrowing lets through what fits and nothing else, and the count agrees."""
    now = clock.wall_us()
    for wanted, count in (
        (Wanted(), 7),
        (Wanted(sitting="a"), 3),
        (Wanted(camera="front"), 4),
        (Wanted(sitting="b", camera="back"), 2),
        (Wanted(from_us=now - 120_000_000), 2),
        (Wanted(to_us=now - 120_000_000), 5),
        (Wanted(sitting="%"), 0),
    ):
        found = newest_certificates(db, wanted, limit=100)
        assert len(found) == count, wanted
        assert count_certificates(db, wanted) == (count, sum(one.bytes for one in found))
        assert [one.entry for one in all_certificates(db, wanted, limit=100)] == [one.entry for one in found]


def test_pages_follow_one_another(db: Database, deleted: list[int]) -> None:
    """Going on from the last entry of a page shows each certificate once, the newest first; a limit is kept."""
    seen: list[int] = []
    while page := newest_certificates(db, Wanted(), limit=3, before=seen[-1] if seen else None):
        seen += [one.entry for one in page]
    assert seen == deleted[::-1]
    assert len(list(all_certificates(db, Wanted(), limit=5))) == 5


def test_a_deletion_not_carried_through_has_no_certificate_yet(
    db: Database, settings: Settings, clock: ManualClock
) -> None:
    """What the log does not state is not shown as deleted."""
    part = store(db, row())
    make_file(settings.vault_dir, part)
    begin_deletion(db, settings.vault_dir, part.part_id, default_hours=72, clock=clock)
    assert newest_certificates(db, Wanted(), limit=10) == []
