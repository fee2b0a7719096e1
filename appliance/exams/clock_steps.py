"""Whether the box's wall clock was set between two looks at both clocks: what becomes a ``clock_stepped`` event."""

from __future__ import annotations

from typing import Final

import msgspec

from appliance.clock import SECOND_US

TOLERANCE_US: Final = SECOND_US // 2
"""Less than this between two looks is slewing and the looks' own distance, not a step."""


class Look(msgspec.Struct, frozen=True):
    """Both clocks at one moment, and which boot the monotonic one belongs to."""

    wall_us: int
    mono_us: int
    boot: str


def step_between(before: Look, now: Look) -> int:
    """Return how far the wall clock was set forward (negative: back) between two looks, 0 where it was not.

    Across a restart of the box there is no common monotonic time: then 0, and what the restart cost is for a person to
    make good with extra time.
    """
    if before.boot != now.boot:
        return 0
    step = (now.wall_us - before.wall_us) - (now.mono_us - before.mono_us)
    return step if abs(step) >= TOLERANCE_US else 0
