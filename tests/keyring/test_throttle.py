from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import LockedError
from appliance.keyring.throttle import LONGEST_WAIT_S, Throttle


def test_each_wrong_passphrase_doubles_the_wait() -> None:
    """1, 2, 4 … seconds, never more than five minutes; the message says how long."""
    throttle, now = Throttle(), 0
    for expected in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        throttle.check(now)
        throttle.failed(now)
        with pytest.raises(LockedError, match=f"wait {expected} s"):
            throttle.check(now)
        now += expected * SECOND_US
    throttle.check(now)


def test_the_right_one_forgives() -> None:
    """After a success the next mistake costs one second again."""
    throttle = Throttle()
    for _ in range(5):
        throttle.failed(0)
    throttle.succeeded()
    throttle.check(0)
    throttle.failed(0)
    throttle.check(SECOND_US)


@given(st.lists(st.integers(0, 400), max_size=60))
def test_guessing_is_slow_however_it_is_timed(pauses: list[int]) -> None:
    """In any time T, no more guesses get through than the doubling allows, and none waits over five minutes."""
    throttle, now, passed = Throttle(), 0, 0
    for pause in pauses:
        now += pause * SECOND_US
        try:
            throttle.check(now)
        except LockedError:
            throttle_free = now + LONGEST_WAIT_S * SECOND_US
            throttle.check(throttle_free)
            continue
        throttle.failed(now)
        passed += 1
    needed = sum(min(2**number, LONGEST_WAIT_S) for number in range(passed - 1))
    assert now >= needed * SECOND_US
