"""Slowing down whoever guesses passphrases: each wrong one doubles the wait. Pure: time is given."""

from __future__ import annotations

from appliance.clock import SECOND_US
from appliance.errors import LockedError

LONGEST_WAIT_S = 300


class Throttle:
    """Counts wrong passphrases since the last right one; kept in memory, so a restart forgives."""

    def __init__(self) -> None:
        self._failures = 0
        self._not_before_us = 0

    def check(self, now_us: int) -> None:
        """Let an attempt pass, or refuse it before anything is computed.

        Raises:
            LockedError: says how many seconds are left.
        """
        left_us = self.left_us(now_us)
        if left_us > 0:
            seconds = -(-left_us // SECOND_US)
            raise LockedError(
                f"Too many wrong passphrases: wait {seconds} s.", hint="Recording and live pictures are not affected."
            )

    def left_us(self, now_us: int) -> int:
        """Return how long the next attempt has to wait; 0: it may come now."""
        return max(0, self._not_before_us - now_us)

    def failed(self, now_us: int) -> None:
        """Note a wrong passphrase: the next may come after 1, 2, 4, … and at most 300 seconds."""
        wait = min(2 ** min(self._failures, 16), LONGEST_WAIT_S)
        self._failures += 1
        self._not_before_us = now_us + wait * SECOND_US

    def succeeded(self) -> None:
        """Forget the wrong ones."""
        self._failures = 0
        self._not_before_us = 0
