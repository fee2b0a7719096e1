"""Check of the central service a box belongs to: its key is still taken there, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.centre.status import SOON_US
from appliance.centre.store import centre_of
from appliance.clock import SECOND_US, format_utc
from appliance.diagnosis.result import Check, Examined, read_database

if TYPE_CHECKING:
    from appliance.centre.store import Centre

_NAME: Final = "centre key"
_DAY_US: Final = 24 * 3600 * SECOND_US


def check_centre_key(examined: Examined) -> list[Check]:
    """Where the box belongs to a central service, its key is taken there for a while; else there is nothing to say."""
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        centre = centre_of(db)
    return [] if centre is None else [key_check(centre, now_us=examined.clock.wall_us())]


def key_check(centre: Centre, *, now_us: int) -> Check:
    """Judge the end of the box's key (pure). The end itself is over, as it is at the centre."""
    until_us = centre.valid_until_us
    if until_us is None:
        return Check(_NAME, "ok", "The central service takes this box's key until it revokes the box.")
    left_us, end = until_us - now_us, format_utc(until_us)
    if left_us <= 0:
        hint = (
            "Nothing goes to the central service or comes from it; nothing is lost. Ask it for a new code, and"
            " join again under “Administration, Central service”, or with `exambox sync enrol`."
        )
        return Check(_NAME, "fail", f"The central service does not take this box's key since {end}.", hint)
    days = left_us // _DAY_US
    if left_us < SOON_US:
        hint = (
            "Ask the central service for a new code before then, and join again under “Administration, Central service”"
            ", or with `exambox sync enrol`: it renews the key's time, and nothing is lost."
        )
        told = f"The central service takes this box's key until {end}, for {days} more days."
        return Check(_NAME, "warn", told, hint)
    return Check(_NAME, "ok", f"The central service takes this box's key until {end}, for {days} days.")
