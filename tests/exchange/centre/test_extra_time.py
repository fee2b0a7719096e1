"""Extra time adds up to the same, whoever told of it, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.extra_time import ExtraTime, extra_time_id, read_extra_time, total_us
from appliance.exchange.centre.messages import MessageError
from tests.exchange.centre.values import grant

GRANTS = st.lists(
    st.builds(
        lambda sitting, candidate, seconds, nonce: grant(
            sitting=sitting, candidate=candidate, amount_us=seconds * 1_000_000, nonce=f"{nonce:016d}"
        ),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from(["", "c1", "c2"]),
        st.integers(1, 3600),
        st.integers(0, 5),
    ),
    max_size=8,
)


@given(GRANTS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(grants: list[ExtraTime], chance: Any) -> None:
    """The sum is that of the different grants for the candidate and for everybody in the sitting."""
    told = [*grants, *grants[:3]]
    chance.shuffle(told)
    by_id = {extra_time_id(one): one for one in told}
    different = {str(one.body()): one for one in grants}.values()
    for candidate in ("c1", "c2", "c3"):
        wanted = sum(one.amount_us for one in different if one.sitting == "s1" and one.candidate in {"", candidate})
        assert total_us(by_id, (), sitting="s1", candidate=candidate) == wanted


def test_a_withdrawn_grant_counts_no_more() -> None:
    """A grant that was withdrawn is not in the sum, even where its withdrawal came first."""
    first, second = grant(), grant(nonce="another one here")
    by_id = {extra_time_id(one): one for one in (first, second)}
    assert total_us(by_id, {extra_time_id(first), "unknown"}, sitting="s1", candidate="c1") == second.amount_us


@pytest.mark.parametrize(
    "words",
    [
        {"sitting": "s2"},
        {"candidate": "c2"},
        {"amount_us": 601_000_000},
        {"who": "Bob"},
        {"why": "noise"},
        {"at_us": 1},
        {"origin": "box"},
        {"nonce": "x" * 16},
    ],
)
def test_an_id_is_of_the_whole_content(words: dict[str, Any]) -> None:
    """Each field is part of the id, so that no grant can stand in another's place."""
    assert set(words) <= set(ExtraTime.__struct_fields__)
    assert extra_time_id(grant(**words)) != extra_time_id(grant())
    assert extra_time_id(read_extra_time(grant().body())) == extra_time_id(grant())


@pytest.mark.parametrize("amount_us", [0, -1_000_000, 1_500_000, 36_001_000_000, 600.5, "600"])
def test_an_amount_is_whole_seconds_up_to_ten_hours(amount_us: Any) -> None:
    """No time is taken away, and none is given that nobody means."""
    with pytest.raises(MessageError) as refused:
        read_extra_time({**grant().body(), "amount_us": amount_us})
    assert refused.value.field == "amount_us"
