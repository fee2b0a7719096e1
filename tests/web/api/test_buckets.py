"""Allowances that refill."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.web.api.buckets import Buckets


@given(waits=st.lists(st.floats(0, 5), max_size=60), per_second=st.floats(0.1, 50), burst=st.integers(1, 20))
def test_never_more_than_the_burst_and_what_time_has_brought(waits: list[float], per_second: float, burst: int) -> None:
    """Whatever the moments, over any time so many are let through at most; one allowance is always there at first."""
    clock = ManualClock()
    bucket: Buckets[str] = Buckets(per_second=per_second, burst=burst, mono_us=clock.mono_us)
    begun, let_through = clock.mono_us(), 0
    assert bucket.take("a") == 0
    let_through += 1
    for wait in waits:
        clock.advance(wait)
        let_through += bucket.take("a") == 0
        seconds = (clock.mono_us() - begun) / 1_000_000
        assert let_through <= burst + seconds * per_second + 1e-6


def test_the_wait_that_is_told_is_enough_and_not_too_long() -> None:
    """After it there is one again, just before it there is none; asking takes nothing."""
    clock = ManualClock()
    bucket: Buckets[str] = Buckets(per_second=0.5, burst=1, mono_us=clock.mono_us)
    assert bucket.take("a") == 0
    wait = bucket.take("a")
    assert wait == bucket.wait_s("a") == 2.0
    clock.advance(1.9)
    assert bucket.wait_s("a") > 0
    clock.advance(0.1)
    assert bucket.wait_s("a") == 0
    assert bucket.take("a") == 0


def test_callers_are_apart_and_the_oldest_are_forgotten() -> None:
    """One caller's calls cost no other; memory is bounded."""
    clock = ManualClock()
    bucket: Buckets[int] = Buckets(per_second=0.001, burst=1, mono_us=clock.mono_us, most=2)
    assert [bucket.take(caller) == 0 for caller in (1, 2, 1, 2)] == [True, True, False, False]
    assert bucket.take(3) == 0
    assert bucket.take(1) == 0
