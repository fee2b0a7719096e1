"""What the box holds, and what happens to it next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from appliance.vault.holdings import Outlook, list_outlooks, outlooks
from appliance.vault.holds import place_hold, release_hold
from appliance.vault.part_rows import due_now
from appliance.vault.retention import HOUR_US, PartRow, Sittings
from tests.vault.part_material import NOW_US, row, store
from tests.vault.test_retention import NAMES

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

GRACE_US = 600_000_000
Wishes = dict[str, int | None]
Holds = list[tuple[str, str | None, int | None]]
WISHES = st.dictionaries(NAMES, st.none() | st.integers(0, NOW_US), max_size=3)
HOLDS = st.lists(
    st.tuples(NAMES, st.none() | NAMES, st.none() | st.integers(NOW_US - 2 * GRACE_US, NOW_US)), max_size=3
)
HOURS = st.dictionaries(NAMES, st.integers(1, 150), max_size=3)


def _outlooks(db: Database, now_us: int = NOW_US) -> list[Outlook]:
    return list_outlooks(db, default_hours=50, now_us=now_us, grace_us=GRACE_US)


def _fill(
    db: Database,
    rows: tuple[list[PartRow], Wishes, Holds, dict[str, int]],
    later: int,
) -> None:
    """What is foretold for a moment is what retention lets go at that moment, part by part, no more and no less."""
    _fill(db, *rows)
    found = _outlooks(db)
    now_us = NOW_US + later
    foretold = {
        (one.holding.sitting, one.holding.camera) for one in found if one.due_us is not None and one.due_us <= now_us
    }
    due = due_now(db, default_hours=50, now_us=now_us, grace_us=GRACE_US)
    assert {(one.part.sitting, one.part.camera) for one in due} == {
        place
        for place in foretold
        if any(one.holding.savable for one in found if (one.holding.sitting, one.holding.camera) == place)
    }
    savable = {(one.holding.sitting, one.holding.camera): one.holding.savable for one in found}
    for place in foretold:
        assert sum((one.part.sitting, one.part.camera) == place for one in due) == savable[place]
    for sitting in {part.sitting for part in rows[0]}:
        alone = due_now(db, default_hours=50, now_us=now_us, grace_us=GRACE_US, sitting=sitting)
        assert alone == [one for one in due if one.part.sitting == sitting]


def test_a_holding_counts_what_is_there_and_what_was(db: Database) -> None:
    """Parts, bytes, what is being written, what is past saving and what is gone are told apart."""
    for number, state in enumerate(("closed", "open", "deleting", "deleted", "deleted"), start=1):
        store(db, row(number, state=state, bytes=10**number))
    (one,) = _outlooks(db)
    holding = one.holding
    assert (holding.parts, holding.bytes, holding.open, holding.deleting) == (3, 1110, 1, 1)
    assert (holding.gone, holding.gone_bytes, holding.savable) == (2, 110_000, 2)
    assert (one.due_us, one.over_us) == (None, None)


def test_what_goes_first_stands_first_and_what_is_gone_not_at_all(db: Database) -> None:
    """The plan is in the order of deletion; a running sitting stands last."""
    store(db, row(1, sitting="late", ended_us=NOW_US - HOUR_US))
    store(db, row(1, sitting="soon"))
    store(db, row(1, sitting="now", state="open", ended_us=None))
    store(db, row(1, sitting="gone", state="deleted"))
    assert [one.holding.sitting for one in _outlooks(db)] == ["soon", "late", "now"]


def test_a_released_hold_keeps_for_its_grace(db: Database, clock: ManualClock) -> None:
    """A mistaken release can be made good for a while; then retention applies, and the plan says when."""
    store(db, row())
    hold = place_hold(db, "exam", None, reason="a", clock=clock, who="ann")
    (held,) = _outlooks(db, clock.wall_us())
    assert (held.held, held.due_us, held.kept_by_hold_alone(clock.wall_us())) == (True, None, True)
    release_hold(db, hold.id, reason="b", clock=clock, who="ann")
    (free,) = _outlooks(db, clock.wall_us())
    assert (free.held, free.due_us) == (False, clock.wall_us() + GRACE_US)
    for seconds, due in ((GRACE_US // 1_000_000 - 1, 0), (1, 1)):
        clock.advance(seconds)
        assert len(due_now(db, default_hours=72, now_us=clock.wall_us(), grace_us=GRACE_US)) == due


def test_a_clock_set_back_does_not_prolong_a_release(db: Database, clock: ManualClock) -> None:
    """A release that seems to lie ahead keeps nothing: the grace is minutes, never the time a clock was wrong."""
    store(db, row())
    hold = place_hold(db, "exam", None, reason="a", clock=clock, who="ann")
    clock.step(24 * 3600)
    release_hold(db, hold.id, reason="b", clock=clock, who="ann")
    assert len(due_now(db, default_hours=72, now_us=NOW_US, grace_us=GRACE_US)) == 1


def test_nothing_held_is_nothing_told() -> None:
    """An empty box has no plan."""
    empty = Sittings(frozenset(), {})
    assert outlooks([], hours={}, default_hours=72, holds=[], sittings=empty, grace_us=0) == []
