"""How the state of USB, devices, orders and events are written on the screen (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.commands.moments import say_moment
from appliance.usb.words import say

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.usb.devices_rows import Present
    from appliance.usb.events import UsbEvent
    from appliance.usb.orders import Order
    from appliance.usb.ports import Place
    from appliance.usb.seen import Seen
    from appliance.usb.state import State

WHY = {
    "nothing": "nothing is on",
    "sitting": "sitting {sitting}",
    "order": "a person ordered it",
    "stood_down": "a person stood it down",
    "export": "a stick is let in",
}
STATES = {
    "in": "in",
    "partly": "in, some interfaces alone",
    "out": "kept out",
    "rejected": "dropped until it is plugged in again",
    "failed": "could not be kept as decided",
    "noted": "noted only",
}
_ORDERS = {"arm": "armed", "stand_down": "stood down", "export": "let a stick in", "let_in": "let in"}


def state_lines(state: State, zone: ZoneInfo) -> list[str]:
    """Return what the process says of itself, a line each."""
    until = f", until {say_moment(state.until_us, zone)}" if state.until_us else ""
    lines = [f"Mode: {state.mode} ({WHY[state.why].format(sitting=state.sitting)}{until})"]
    if state.why == "stood_down" and state.sitting:
        lines.append(f"Stood down although sitting {state.sitting} is on: nothing is kept out.")
    if not state.enforced:
        lines.append(f"Not enforced: {state.problem}")
    lines += [f"Policy: {f'version {state.policy}' if state.policy else 'the default exam policy'}"]
    if state.guarded:
        lines.append(f"Never taken out, the system hangs on it: {', '.join(state.guarded)}")
    if state.missed or state.overruns:
        lines.append(f"Found by the sweep, not by an event: {state.missed}; queues that ran over: {state.overruns}")
    if state.recovery:
        lines.append("At this boot a recovery file or kernel command asked for USB to be opened.")
    return lines


def device_line(one: Present, place: Place) -> str:
    """Return one device that is plugged in."""
    where = ", ".join(filter(None, (place.label, f"seat {place.seat}" if place.seat else "")))
    why = one.problem or one.decision.why
    named = f" [{where}]" if where else ""
    return f"  {one.device.port:10} {say(one.device)} ({one.device.id}){named}: {STATES[one.state]}. {why}"


def order_line(order: Order, zone: ZoneInfo) -> str:
    """Return one order that stands."""
    until = f", until {say_moment(order.until_us, zone)}" if order.until_us else ""
    about = f" {order.subject.words} at {order.subject.port}" if order.subject.port else ""
    during = f", while {order.subject.sitting} is open" if order.subject.sitting else ""
    why = f": {order.why}" if order.why else ""
    return f"  order {order.id}: {_ORDERS[order.kind]}{about} by {order.made_by}{until}{during}{why}"


def event_line(event: UsbEvent, zone: ZoneInfo) -> str:
    """Return one thing that happened."""
    times = f" ({event.times} times)" if event.times > 1 else ""
    words = say(event.device) if event.device is not None else ""
    verdict = f": {event.verdict}" if event.verdict and event.kind != "unplugged" else ""
    return f"  {say_moment(event.at_us, zone)} {event.kind} {event.port} {words}{verdict}{times}"


def seen_line(one: Seen, zone: ZoneInfo) -> str:
    """Return one device that was there at the first start."""
    said = f"confirmed by {one.confirmed_by}, {say_moment(one.confirmed_us, zone)}" if one.confirmed_us else "proposed"
    return f"  {one.device.port:10} {say(one.device)} ({one.device.id}): {said}"
