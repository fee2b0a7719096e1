"""How box and centre stand, in plain English: for the command line, the health check and the journal (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from appliance.centre.status import ClockFact

EPOCH_REASONS: Final = {
    "first": "the box's first",
    "restored": "the database was brought back from a backup",
    "cloned": "the box runs on another computer, or is a copy",
    "conflict": "the central service held something else under a number of the epoch before",
}
"""Why an epoch began."""


def signed_seconds(us: int) -> str:
    """Return microseconds as seconds with their sign: ``+2.3 s``."""
    return f"{us / SECOND_US:+.1f} s"


def clock_words(clock: ClockFact) -> str:
    """Return what is known of the box's clock."""
    known = "clock synchronised" if clock.trusted else "clock not trusted"
    if clock.measured is None:
        measured = "offset to the central service not measured yet"
    else:
        sure = "" if clock.measured.trusted else " (from too few answers to go by)"
        bound = clock.measured.bound_us / SECOND_US
        measured = (
            f"measured offset to the central service {signed_seconds(clock.measured.offset_us)} ± {bound:.1f} s{sure}"
        )
    return f"{known}; {measured}; tokens may be off by {clock.leeway_us / SECOND_US:.0f} s"
