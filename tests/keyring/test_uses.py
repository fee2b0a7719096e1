from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.keyring.uses import MOST_REMEMBERED, SAME_USE_US, RecentUses


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 900)), max_size=60))
def test_no_use_goes_ten_minutes_without_an_entry(steps: list[tuple[str, int]]) -> None:
    """Each use either is logged or was, by the same person for the same part, less than 10 minutes ago."""
    uses, now, entries = RecentUses(), 0, dict[str, int]()
    for who, pause in steps:
        now += pause * SECOND_US
        if uses.is_new((who,), now):
            uses.logged((who,), now)
            assert now - entries.get(who, -SAME_USE_US) >= SAME_USE_US
            entries[who] = now
        assert now - entries[who] < SAME_USE_US


def test_memory_is_bounded_and_forgetting_errs_towards_logging() -> None:
    """Whoever asks for endless parts costs no endless memory; what is forgotten is logged once more."""
    uses = RecentUses()
    for number in range(MOST_REMEMBERED + 10):
        uses.logged((str(number),), 0)
    assert uses.is_new(("0",), 0)
    assert not uses.is_new((str(MOST_REMEMBERED),), 0)
