"""What is on its way is not superseded: it may arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.database import write
from appliance.outbox import attempts, get_delivery, lms_target, put, waiting
from appliance.outbox.begun import note_begun

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

LMS = lms_target("i1")


def cause(db: Database, clock: ManualClock, kind: str = "review", *, newest: bool = True) -> None:
    """Put one delivery."""
    with write(db):
        put(db, target=LMS, stream="s1", kind=kind, body={}, clock=clock, supersedes=newest)


def test_what_has_begun_keeps_its_place(db: Database, clock: ManualClock) -> None:
    """A newer one goes after it, and later ones take the place of that one alone; the attempt is there to be seen."""
    cause(db, clock)
    assert note_begun(db, waiting(db), at_us=7) == {1}
    cause(db, clock)
    cause(db, clock)
    assert [one.id for one in waiting(db)] == [1, 3]
    (attempt,) = attempts(db, 1)
    assert (attempt.number, attempt.at_us, attempt.status) == (1, 7, None)
    assert get_delivery(db, 1).attempts == 0
    assert note_begun(db, waiting(db)[:1], at_us=8) == {1}
    assert len(attempts(db, 1)) == 1


def test_what_was_superseded_meanwhile_does_not_leave(db: Database, clock: ManualClock) -> None:
    """Between reading and sending a newer one took its place: it stays."""
    cause(db, clock)
    cause(db, clock, "warning", newest=False)
    read = waiting(db)
    cause(db, clock)
    assert note_begun(db, read, at_us=7) == {2}
    assert attempts(db, 1) == []


def test_what_nothing_supersedes_costs_no_write(db: Database, clock: ManualClock) -> None:
    """Of other kinds nothing is noted, and nothing of them can be superseded."""
    cause(db, clock, "warning", newest=False)
    before = db.conn.total_changes
    assert note_begun(db, waiting(db), at_us=7) == {1}
    assert db.conn.total_changes == before
    with pytest.raises(ValueError, match="warning"):
        cause(db, clock, "warning")
