"""Steps of the wall clock are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US, ManualClock
from appliance.exams.clock_steps import TOLERANCE_US, Look, step_between


def look(clock: ManualClock, boot: str = "one") -> Look:
    """Both clocks as they are."""
    return Look(clock.wall_us(), clock.mono_us(), boot)


@given(st.floats(0, 10**6), st.integers(-(10**6), 10**6))
def test_a_step_is_told_by_how_much(passed: float, step: int) -> None:
    """However much time passed between two looks, the step is exactly what the clock was set by."""
    clock = ManualClock()
    before = look(clock)
    clock.advance(passed)
    clock.step(step)
    assert step_between(before, look(clock)) == step * SECOND_US


@pytest.mark.parametrize("drift", [-TOLERANCE_US + 1, 0, TOLERANCE_US - 1])
def test_a_slew_is_no_step(drift: int) -> None:
    """A clock that is being disciplined gently is left alone."""
    assert step_between(Look(0, 0, "one"), Look(60 * SECOND_US + drift, 60 * SECOND_US, "one")) == 0


def test_nothing_is_claimed_across_a_restart() -> None:
    """Monotonic times of two boots cannot be compared."""
    assert step_between(Look(10**12, 10**9, "one"), Look(2 * 10**12, 5, "two")) == 0
