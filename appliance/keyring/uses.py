"""Which uses of a key are new to the log: a player asks for one part again and again. Pure: time is given."""

from __future__ import annotations

from collections import OrderedDict

from appliance.clock import SECOND_US

SAME_USE_US = 600 * SECOND_US
MOST_REMEMBERED = 4096


class RecentUses:
    """Remembers what was logged in the last 10 minutes; forgetting too early only logs once more."""

    def __init__(self) -> None:
        self._logged: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def is_new(self, use: tuple[str, ...], now_us: int) -> bool:
        """Return whether this use must be logged: not logged before, or 10 minutes ago and more."""
        logged_us = self._logged.get(use)
        return logged_us is None or now_us - logged_us >= SAME_USE_US

    def logged(self, use: tuple[str, ...], now_us: int) -> None:
        """Note that the use now stands in the log."""
        self._logged[use] = now_us
        self._logged.move_to_end(use)
        while len(self._logged) > MOST_REMEMBERED:
            self._logged.popitem(last=False)
