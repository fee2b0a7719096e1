"""Receipts: which items of a box have arrived, short however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.bodies import ReceiptBody
from appliance.exchange.centre.kinds import MAX_BODY
from appliance.exchange.centre.messages import message_of
from appliance.exchange.centre.receipts import STRETCH, receipts_of


@given(st.sets(st.integers(1, 3 * STRETCH)))
def test_a_receipt_names_just_the_numbers_that_are_held(held: set[int]) -> None:
    """The ranges of all receipts together are the numbers, each once, and no receipt reaches beyond its stretch."""
    found = receipts_of("box-1", "1-aa", held)
    told = [seq for body in found.values() for first, last in body.ranges for seq in range(first, last + 1)]
    assert sorted(told) == sorted(held)
    assert len(told) == len(set(told))
    for name, body in found.items():
        stretch = int(name.rpartition(":")[2])
        assert all(stretch * STRETCH < first <= last <= (stretch + 1) * STRETCH for first, last in body.ranges)
        assert message_of(ReceiptBody, body.body()) == body


def test_the_longest_receipt_fits_a_change() -> None:
    """Every second number held is the most ranges there can be, and is less than a body may have."""
    (body,) = receipts_of("box-1", "1-aa", range(9_000_000_001, 9_000_000_001 + STRETCH - 1, 2)).values()
    assert len(str(body.body())) < MAX_BODY


def test_a_later_receipt_takes_the_place_of_an_earlier_one() -> None:
    """Of one stretch the id is always the same, so that the newest counts."""
    first, second = receipts_of("box-1", "1-aa", [1, 2]), receipts_of("box-1", "1-aa", [1, 2, 3])
    assert first.keys() == second.keys() == {"1-aa:0"}
    assert second["1-aa:0"].ranges == ((1, 3),)
