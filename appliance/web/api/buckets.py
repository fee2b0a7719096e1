"""How often is often enough: a bucket of allowances that refills, for each caller (pure; safe between threads)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Caller = TypeVar("Caller", bound="Hashable")
MAX_CALLERS: Final = 10_000
"""More than these are not counted at once: whoever was not heard of for the longest begins anew."""


class Buckets(Generic[Caller]):
    """A bucket a caller: ``burst`` allowances at first, ``per_second`` more as time goes by, never above ``burst``.

    Args:
        per_second: how many a second, over time.
        burst: how many at once.
        mono_us: the monotonic clock.
        most: callers that are remembered.
    """

    def __init__(self, *, per_second: float, burst: float, mono_us: Callable[[], int], most: int = MAX_CALLERS) -> None:
        self._per_us = per_second / SECOND_US
        self._burst = burst
        self._now = mono_us
        self._most = most
        self._lock = threading.Lock()
        self._left: OrderedDict[Caller, tuple[float, int]] = OrderedDict()

    def take(self, caller: Caller) -> float:
        """Take one allowance; return 0, or the seconds after which there is one again (then nothing was taken)."""
        with self._lock:
            left, now = self._refilled(caller)
            if left < 1:
                self._keep(caller, left, now)
                return (1 - left) / (self._per_us * SECOND_US)
            self._keep(caller, left - 1, now)
            return 0.0

    def wait_s(self, caller: Caller) -> float:
        """Return 0 where there is an allowance, else the seconds after which there is one; takes nothing."""
        with self._lock:
            left, _ = self._refilled(caller)
            return 0.0 if left >= 1 else (1 - left) / (self._per_us * SECOND_US)

    def _refilled(self, caller: Caller) -> tuple[float, int]:
        now = self._now()
        left, at = self._left.get(caller, (self._burst, now))
        return min(self._burst, left + max(0, now - at) * self._per_us), now

    def _keep(self, caller: Caller, left: float, now: int) -> None:
        self._left[caller] = (left, now)
        self._left.move_to_end(caller)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
