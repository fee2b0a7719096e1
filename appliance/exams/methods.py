"""How an exam is proctored, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from appliance.clock import SECOND_US

PRACTICE_CAP_US: Final = 20 * 60 * SECOND_US
"""Practice lasts at most this long from its beginning, whatever is granted or paused."""


class Method(StrEnum):
    """Full: recorded and reviewed. Record only. Practice: free, short, not reviewed. Live: watched and reviewed."""

    FULL = "full"
    RECORD_ONLY = "record_only"
    PRACTICE = "practice"
    LIVE = "live"


class Traits(msgspec.Struct, frozen=True):
    """What a method means.

    ``recorded``: its cameras record. ``reviewed``: a review task appears. ``watched``: a person watches while it runs.
    ``may_hold``: "requires validation" can hold its result. ``cap_us``: longest time from begin to end, None without.
    """

    recorded: bool
    reviewed: bool
    watched: bool
    may_hold: bool
    cap_us: int | None = None


_TRAITS: Final = {
    Method.FULL: Traits(recorded=True, reviewed=True, watched=False, may_hold=True),
    Method.RECORD_ONLY: Traits(recorded=True, reviewed=False, watched=False, may_hold=False),
    Method.PRACTICE: Traits(recorded=True, reviewed=False, watched=False, may_hold=False, cap_us=PRACTICE_CAP_US),
    Method.LIVE: Traits(recorded=True, reviewed=True, watched=True, may_hold=True),
}


def traits_of(method: Method) -> Traits:
    """Return what the method means."""
    return _TRAITS[method]


def holds_result(method: Method, *, requires_validation: bool) -> bool:
    """Return whether a result waits for a person; never for practice, which blocks no completion."""
    return requires_validation and _TRAITS[method].may_hold
