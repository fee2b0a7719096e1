"""How long to wait before the next try: quick at first, then rarer, for ever."""

from __future__ import annotations

# Cameras: 1 s five times, 5 s five times, 10 s ten times, then every minute.
CAMERA_STEPS = ((5, 1.0), (5, 5.0), (10, 10.0))
CAMERA_LAST = 60.0


class Ladder:
    """Counts tries.

    Args:
        steps: ``(how many times, seconds)`` in order.
        last: seconds for every try after those.
    """

    def __init__(self, steps: tuple[tuple[int, float], ...] = CAMERA_STEPS, last: float = CAMERA_LAST) -> None:
        self._steps = steps
        self._last = last
        self._tries = 0

    @property
    def tries(self) -> int:
        """How many tries were made since the last `reset`."""
        return self._tries

    def next(self) -> float:
        """Count a try and return how many seconds to wait before it."""
        left = self._tries
        self._tries += 1
        for times, seconds in self._steps:
            if left < times:
                return seconds
            left -= times
        return self._last

    def reset(self) -> None:
        """Begin at the quick end again."""
        self._tries = 0
