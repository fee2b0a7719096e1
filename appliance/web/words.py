"""How numbers and times are said on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from datetime import tzinfo

_UNIT = 1000
_HOUR = 3600
_MINUTE = 60


def size_words(count: int) -> str:
    """Return ``1.2 GB`` for a number of bytes (decimal units, as disks are sold)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _UNIT or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"  # noqa: PLR2004
        value /= _UNIT
    raise AssertionError("unreachable")


def length_words(microseconds: int) -> str:
    """Return ``1 h 02 min``, ``3 min 07 s`` or ``12 s``."""
    seconds = max(0, round(microseconds / SECOND_US))
    hours, rest = divmod(seconds, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


def moment(wall_us: int, zone: tzinfo) -> datetime:
    """Return the wall time in a zone."""
    return datetime.fromtimestamp(wall_us // SECOND_US, UTC).astimezone(zone)


def local_words(wall_us: int, zone: tzinfo) -> str:
    """Return ``Sat 21 Nov 2026, 20:14:05`` in the room's zone."""
    return moment(wall_us, zone).strftime("%a %d %b %Y, %H:%M:%S")


def zone_words(wall_us: int, zone: tzinfo) -> str:
    """Return the zone's short name at that time, for example ``CET``."""
    return moment(wall_us, zone).strftime("%Z")
