"""Legal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.vault.holds import list_holds, place_hold, release_hold
from appliance.vault.part_rows import due_now
from tests.vault.part_material import NOW_US, row, store

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock


def test_a_hold_keeps_until_it_is_released(db: Database, clock: ManualClock) -> None:
    """Placed, nothing of the sitting is due; released, retention applies again. Both are in the log with reasons."""
    store(db, row())
    assert len(due_now(db, default_hours=72, now_us=NOW_US)) == 1
    hold = place_hold(db, "exam", None, reason=" appeal 12/26 ", clock=clock, who="ann")
    assert (hold.reason, hold.placed_by, hold.placed_us) == ("appeal 12/26", "ann", clock.wall_us())
    assert due_now(db, default_hours=72, now_us=NOW_US) == []
    clock.advance(60)
    ended = release_hold(db, hold.id, reason="appeal decided", clock=clock, who="bob")
    assert (ended.released_by, ended.release_reason, ended.released_us) == ("bob", "appeal decided", clock.wall_us())
    assert len(due_now(db, default_hours=72, now_us=NOW_US)) == 1
    placed, released = show(db, action="hold")
    assert (placed.action, placed.who, placed.personal) == ("hold.placed", "ann", {"reason": "appeal 12/26"})
    assert placed.detail == {"hold": hold.id, "sitting": "exam", "camera": None, "parts_already_gone": 0}
    assert (released.action, released.who, released.personal) == ("hold.released", "bob", {"reason": "appeal decided"})


def test_two_holds_on_one_recording_are_independent(db: Database, clock: ManualClock) -> None:
    """Releasing one leaves the other."""
    store(db, row())
    first = place_hold(db, "exam", None, reason="a", clock=clock, who="ann")
    second = place_hold(db, "exam", "front", reason="b", clock=clock, who="bob")
    release_hold(db, first.id, reason="done", clock=clock, who="ann")
    assert list_holds(db) == [second]
    assert [hold.id for hold in list_holds(db, released=True)] == [first.id, second.id]
    assert due_now(db, default_hours=72, now_us=NOW_US) == []


def test_a_hold_says_how_much_was_already_gone(db: Database, clock: ManualClock) -> None:
    """Nobody believes to have saved what was deleted before."""
    store(db, row(1, state="deleted"))
    store(db, row(2, state="deleting"))
    store(db, row(3))
    place_hold(db, "exam", "front", reason="a", clock=clock, who="ann")
    assert next(show(db)).detail["parts_already_gone"] == 2


@pytest.mark.parametrize(
    ("named", "reason", "error"),
    [
        (("exam", None), "  ", BadInputError),
        (("exam", None), "x" * 501, BadInputError),
        (("../etc", None), "a", BadInputError),
        (("exam", "A b"), "a", BadInputError),
        (("other", None), "a", NotFoundError),
        (("exam", "back"), "a", NotFoundError),
    ],
)
def test_unusable_holds_are_refused(
    db: Database, clock: ManualClock, named: tuple[str, str | None], reason: str, error: type[Exception]
) -> None:
    """A hold names something that was recorded here and gives a reason; otherwise nothing is stored."""
    store(db, row())
    with pytest.raises(error):
        place_hold(db, *named, reason=reason, clock=clock, who="ann")
    assert list_holds(db) == []
    assert list(show(db)) == []


def test_a_sitting_that_only_begins_can_be_held(db: Database, clock: ManualClock) -> None:
    """A wish to record is enough: its parts are kept from the first."""
    db.table("recording_wish").insert({"sitting": "soon", "wished_us": 1, "wished_by": "ann"})
    assert place_hold(db, "soon", None, reason="a", clock=clock, who="ann").sitting == "soon"


def test_releasing_twice_or_the_unknown_is_refused(db: Database, clock: ManualClock) -> None:
    """Each release happens once."""
    store(db, row())
    hold = place_hold(db, "exam", None, reason="a", clock=clock, who="ann")
    release_hold(db, hold.id, reason="b", clock=clock, who="ann")
    with pytest.raises(ConflictError, match="already"):
        release_hold(db, hold.id, reason="b", clock=clock, who="ann")
    with pytest.raises(NotFoundError):
        release_hold(db, 99, reason="b", clock=clock, who="ann")


def test_a_hold_on_what_is_gone_is_refused(db: Database, clock: ManualClock) -> None:
    """Nobody is given a hold that keeps nothing; the error says that it was already deleted."""
    store(db, row(1, state="deleted"))
    store(db, row(2, state="deleting"))
    with pytest.raises(ConflictError, match=r"Nothing of exam/front is left .* already deleted"):
        place_hold(db, "exam", "front", reason="a", clock=clock, who="ann")
    assert (list_holds(db), list(show(db))) == ([], [])


def test_what_is_still_being_recorded_can_be_held_though_its_past_is_gone(db: Database, clock: ManualClock) -> None:
    """While a sitting runs there is always something to keep."""
    store(db, row(1, state="deleted"))
    db.table("recording_wish").insert({"sitting": "exam", "wished_us": 1, "wished_by": "ann"})
    assert place_hold(db, "exam", None, reason="a", clock=clock, who="ann").id == 1
