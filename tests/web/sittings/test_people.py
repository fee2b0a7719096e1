"""The table of the day: everybody once, sorted the same each time, and nobody who needs somebody is overlooked."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.exams.model import Seat
from appliance.exams.sitting_run import SittingRun, apply
from appliance.exams.states import AT_WORK, UNSETTLED, SittingStatus
from appliance.web.sittings.grid import grid_of
from appliance.web.sittings.people import (
    LONG_BREAK_US,
    ORDERS,
    Known,
    Order,
    Row,
    counts_of,
    last_end_us,
    natural,
    ordered,
    rows_of,
)
from tests.exams.a_sitting import (
    ADA,
    BOB,
    EVE,
    MINUTE,
    NINE,
    admitting,
    after,
    attempts,
    event,
    planned,
    refusal,
    writing,
)

KNOWN = {ADA: Known("Ada", "1"), BOB: Known("Bob", "2"), EVE: Known("Eve", "3")}


def rows(run: SittingRun, now_us: int = NINE, **warnings: int) -> dict[str, Row]:
    """The rows by candidate."""
    found = rows_of(run, KNOWN, {"maths": "Maths"}, now_us=now_us, warnings=warnings)
    return {row.person.candidate: row for row in found}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_everybody_is_in_the_table_once(data: st.DataObject) -> None:
    """After any history each candidate has one row, one number counts each, and each order holds the same rows."""
    events = data.draw(attempts(planned(), most=25))
    run = reduce(lambda before, one: before if refusal(before, one) else apply(before, one), events, planned())
    now = max([NINE, *(one.at_us for one in run.history)])
    found = rows_of(run, KNOWN, {}, now_us=now)
    assert [row.person.candidate for row in found] == list(run.people)
    counts = counts_of(run)
    assert counts.roster == len(run.people)
    assert counts.roster == counts.expected + counts.admitting + counts.working + counts.done + counts.absent
    shuffled = data.draw(st.permutations(found))
    for order in ORDERS:
        assert ordered(found, order) == ordered(shuffled, order)
        assert sorted(map(id, ordered(found, order))) == sorted(map(id, found))
    for row in found:
        if run.status is SittingStatus.ENDED and row.person.status in UNSETTLED:
            assert row.problem == "open"
        if row.left_us is not None:
            assert row.person.status in AT_WORK
            assert row.end is not None


@given(
    st.data(),
    st.lists(
        st.builds(
            Seat,
            label=st.sampled_from(["1", "2", "3", "4", "A1", "B9"]),
            row=st.none() | st.integers(1, 70),
            column=st.none() | st.integers(1, 70),
        ),
        unique_by=lambda seat: seat.label,
    ),
)
@settings(max_examples=60, deadline=None)
def test_every_seat_and_every_candidate_is_in_the_plan_once(data: st.DataObject, seats: list[Seat]) -> None:
    """Seats without a place, places taken twice, candidates without a seat, seats of no plan: none is lost."""
    events = data.draw(attempts(planned(), most=25))
    run = reduce(lambda before, one: before if refusal(before, one) else apply(before, one), events, planned())
    grid = grid_of(seats, rows(run).values())
    places = [place for row in grid.rows for place in row if place] + list(grid.loose)
    labels = [place.label for place in places]
    assert len(labels) == len(set(labels))
    assert {seat.label for seat in seats} <= set(labels)
    shown = [place.row.person.candidate for place in places if place.row] + [
        row.person.candidate for row in grid.unseated
    ]
    assert sorted(shown) == sorted(run.people)


def test_what_needs_somebody_stands_first() -> None:
    """Time that is over, a long break, a pause, an open warning, who has not begun, who is not here: in this order."""
    run = writing(ADA, BOB)
    assert rows(run)[ADA].problem == ""
    assert rows(run)[EVE].problem == "missing"
    assert rows(run, **{ADA: 2})[ADA].problem == "warnings"
    paused = after(run, event("pause", NINE + MINUTE, BOB))
    assert rows(paused, NINE + MINUTE)[BOB].problem == "paused"
    on_break = after(run, event("take_break", NINE + MINUTE, ADA))
    assert rows(on_break, NINE + MINUTE)[ADA].problem == ""
    late = NINE + MINUTE + LONG_BREAK_US + 1
    assert rows(on_break, late)[ADA].problem == "long_break"
    over = rows(run, NINE + 70 * MINUTE)
    assert (over[ADA].problem, over[BOB].problem) == ("", "over")
    names = [row.person.candidate for row in ordered(list(over.values()), "problem")]
    assert names == [BOB, EVE, ADA]


def test_who_is_seated_and_has_not_begun_waits() -> None:
    """A late arrival who is seated while others write is seen."""
    run = after(writing(ADA), event("arrive", NINE + MINUTE, BOB))
    assert rows(run, NINE + MINUTE)[BOB].problem == "waiting"
    assert rows(admitting())[BOB].problem == ""


def test_since_when_somebody_is_in_a_state() -> None:
    """The clock of a break runs from when it began, that of who finished from the end of all."""
    run = after(writing(ADA, BOB), event("take_break", NINE + 5 * MINUTE, ADA))
    assert rows(run, NINE + 9 * MINUTE)[ADA].since_us == NINE + 5 * MINUTE
    assert rows(run, NINE + 9 * MINUTE)[EVE].since_us is None
    ended = after(run, event("end_early", NINE + 20 * MINUTE))
    assert rows(ended, NINE + 21 * MINUTE)[ADA].since_us == NINE + 20 * MINUTE


def test_the_last_end_is_that_of_who_still_writes() -> None:
    """Planned extra time of one decides when the room is done; who has finished no longer counts."""
    run = writing(ADA, BOB)
    assert last_end_us(list(rows(run).values())) == NINE + 75 * MINUTE
    done = after(run, event("finish", NINE + MINUTE, ADA))
    assert last_end_us(list(rows(done).values())) == NINE + 60 * MINUTE
    assert last_end_us(list(rows(planned()).values())) is None


@pytest.mark.parametrize("order", ORDERS)
def test_seats_are_in_the_order_people_count(order: Order) -> None:
    """A2 stands before A10, and letters of any case together."""
    assert sorted(["A10", "a2", "B1", "A1"], key=natural) == ["A1", "a2", "A10", "B1"]
    assert ordered([], order) == []
