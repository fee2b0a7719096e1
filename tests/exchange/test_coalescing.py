"""Many warnings of a kind become one, and no warned moment is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.coalescing import coalesce
from appliance.exchange.messages import WarningFact

WARNINGS = st.lists(
    st.builds(
        lambda number, kind, start, length, cyber: WarningFact(number, kind, start, start + length, cyber),
        st.integers(1, 1000),
        st.sampled_from(["WARNING_PHONE", "WARNING_AVERT_EYES"]),
        st.integers(0, 60),
        st.integers(0, 20),
        st.booleans(),
    ),
    unique_by=lambda one: one.number,
    max_size=15,
)
GAPS = st.integers(0, 20)


def moments(warnings: list[WarningFact]) -> set[tuple[str, bool, int]]:
    """Return each moment that was warned of, with kind and origin."""
    return {(one.kind, one.cyber, at) for one in warnings for at in range(one.start_us, one.end_us + 1)}


@given(WARNINGS, GAPS)
def test_no_moment_is_lost_and_no_far_one_added(warnings: list[WarningFact], gap: int) -> None:
    """Every warned moment stays under its kind and origin; what is added lies between two that are close."""
    merged = coalesce(warnings, gap_us=gap)
    before, after = moments(warnings), moments(merged)
    assert before <= after
    for kind, cyber, at in after - before:
        near = [one for k, c, one in before if (k, c) == (kind, cyber)]
        assert min(one for one in near if one > at) - max(one for one in near if one < at) <= gap


@given(WARNINGS, GAPS, st.data())
def test_doing_it_twice_or_in_another_order_changes_nothing(
    warnings: list[WarningFact], gap: int, data: st.DataObject
) -> None:
    """The result is settled, in order of start, and the same however the warnings came."""
    merged = coalesce(warnings, gap_us=gap)
    assert coalesce(merged, gap_us=gap) == merged
    assert [one.start_us for one in merged] == sorted(one.start_us for one in merged)
    assert coalesce(data.draw(st.permutations(warnings)), gap_us=gap) == merged


@given(WARNINGS, GAPS)
def test_what_is_left_lies_apart(warnings: list[WarningFact], gap: int) -> None:
    """Of one kind and origin, no two are as close as the gap; numbers are those of warnings that there were."""
    merged = coalesce(warnings, gap_us=gap)
    assert {one.number for one in merged} <= {one.number for one in warnings}
    for first in merged:
        for later in merged[merged.index(first) + 1 :]:
            if (first.kind, first.cyber) == (later.kind, later.cyber):
                assert later.start_us - first.end_us > gap


def test_a_person_s_warning_stays_beside_software_s() -> None:
    """Kinds and origins do not mix; the first's number is kept."""
    phone = [WarningFact(1, "WARNING_PHONE", 0, 5), WarningFact(2, "WARNING_PHONE", 6, 7, cyber=False),
             WarningFact(3, "WARNING_PHONE", 7, 9), WarningFact(4, "WARNING_AVERT_EYES", 8, 9)]  # fmt: skip
    assert coalesce(phone, gap_us=5) == [WarningFact(1, "WARNING_PHONE", 0, 9), phone[1], phone[3]]
