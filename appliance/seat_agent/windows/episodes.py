"""Changes of the active window, gathered: the first is told at once, those soon after it together (pure)."""

from __future__ import annotations

from typing import Final

from appliance.clock import SECOND_US
from appliance.usb.agents.bodies import MAX_APPLICATION, WindowChange
from appliance.usb.cleaning import clean

GATHER_US: Final = 10 * SECOND_US
_MOST: Final = 1_000_000


class Episodes:
    """What is active, and what is to be told of it. Times are monotonic."""

    def __init__(self) -> None:
        self._active: str | None = None
        self._told_us: int | None = None
        self._former = ""
        self._since_us = 0
        self._changes = 0

    def begin(self, application: str | None) -> None:
        """Begin to watch: what is active now is where it starts from, and is no change."""
        self._active = None if application is None else name_of(application)
        self._told_us, self._changes = None, 0

    def see(self, application: str, now_us: int) -> WindowChange | None:
        """Note what is active; return what is to be told now."""
        name = name_of(application)
        former, self._active = self._active, name
        if former is None or former == name:
            return self.due(now_us)
        if not self._changes:
            self._former, self._since_us = former, now_us
        self._changes = min(_MOST, self._changes + 1)
        return self.due(now_us)

    def due(self, now_us: int) -> WindowChange | None:
        """Return the changes that are to be told now; None where there are none, or more may follow."""
        if not self._changes or (self._told_us is not None and now_us - self._told_us < GATHER_US):
            return None
        told = WindowChange(
            application=self._active or "", former=self._former, changes=self._changes,
            span_us=max(0, min(now_us - self._since_us, 3_600_000_000)),
        )  # fmt: skip
        self._changes, self._told_us = 0, now_us
        return told


def name_of(application: str) -> str:
    """Return an application's name as it is kept: in one line, safe to show, of bounded length."""
    return clean(application)[:MAX_APPLICATION]
