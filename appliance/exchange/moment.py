"""Date-times of the API: an instant, and how its sender wrote it (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FORM: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d)(?P<seconds>:\d\d)?(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_LAST_YEAR: Final = 9998
"""Later ones could not be shown in every zone."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant.

    Attributes:
        us: UTC, microseconds since 1970.
        text: RFC 3339, with the offset and fraction that its sender wrote.
    """

    us: int
    text: str


def parse_moment(text: str) -> Moment:
    """Return the instant of an ISO 8601 date-time with ``Z``, ``+hh:mm``, ``+hhmm`` or ``+hh``.

    Raises:
        ValueError: says what is wrong, for whoever sent it.
    """
    found = _FORM.fullmatch(text)
    if found is None or (found["fraction"] and not found["seconds"]):
        raise ValueError("has to be a date and time in ISO 8601, such as 2018-03-27T00:00:00Z.")
    if found["offset"] is None:
        raise ValueError("has no offset: end it with Z or, for example, +02:00.")
    clock = found["time"] + (found["seconds"] or ":00")
    fraction, offset = found["fraction"] or "", _offset_text(found["offset"])
    try:
        year, month, day = map(int, found["date"].split("-"))
        hour, minute, second = map(int, clock.split(":"))  # not strptime: it takes ten times as long
        instant = datetime(year, month, day, hour, minute, second, tzinfo=_zone(offset))
    except ValueError as problem:
        raise ValueError("is no date and time of the calendar.") from problem
    if not _EPOCH.year <= instant.year <= _LAST_YEAR:
        raise ValueError(f"has to lie in the years {_EPOCH.year} to {_LAST_YEAR}.")
    us = (instant - _EPOCH) // _MICROSECOND + int(fraction[:6].ljust(6, "0"))
    return Moment(us, f"{found['date']}T{clock}{'.' if fraction else ''}{fraction}{offset}")


def zulu(us: int) -> str:
    """Return an instant as receivers expect a session's times: ``2018-03-27T00:30:00Z``, without a fraction."""
    return _whole_seconds(us).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_offset(us: int) -> str:
    """Return an instant as receivers expect a warning's times: ``2018-07-19T12:05:25+00:00``, without a fraction."""
    return _whole_seconds(us).isoformat()


def _whole_seconds(us: int) -> datetime:
    return _EPOCH + timedelta(seconds=us // 1_000_000)


def _offset_text(sent: str) -> str:
    if sent in "Zz":
        return "Z"
    digits = sent[1:].replace(":", "").ljust(4, "0")
    return f"{sent[0]}{digits[:2]}:{digits[2:]}"


def _zone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004  hours and minutes of a clock
        raise ValueError(offset)
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)
