"""Which mode USB is in: from sittings, what people ordered, and the time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.clock import SECOND_US
from appliance.usb.model import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from appliance.usb.orders import Order

ModeReason = Literal["nothing", "sitting", "order", "stood_down", "export"]
"""Why: nothing is on, a sitting is, a person ordered it, a person stood it down, a stick is let in."""


NEVER_BEGUN_US: Final = 12 * 3600 * SECOND_US
"""A planned sitting that nobody has begun so long after its start is not held any more: it arms nothing."""


class SittingTimes(msgspec.Struct, frozen=True, kw_only=True):
    """A sitting that is neither closed nor removed; ``begun`` once it has left the state *planned*. Wall times."""

    id: str
    begun: bool
    start_us: int
    lead_us: int

    def arms(self, now_us: int) -> bool:
        """Whether it wants USB armed: from its lead on, or from the moment somebody begins it."""
        return self.begun or self.start_us - self.lead_us <= now_us < self.start_us + NEVER_BEGUN_US


class ModeNow(msgspec.Struct, frozen=True, kw_only=True):
    """The mode and why.

    Attributes:
        mode: as the policy's conditions name it.
        why: the reason in one word.
        sitting: the sitting that arms, or would if nobody had stood USB down; empty: none.
        order: the order that decides, None where none does.
        until_us: when that order is over by itself, None where it is not.
        let_in: hash and port of each device a person let in.
    """

    mode: Mode
    why: ModeReason
    sitting: str = ""
    order: int | None = None
    until_us: int | None = None
    let_in: frozenset[tuple[str, str]] = frozenset()

    @property
    def enforces(self) -> bool:
        """Whether devices are kept out, not only noted."""
        return self.mode != "maintenance"


def mode_of(sittings: Sequence[SittingTimes], orders: Iterable[Order], now_us: int) -> ModeNow:
    """Return the mode USB is to be in.

    A standing order to stand down opens it whatever else is on; else an export closes it to all but the one stick;
    else an order to arm, or a sitting that has begun or is about to, arms it.

    Args:
        sittings: those that are neither closed nor removed.
        orders: those that nobody has ended.
        now_us: the wall time.
    """
    in_force = [one for one in orders if counts(one, sittings, now_us)]
    arming = min(
        (one for one in sittings if one.arms(now_us)), key=lambda one: (not one.begun, one.start_us), default=None
    )
    sitting = "" if arming is None else arming.id
    down = _last(in_force, "stand_down")
    if down is not None:
        return ModeNow(mode="maintenance", why="stood_down", sitting=sitting, order=down.id, until_us=down.until_us)
    let_in = frozenset((one.subject.hash, one.subject.port) for one in in_force if one.kind in {"let_in", "export"})
    stick = _last(in_force, "export")
    if stick is not None:
        return ModeNow(
            mode="export", why="export", sitting=sitting, order=stick.id, until_us=stick.until_us, let_in=let_in
        )
    armed = _last(in_force, "arm")
    if sitting:
        return ModeNow(mode="armed", why="sitting", sitting=sitting, let_in=let_in)
    if armed is not None:
        return ModeNow(mode="armed", why="order", order=armed.id, until_us=armed.until_us, let_in=let_in)
    return ModeNow(mode="maintenance", why="nothing")


def counts(order: Order, sittings: Sequence[SittingTimes], now_us: int) -> bool:
    """Return whether a standing order counts now: its time is not over, and its sitting neither."""
    if order.until_us is not None and now_us >= order.until_us:
        return False
    return not order.subject.sitting or any(one.id == order.subject.sitting for one in sittings)


def next_change_us(sittings: Iterable[SittingTimes], orders: Iterable[Order], now_us: int) -> int | None:
    """Return the next wall time at which the mode may change by itself, None where there is none."""
    planned = [one for one in sittings if not one.begun]
    times = [one.start_us + offset for one in planned for offset in (-one.lead_us, NEVER_BEGUN_US)]
    times += [one.until_us for one in orders if one.until_us is not None]
    return min((time for time in times if time > now_us), default=None)


def _last(orders: Sequence[Order], kind: str) -> Order | None:
    return next((one for one in reversed(orders) if one.kind == kind), None)
