"""Camera time to the box's monotonic time, as a pure state machine.

Camera timestamps are trusted for the *spacing* of pictures, never for their *position*: clocks of cameras run
off by 100 ppm and more, jump when the camera syncs itself, wrap, freeze or are missing. Arrival times are
trusted for position, never for spacing: the network bunches packets. So each packet is placed where the camera
puts it, and the offset between both clocks follows the earliest arrivals, slowly. What cannot be followed
(a jump) starts anew at its arrival and is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000
# A packet cannot arrive before it was made: beyond this the camera's clock has jumped ahead.
AHEAD_US = SECOND_US
# Packets may be late (a stalled network delivers a burst afterwards); beyond this, for this long, it is a jump.
BEHIND_US = SECOND_US
BEHIND_PATIENCE_US = 2 * SECOND_US
# No network holds packets back this long without the connection being given up.
BEHIND_NEVER_US = 5 * SECOND_US
# Share of the elapsed time by which the offset may be corrected: spacing stays right within this.
PULL_BACK = 0.02
PULL_ON = 0.002
# The same camera time within this is one picture in several packets, not a clock that stands still.
TOGETHER_US = 5_000
# Arrivals jitter by this much; corrections inside it would only add noise.
QUIET_US = 2_000


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a packet belongs on the box's monotonic clock.

    ``discontinuity``: the camera's clock jumped or froze just before it; its spacing from the packet before is that of
    their arrivals.
    """

    start_us: int
    discontinuity: bool


class Timeline:
    """Places the packets of one stream, in decoding order."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._camera_us = 0
        self._last_us = 0
        self._behind_since: int | None = None
        self._frozen = False
        self._arrived_us = 0

    def place(self, camera_us: int | None, arrived_us: int) -> Placed:
        """Return a packet's place.

        Args:
            camera_us: the camera's decoding time in microseconds, or None where it gave none.
            arrived_us: monotonic time of arrival; never less than the packet's before.

        Returns:
            A ``start_us`` greater than every one before. While the camera's clock runs evenly, spacing is the camera's
            within 2 %, at most about `BEHIND_US` from the arrival; after a jump it is the arrival itself.
        """
        if self._offset is None:
            return self._first(camera_us, arrived_us)
        if camera_us == self._camera_us and not self._frozen and arrived_us - self._arrived_us <= TOGETHER_US:
            return self._emit(self._last_us + 1, camera_us, discontinuity=False)
        self._arrived_us = arrived_us
        if camera_us is None or camera_us <= self._camera_us:
            return self._distrust(camera_us, arrived_us)
        if self._frozen or self._has_jumped(camera_us, arrived_us):
            was_frozen, self._frozen = self._frozen, False
            return self._anchor(camera_us, arrived_us, discontinuity=not was_frozen)
        self._follow(camera_us, arrived_us)
        return self._emit(round(camera_us + self._offset), camera_us, discontinuity=False)

    def _first(self, camera_us: int | None, arrived_us: int) -> Placed:
        self._camera_us = camera_us or 0
        self._offset = float(arrived_us - self._camera_us)
        self._last_us = arrived_us - 1
        self._arrived_us = arrived_us
        self._frozen = camera_us is None
        return self._emit(arrived_us, self._camera_us, discontinuity=False)

    def _distrust(self, camera_us: int | None, arrived_us: int) -> Placed:
        """A clock that stands still, runs back or is silent: go by arrivals, and say so once."""
        reported = not self._frozen
        self._frozen = True
        return self._anchor(self._camera_us if camera_us is None else camera_us, arrived_us, discontinuity=reported)

    def _has_jumped(self, camera_us: int, arrived_us: int) -> bool:
        late_us = arrived_us - (camera_us + (self._offset or 0.0))
        if late_us < -AHEAD_US or late_us > BEHIND_NEVER_US:
            return True
        if late_us <= BEHIND_US:
            self._behind_since = None
            return False
        if self._behind_since is None:
            self._behind_since = arrived_us
        return arrived_us - self._behind_since > BEHIND_PATIENCE_US

    def _follow(self, camera_us: int, arrived_us: int) -> None:
        """Move the offset towards the earliest arrivals: quickly down (a packet is never early), slowly up."""
        elapsed = camera_us - self._camera_us
        offset = self._offset or 0.0
        late_us = arrived_us - (camera_us + offset)
        if late_us < 0:
            self._offset = offset + max(late_us, -PULL_BACK * elapsed)
        elif late_us > QUIET_US:
            self._offset = offset + min(late_us - QUIET_US, PULL_ON * elapsed)

    def _anchor(self, camera_us: int, arrived_us: int, *, discontinuity: bool) -> Placed:
        self._behind_since = None
        placed = self._emit(arrived_us, camera_us, discontinuity=discontinuity)
        self._offset = float(placed.start_us - camera_us)
        return placed

    def _emit(self, start_us: int, camera_us: int, *, discontinuity: bool) -> Placed:
        self._last_us = max(start_us, self._last_us + 1)
        self._camera_us = camera_us
        return Placed(self._last_us, discontinuity)
