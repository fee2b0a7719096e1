"""When something at a workstation happened, by the box's clock (pure).

A candidate may set the workstation's clock, and a cheap board's may be years off. Within one boot the kernel's
monotonic clock is what counts: an event lies as long before the report as it says. Of an earlier boot only the wall
clock is known, corrected by how far it is off now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.exchange.seat.messages import Item, ReportRequest


def at_box_us(item: Item, report: ReportRequest, *, received_us: int) -> int:
    """Return when an item happened by the box's clock: never after it was received, never before 1970."""
    if item.boot == report.boot and item.mono_us <= report.mono_us:
        ago_us = report.mono_us - item.mono_us
    else:
        ago_us = report.at_us - item.at_us
    return min(received_us, max(0, received_us - ago_us))
