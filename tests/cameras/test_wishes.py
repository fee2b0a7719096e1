from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from appliance import auditlog
from appliance.cameras import wishes
from appliance.database import connect
from appliance.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_a_wish_stands_until_it_is_stopped(db: Database, clock: ManualClock) -> None:
    """Start and stop are what capture reconciles with; both are in the log."""
    assert wishes.current_wish(db) is None
    begun = wishes.start_recording(db, clock=clock, who="anna")
    assert wishes.current_wish(db) == begun
    clock.advance(60)
    ended = wishes.stop_recording(db, clock=clock, who="bert")
    assert (ended.id, ended.wished_by, ended.stopped_by, ended.stopped_us) == (
        begun.id,
        "anna",
        "bert",
        clock.wall_us(),
    )
    assert wishes.current_wish(db) is None
    assert wishes.list_wishes(db) == [ended]
    assert sorted(line.action for line in auditlog.show(db)) == ["recording.started", "recording.stopped"]


def test_a_sitting_is_named_after_its_time(db: Database, clock: ManualClock) -> None:
    """The made name fits the vault's rule for names and sorts by time."""
    name = wishes.start_recording(db, clock=clock, who="anna").sitting
    assert re.fullmatch(r"20270115-080000-[0-9a-f]{4}", name)


def test_only_one_wish_stands(db: Database, clock: ManualClock) -> None:
    """A second start names the sitting that is being recorded, and changes nothing."""
    begun = wishes.start_recording(db, clock=clock, who="anna", sitting="maths-1")
    with pytest.raises(ConflictError, match="maths-1"):
        wishes.start_recording(db, clock=clock, who="bert", sitting="maths-2")
    assert wishes.current_wish(db) == begun


def test_a_sitting_is_not_recorded_twice(db: Database, clock: ManualClock) -> None:
    """A name that was used stays with its recording."""
    wishes.start_recording(db, clock=clock, who="anna", sitting="maths-1")
    wishes.stop_recording(db, clock=clock, who="anna")
    with pytest.raises(ConflictError, match="maths-1"):
        wishes.start_recording(db, clock=clock, who="anna", sitting="maths-1")


def test_stopping_nothing_is_said(db: Database, clock: ManualClock) -> None:
    """Stop without a standing wish is an error a person understands."""
    with pytest.raises(ConflictError, match="Nothing"):
        wishes.stop_recording(db, clock=clock, who="anna")


@pytest.mark.parametrize("name", ["", "-a", "A", "a/b", "..", "a" * 61, "a\n", "ü"])
def test_names_the_vault_cannot_use_are_refused(db: Database, clock: ManualClock, name: str) -> None:
    """A sitting's name becomes a folder's name: nothing else gets through."""
    with pytest.raises(BadInputError):
        wishes.start_recording(db, clock=clock, who="anna", sitting=name)
    assert wishes.current_wish(db) is None


def test_of_many_who_start_at_once_one_succeeds(db: Database, settings: Settings, clock: ManualClock) -> None:
    """Two people who press start in one moment start one recording."""
    outcomes: list[str] = []

    def start(who: str) -> None:
        own = connect(settings.database)
        try:
            outcomes.append(wishes.start_recording(own, clock=clock, who=who).sitting)
        except ConflictError:
            outcomes.append("conflict")
        finally:
            own.conn.close()

    threads = [threading.Thread(target=start, args=(f"person {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("conflict") == 7
    assert len(wishes.list_wishes(db)) == 1
