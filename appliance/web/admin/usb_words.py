"""USB in the reader's language, for the pages of administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.web.language import gettext as _
from appliance.web.usb_explained import explained
from appliance.web.usb_words import device_words, kind_words, port_words, verdict_words

if TYPE_CHECKING:
    from appliance.usb.devices_rows import DeviceState
    from appliance.usb.modes import ModeNow
    from appliance.usb.orders import OrderKind
    from appliance.usb.ports import Place
    from appliance.usb.state import NotEnforced, State

__all__ = ["device_words", "explained", "kind_words", "port_words", "verdict_words"]

STATE_KINDS: Final[dict[DeviceState, str]] = {
    "in": "good", "partly": "warn", "out": "bad", "rejected": "bad", "failed": "bad", "noted": "",
}  # fmt: skip


def mode_words(now: ModeNow) -> str:
    """Return the mode in one or two words."""
    if now.why == "stood_down":
        return _("Open: stood down")
    words = {"maintenance": _("Open: maintenance"), "armed": _("Armed"), "export": _("Export: one stick is let in")}
    return words[now.mode]


def why_words(now: ModeNow) -> str:
    """Return why it is in this mode."""
    return {
        "nothing": _("No sitting is near and nobody armed it. Everything is let in and noted."),
        "sitting": _("A sitting arms it, until the sitting is closed."),
        "order": _("A person armed it."),
        "stood_down": _("A person opened it. Everything is let in and noted, also during a sitting."),
        "export": _("A person let one stick in for some minutes. Everything else is kept out as when armed."),
    }[now.why]


def enforced_words(state: State) -> str:
    """Return whether the kernel is told, and why not."""
    reasons: dict[NotEnforced, str] = {
        "": _("The kernel keeps out what the policy does not allow."),
        "no_usb": _("This machine has no USB. There is nothing to keep out."),
        "setting": _("The settings say that nothing is enforced: forbidden devices are only told."),
        "trial": _("On a trial box nothing is kept out, because it may be your own computer: devices are only told."),
        "rights": _("This process may not tell the kernel: forbidden devices are only told."),
    }
    return reasons[state.not_enforced]


def device_state_words(state: DeviceState) -> str:
    """Return what the kernel was told of a device."""
    return {
        "in": _("let in"),
        "partly": _("partly let in"),
        "out": _("kept out"),
        "rejected": _("dropped until it is plugged in again"),
        "failed": _("could not be kept out"),
        "noted": _("noted"),
    }[state]


def event_words(kind: str) -> str:
    """Return what happened."""
    return {
        "plugged": _("plugged in"),
        "unplugged": _("unplugged"),
        "changed": _("says something else of itself"),
        "failed": _("the kernel could not be told"),
        "missed": _("found without an event"),
        "storm": _("very many events"),
        "decided": _("judged otherwise than before"),
    }.get(kind, kind)


def order_words(kind: OrderKind) -> str:
    """Return what was ordered."""
    return {
        "arm": _("Armed by hand"),
        "stand_down": _("Stood down"),
        "export": _("Stick let in for writing"),
        "let_in": _("Device let in"),
    }[kind]


def ended_words(kind: OrderKind) -> str:
    """Return what follows from an order that was ended."""
    return {
        "arm": _("USB is not armed by hand any more; a sitting still arms it."),
        "stand_down": _("USB is armed again where a sitting or a person wants it."),
        "export": _("The stick is kept out again."),
        "let_in": _("The policy judges the device again."),
    }[kind]


def place_words(place: Place, port: str) -> str:
    """Return where a port is: its label, else the kernel's name."""
    return place.label or port_words(port)


def built_in_words(rule: str) -> str:
    """Return what a rule is called that every policy has; any other by its name."""
    return {
        "": _("no rule matches"),
        "root-hub": _("controller's own hub"),
        "let-in": _("let in by a person"),
        "confirmed": _("belongs here"),
        "half-read": _("not read whole"),
    }.get(rule, rule)
