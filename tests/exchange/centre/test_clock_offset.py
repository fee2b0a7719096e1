"""The offset to the centre is known within its bound, whatever the network does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.exchange.centre.clock_offset import (
    DRIFT_PPM,
    KEPT,
    LONGEST_ANSWER_US,
    OWN_LEEWAY_US,
    UNTRUSTED_LEEWAY_US,
    ClockEstimate,
    Sample,
    centre_time_us,
    estimate,
    leeway_us,
    observe,
    stepped_us,
)

BOOT = "boot-1"
SHIFT_US = 1_799_999_000 * SECOND_US
"""What the hub's time is ahead of the monotonic clock."""
DELAYS = st.tuples(st.integers(0, 5 * SECOND_US), st.integers(0, 5 * SECOND_US))
FAR = st.integers(-600 * SECOND_US, 600 * SECOND_US)


def sample(sent_us: int, there_us: int, back_us: int, *, shift_us: int = SHIFT_US) -> Sample:
    """Return a sample as the hub's answer gives it: there, read the clock, back."""
    hub_us = (sent_us + there_us + shift_us) // 1000 * 1000
    return Sample(BOOT, sent_us, sent_us + there_us + back_us, hub_us)


@given(st.lists(DELAYS, min_size=1, max_size=KEPT), st.integers(0, 60 * SECOND_US), FAR)
def test_the_true_offset_lies_within_the_bound(delays: list[tuple[int, int]], age_us: int, wrong_us: int) -> None:
    """However long each way takes, the offset is right within the bound, and the bound within half the best answer."""
    samples = [sample(index * 20 * SECOND_US, *one) for index, one in enumerate(delays)]
    now_us = samples[-1].received_us + age_us
    found = estimate(samples, boot=BOOT, mono_us=now_us, wall_us=now_us + SHIFT_US - wrong_us)
    assert found is not None
    assert abs(found.offset_us - wrong_us) <= found.bound_us
    assert found.agreeing == found.samples == len(delays)
    widest_drift = (now_us - samples[0].sent_us) * DRIFT_PPM // 1_000_000 + 1
    assert found.bound_us <= min(sum(one) for one in delays) // 2 + 1000 + widest_drift


@given(st.lists(st.tuples(DELAYS, st.integers(-DRIFT_PPM, DRIFT_PPM)), min_size=1, max_size=KEPT))
def test_a_drifting_clock_stays_within_the_bound(steps: list[tuple[tuple[int, int], int]]) -> None:
    """A quartz that runs as wrong as it may between the samples does not put the truth outside."""
    samples, shift_us, sent_us = [], SHIFT_US, 0
    for delays, ppm in steps:
        samples.append(sample(sent_us, *delays, shift_us=shift_us))
        shift_us += 20 * ppm
        sent_us += 20 * SECOND_US
    found = estimate(samples, boot=BOOT, mono_us=sent_us, wall_us=sent_us)
    assert found is not None
    assert abs(found.offset_us - shift_us) <= found.bound_us


@given(st.lists(DELAYS, min_size=5, max_size=9), st.lists(FAR, max_size=2))
def test_a_few_false_times_are_outvoted(delays: list[tuple[int, int]], lies: list[int]) -> None:
    """As long as most samples are true, false ones do not put the truth outside the bound."""
    samples = [sample(index * SECOND_US, *one) for index, one in enumerate(delays)]
    for index, lie_us in enumerate(lies):
        samples.insert(2 * index, sample(index, 1000, 1000, shift_us=SHIFT_US + lie_us))
    now_us = 30 * SECOND_US
    found = estimate(samples, boot=BOOT, mono_us=now_us, wall_us=now_us + SHIFT_US)
    assert found is not None
    outside = [lie for lie in lies if abs(lie) > 11 * SECOND_US]
    assert found.agreeing >= len(delays)
    if len(outside) == len(lies):
        assert abs(found.offset_us) <= found.bound_us
        assert found.agreeing == found.samples - len(lies)


def measured(*samples: Sample, wall_us: int | None = None) -> ClockEstimate:
    """Return the estimate a second after the last of these."""
    now_us = samples[-1].received_us + SECOND_US
    found = estimate(samples, boot=BOOT, mono_us=now_us, wall_us=now_us + SHIFT_US if wall_us is None else wall_us)
    assert found is not None
    return found


QUICK = [sample(index * SECOND_US, 10_000, 10_000) for index in range(3)]


def test_one_answer_is_not_trusted_yet() -> None:
    """An offset is trusted from the third sample on that agrees."""
    assert not measured(*QUICK[:2]).trusted
    assert measured(*QUICK).trusted


def test_a_wide_bound_is_not_trusted() -> None:
    """Answers that all take long say too little to be trusted."""
    assert not measured(*[sample(index * SECOND_US, 3 * SECOND_US, 3 * SECOND_US) for index in range(3)]).trusted


def test_half_of_the_samples_is_not_enough() -> None:
    """Where as many samples say one thing as another, neither is trusted; the later is believed."""
    later = [sample(index * SECOND_US, 10_000, 10_000, shift_us=SHIFT_US + 60 * SECOND_US) for index in range(3, 6)]
    found = measured(*QUICK, *later)
    assert not found.trusted
    assert abs(found.offset_us - 60 * SECOND_US) <= found.bound_us


def test_samples_are_of_this_boot_and_the_last_ones() -> None:
    """Another boot's samples go, those that took too long are not kept, and the oldest make room."""
    many: tuple[Sample, ...] = ()
    for index in range(40):
        many = observe(many, sample(index * SECOND_US, 1000, 1000))
    assert [one.sent_us // SECOND_US for one in many] == list(range(40 - KEPT, 40))
    slow = sample(50 * SECOND_US, LONGEST_ANSWER_US, 1)
    assert observe(many, slow) == many
    as_slow_as_may_be = sample(50 * SECOND_US, LONGEST_ANSWER_US, 0)
    assert observe(many, as_slow_as_may_be)[-1] == as_slow_as_may_be
    assert observe(many, replace(QUICK[0], received_us=QUICK[0].sent_us - 1)) == many
    after_boot = replace(QUICK[0], boot="boot-2")
    assert observe(many, after_boot) == (after_boot,)
    assert estimate(many, boot="boot-2", mono_us=0, wall_us=0) is None


def test_the_centres_time_is_the_walls_and_the_offset() -> None:
    """A measured offset counts, one that is not trusted only where the own clock is not either."""
    sure = ClockEstimate(120 * SECOND_US, 5000, 3, 3, trusted=True)
    unsure = replace(sure, trusted=False)
    for found, own_trusted, wanted_us in [
        (sure, True, 120 * SECOND_US),
        (sure, False, 120 * SECOND_US),
        (unsure, True, 0),
        (unsure, False, 120 * SECOND_US),
        (None, False, 0),
    ]:
        assert centre_time_us(found, wall_us=0, own_trusted=own_trusted) == wanted_us


def test_the_leeway_is_wide_only_where_the_time_is_not_known() -> None:
    """A box that knows the time allows half a minute and its bound, one that does not five minutes."""
    sure = ClockEstimate(0, 5000, 3, 3, trusted=True)
    assert leeway_us(sure, own_trusted=False) == OWN_LEEWAY_US + 5000
    assert leeway_us(None, own_trusted=True) == OWN_LEEWAY_US
    assert leeway_us(None, own_trusted=False) == UNTRUSTED_LEEWAY_US
    assert leeway_us(replace(sure, trusted=False), own_trusted=False) == UNTRUSTED_LEEWAY_US


@pytest.mark.parametrize("step_s", [-300, -1, 1, 7200])
def test_a_step_of_the_wall_clock_shows_with_its_size(step_s: int) -> None:
    """A clock that was set shows as the step it was, and samples from before it still count."""
    before = measured(*QUICK)
    now_us = QUICK[-1].received_us + SECOND_US
    after = measured(*QUICK, wall_us=now_us + SHIFT_US + step_s * SECOND_US)
    assert stepped_us(before, after) == step_s * SECOND_US
    assert after.trusted


def test_what_the_bounds_leave_open_is_no_step() -> None:
    """A difference that the delays explain is not called a step."""
    wide = ClockEstimate(0, SECOND_US, 3, 3, trusted=True)
    assert stepped_us(wide, replace(wide, offset_us=2 * SECOND_US)) == 0
    assert stepped_us(wide, replace(wide, offset_us=2 * SECOND_US + 1)) == -2 * SECOND_US - 1
