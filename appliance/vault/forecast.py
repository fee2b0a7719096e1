"""When the disk will be full, and whether retention keeps pace. Pure: rates and dates in, a projection out.

The model, which the page states too: recording goes on around the clock at the given rates; what is due already
is deleted on its date; what is recorded from now on goes ``keep_hours`` after it was made. Between these dates
free space changes evenly, so the projection is exact, not sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.vault.retention import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Iterable

# Further ahead nobody plans, and no rate stays what it is.
HORIZON_HOURS = 24 * 366


@dataclass(frozen=True, slots=True)
class Inflow:
    """What one camera writes: bytes an hour, each kept so many hours from when it was recorded."""

    bytes_an_hour: int
    keep_hours: int


@dataclass(frozen=True, slots=True)
class Release:
    """Bytes that come free at a moment (wall microseconds)."""

    at_us: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Free bytes at a wall time."""

    at_us: int
    free: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """How free space goes on.

    Attributes:
        course: free space where its slope changes, from now to the horizon or to the moment it is full.
        full_us: when no more may be recorded; None where that is not foreseen.
        lowest: the moment with the least free space.
        settles_us: from when on deletion keeps pace with recording; None where the disk is full before.
    """

    course: tuple[Moment, ...]
    full_us: int | None
    lowest: Moment
    settles_us: int | None

    @property
    def keeps_pace(self) -> bool:
        """Whether deletion makes room in time, for as long as anybody can tell."""
        return self.full_us is None


def forecast(
    *, free: int, reserve: int, inflows: Iterable[Inflow], releases: Iterable[Release], now_us: int
) -> Forecast:
    """Return how free space goes on (pure).

    Args:
        free: bytes free now.
        reserve: bytes below which recording stops.
        inflows: what is written, camera by camera.
        releases: what is deleted when; what is overdue counts as released now.
        now_us: wall time.
    """
    flows = [flow for flow in inflows if flow.bytes_an_hour > 0]
    end_us = now_us + HORIZON_HOURS * HOUR_US
    drops: dict[int, int] = {}
    for release in releases:
        at = max(now_us, release.at_us)
        drops[at] = drops.get(at, 0) + release.bytes
    slows: dict[int, int] = {}
    for flow in flows:
        at = now_us + flow.keep_hours * HOUR_US
        slows[at] = slows.get(at, 0) + flow.bytes_an_hour
    rate = sum(flow.bytes_an_hour for flow in flows)
    at_us, left = now_us, free + drops.pop(now_us, 0)
    course = [Moment(at_us, left)]
    if left <= reserve:
        return _full(course, at_us, left)
    for when in sorted({at for at in (*drops, *slows) if at <= end_us} | {end_us}):
        spent = rate * (when - at_us) // HOUR_US
        if left - spent <= reserve and rate:
            full_us = min(when, at_us + -(-(left - reserve) * HOUR_US // rate))
            return _full(course, full_us, reserve)
        left -= spent
        course.append(Moment(when, left))
        if when in drops:
            left += drops[when]
            course.append(Moment(when, left))
        rate -= slows.get(when, 0)
        at_us = when
    settles = max((now_us + flow.keep_hours * HOUR_US for flow in flows), default=now_us)
    return Forecast(tuple(course), None, min(course, key=lambda moment: moment.free), settles)


def _full(course: list[Moment], at_us: int, free: int) -> Forecast:
    last = Moment(at_us, free)
    whole = tuple(course) if course[-1] == last else (*course, last)
    return Forecast(whole, at_us, last, None)
