"""Reading the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.auditlog import append, show

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock


def test_filters_and_limit(filled: Database, clock: ManualClock) -> None:
    """Entries come oldest first; time, action, noun, person and number narrow them; a limit keeps the newest."""
    append(filled, "hold.placed", clock=clock, who="ann")
    lines = list(show(filled))
    assert [line.seq for line in lines] == list(range(1, 10))
    assert [line.seq for line in show(filled, since_us=lines[6].at_us)] == [7, 8, 9]
    assert [line.seq for line in show(filled, action="hold.placed")] == [9]
    assert [line.seq for line in show(filled, action="camera", limit=2)] == [7, 8]
    assert [line.seq for line in show(filled, who="ann")] == [1, 4, 7, 9]
    assert list(show(filled, action="came")) == []


def test_pages_join_without_loss(db: Database, clock: ManualClock) -> None:
    """A log longer than a page is shown whole."""
    with db.atomic():
        for _ in range(1203):
            append(db, "box.started", clock=clock)
    assert [line.seq for line in show(db)] == list(range(1, 1204))
    assert [line.seq for line in show(db, limit=501)] == list(range(703, 1204))
