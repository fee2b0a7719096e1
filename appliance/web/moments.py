"""Dates and times that people type into filters, in the zone their pages show times in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.errors import BadInputError
from appliance.web.preferences import times
from appliance.web.services import services

if TYPE_CHECKING:
    from datetime import tzinfo

MAX_CHARACTERS = 25
_MINUTE = dt.timedelta(minutes=1)
_DAY = dt.timedelta(days=1)


def shown_zone() -> tzinfo:
    """Return the zone of this reader's pages: the room's, or UTC where it was chosen."""
    return dt.UTC if times() == "utc" else services().zone


def typed_moment(text: str, field: str, zone: tzinfo, *, end: bool = False) -> int | None:
    """Return what a date or a date with hours and minutes means, in wall microseconds; None for nothing.

    Args:
        text: ``2026-11-21`` or ``2026-11-21T09:30``.
        field: its name, for the error.
        zone: of the reader's pages.
        end: the moment after the typed day or minute, so that both ends of a range are in it.

    Raises:
        BadInputError: it is neither.
    """
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        step = _DAY if len(text) == len("2026-11-21") else _MINUTE
        local = (moment + step if end else moment).replace(tzinfo=moment.tzinfo or zone)
        return int(local.timestamp()) * SECOND_US
    except (ValueError, OverflowError) as problem:
        raise BadInputError(
            f"{field}: {text[:40]!r} is no date and time.", hint="It looks like 2026-11-21 or 2026-11-21T09:30."
        ) from problem
