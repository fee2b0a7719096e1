"""What a candidate is shown who books a time: the sittings they may choose, or the one they chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.sittings.offers import slots_for
from appliance.web.candidate import words
from appliance.web.services import database, services

if TYPE_CHECKING:
    from appliance.web.candidate.pass_check import Visit


class Choice(msgspec.Struct, frozen=True):
    """One sitting of the list; ``start`` and ``until`` (until when it can be given up) in words, ``free`` places."""

    sitting: str
    start: str
    until: str
    room: str
    name: str
    free: int


def booking_words(found: Visit) -> dict[str, Any]:
    """Return what the two pages of booking show beside the exam's facts."""
    facts, zone, now_us = found.facts, services().zone, found.now_us

    def day(wall_us: int) -> str:
        return words.day_words(wall_us, zone)

    until = None if facts.booking is None else facts.booking.cancel_until_us
    choices = [
        Choice(
            sitting=slot.sitting.id,
            start=day(slot.sitting.start_us),
            until=day(slot.cancel_until_us) if slot.cancel_until_us > now_us else "",
            room=slot.sitting.sitting.room,
            name=slot.sitting.sitting.name,
            free=slot.free,
        )
        for slot in slots_for(database(), facts.session, now_us=now_us)
    ] if facts.sitting is None else []  # fmt: skip
    return {
        "choices": choices,
        "booked_start": "" if facts.sitting is None else day(facts.sitting.start_us),
        "give_up_until": "" if until is None or until < now_us else day(until),
    }
