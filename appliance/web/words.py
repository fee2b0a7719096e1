"""How numbers and times are said on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from babel.dates import format_datetime
from babel.numbers import format_decimal

from appliance.clock import SECOND_US
from appliance.web.language import current_language
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n

if TYPE_CHECKING:
    from datetime import tzinfo

_PATTERNS = {"en": "EEE d MMM yyyy, HH:mm:ss", "de": "EEE d. MMM yyyy, HH:mm:ss"}
_DAYS = {"en": "d MMM", "de": "d. MMM"}
_UNIT = 1000
_HOUR = 3600
_MINUTE = 60


def size_words(count: int) -> str:
    """Return ``1.2 GB`` for a number of bytes (decimal units, as disks are sold)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _UNIT or unit == "TB":
            whole = unit == "B" or value >= 100  # noqa: PLR2004
            return f"{format_decimal(value, '0' if whole else '0.0', current_language())} {unit}"
        value /= _UNIT
    raise AssertionError("unreachable")


def percent_words(share: float) -> str:
    """Return ``12.3 %`` for a share of 0 to 1."""
    return f"{format_decimal(share * 100, '0.0', current_language())} %"


def length_words(microseconds: int) -> str:
    """Return ``1 h 02 min``, ``3 min 07 s`` or ``12 s``."""
    seconds = max(0, round(microseconds / SECOND_US))
    hours, rest = divmod(seconds, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=f"{minutes:02d}")
    if minutes:
        return _("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=f"{left:02d}")
    return _("%(seconds)s s", seconds=left)


def hours_words(hours: int) -> str:
    """Return for how long something is kept: whole days from two on as ``3 days``, else ``36 h``."""
    days, rest = divmod(hours, 24)
    return _n("%(num)s day", "%(num)s days", days) if days > 1 and not rest else _("%(hours)s h", hours=hours)


def ahead_words(microseconds: int) -> str:
    """Return ``in 6 days``, or for less than two days ``in 7 h 05 min``."""
    days = microseconds // (24 * _HOUR * SECOND_US)
    if days > 1:
        return _n("in %(num)s day", "in %(num)s days", days)
    return _("in %(length)s", length=length_words(microseconds))


def moment(wall_us: int, zone: tzinfo) -> datetime:
    """Return the wall time in a zone."""
    return datetime.fromtimestamp(wall_us // SECOND_US, UTC).astimezone(zone)


def local_words(wall_us: int, zone: tzinfo) -> str:
    """Return ``Sat 21 Nov 2026, 20:14:05`` in the given zone and the reader's language."""
    language = current_language()
    return str(format_datetime(moment(wall_us, zone), _PATTERNS[language], locale=language))


def day_words(wall_us: int, zone: tzinfo) -> str:
    """Return ``21 Nov`` for the day of a wall time in the given zone, in the reader's language."""
    language = current_language()
    return str(format_datetime(moment(wall_us, zone), _DAYS[language], locale=language))


def zone_words(wall_us: int, zone: tzinfo) -> str:
    """Return the zone's short name at that time, for example ``CET``."""
    return moment(wall_us, zone).strftime("%Z")


def who_words(name: str) -> str:
    """Return who did something as the reader's language says it: a person by name, the box's own deeds in words."""
    return {"box": _("the box"), "first start": _("the first start")}.get(name, name)


def role_words(role: str) -> str:
    """Return a role as the reader's language names it."""
    return {
        "administrator": _("administrator"),
        "centre_manager": _("centre manager"),
        "invigilator": _("invigilator"),
        "reviewer": _("reviewer"),
        "auditor": _("auditor"),
    }.get(role, role)
