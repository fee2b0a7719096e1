"""Times as people write them at the command line (pure)."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MAX_TEXT = 64
_RELATIVE = re.compile(r"(?P<sign>[+-])(?P<count>[0-9]{1,7})(?P<unit>[smh])")
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600}
HINT = (
    "Write 2026-11-21T09:30:00, 09:30, 09:30:15, -90s or -5m (before the recording's end), or +10m (after its start)."
)


def parse_moment(text: str, *, zone: ZoneInfo, start_us: int, end_us: int) -> int:
    """Return the wall time, in microseconds, that somebody means within a recording.

    Args:
        text: an ISO 8601 date-time (without an offset: the room's zone); ``HH:MM[:SS]`` in the room's zone, on the
            first day of the recording on which it lies inside, else on its first day; ``-90s``, ``-5m``, ``-1h``
            before its end; ``+10m`` after its start.
        zone: the room's.
        start_us: the recording's start, wall time.
        end_us: the recording's end, wall time.

    Raises:
        BadInputError: it is none of these.
    """
    text = text.strip()[:MAX_TEXT]
    relative = _RELATIVE.fullmatch(text)
    if relative:
        distance = int(relative["count"]) * _UNIT_S[relative["unit"]] * SECOND_US
        return end_us - distance if relative["sign"] == "-" else start_us + distance
    try:
        if _CLOCK.fullmatch(text):
            return _on_a_day(
                time.fromisoformat(text.rjust(5, "0") if text.count(":") == 1 else text.zfill(8)),
                zone,
                start_us,
                end_us,
            )
        moment = datetime.fromisoformat(text)
        return _micros(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError) as problem:
        raise BadInputError(f"{text!r} is no time.", hint=HINT) from problem


def _on_a_day(clock: time, zone: ZoneInfo, start_us: int, end_us: int) -> int:
    first, last = local(start_us, zone).date(), local(end_us, zone).date()
    candidates = [_at(first + timedelta(days=number), clock, zone) for number in range((last - first).days + 1)]
    inside = [moment for moment in candidates if start_us <= moment <= end_us]
    return (inside or candidates)[0]


def _at(day: date, clock: time, zone: ZoneInfo) -> int:
    return _micros(datetime.combine(day, clock, zone))


def _micros(moment: datetime) -> int:
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND_US + moment.microsecond


def local(wall_us: int, zone: ZoneInfo) -> datetime:
    """Return a wall time in a zone, to the microsecond."""
    return datetime.fromtimestamp(wall_us // SECOND_US, zone).replace(microsecond=wall_us % SECOND_US)


def say_moment(wall_us: int | None, zone: ZoneInfo) -> str:
    """Return ``2026-11-21 09:30:00`` in a zone, ``-`` for None."""
    return "-" if wall_us is None else local(wall_us, zone).strftime("%Y-%m-%d %H:%M:%S")


def say_length(micros: int) -> str:
    """Return ``1:02:03`` for a length of time."""
    minutes, seconds = divmod(round(micros / SECOND_US), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def say_bytes(count: int) -> str:
    """Return ``1.8 GB`` for a size."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  decimal units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
