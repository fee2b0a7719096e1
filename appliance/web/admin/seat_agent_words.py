"""Seat agents in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.usb.agents.bodies import AgentWord, UsbSeen, WindowChange
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.usb_words import device_words

if TYPE_CHECKING:
    from appliance.usb.agents.bodies import Body


def level_words(level: str) -> str:
    """Return how an agent stands in one or two words."""
    return {
        "good": _("reports"),
        "warn": _("reports, with troubles"),
        "silent": _("does not report"),
        "new": _("not heard yet"),
        "expired": _("out of time"),
    }[level]


def trouble_words(trouble: str) -> str:
    """Return what is wrong with an agent; a word of newer software as it is."""
    return {
        "no_seat": _("Nobody said at which seat it stands: its warnings name no candidate."),
        "unknown_seat": _("No seating plan of an open sitting has this seat."),
        "shared_seat": _("Another workstation stands at the same seat."),
        "old_policy": _("It does not have the newest policy yet."),
        "ahead": _("Its policy is newer than the box's, which was restored: enrol the workstation anew."),
        "clock": _("Its clock is wrong. What it tells is dated by the box's clock."),
        "ends_soon": _("Its time ends soon: enrol the workstation anew."),
        "rights": _("It may not tell the kernel, so nothing is kept out: it has to run as its unit says."),
        "no_usb": _("The workstation has no USB."),
        "never": _("It was started to watch only: nothing is kept out."),
        "failed": _("The kernel refused to keep devices out."),
        "no_events": _("It cannot read the kernel's events and looks every few seconds."),
        "no_windows": _("The active window is to be watched, and no helper runs in the desktop session."),
    }.get(trouble, trouble)


def mode_words(mode: str) -> str:
    """Return the mode an agent is in, as far as it has a policy."""
    return {
        "": _("has no policy yet"), "maintenance": _("open: maintenance"), "armed": _("armed"),
        "export": _("armed; an export runs at the box"),
    }.get(mode, mode)  # fmt: skip


def event_words(body: Body | None) -> str:
    """Return what an agent told, in one line."""
    match body:
        case UsbSeen():
            return _("%(device)s: %(change)s, %(state)s", device=device_words(body.device),
                     change=_change_words(body.change), state=_state_words(body))  # fmt: skip
        case WindowChange():
            names = {"former": body.former or _("none"), "now": body.application or _("none")}
            one = _("Active window: %(former)s, then %(now)s", **names)
            more = _n("%(num)s change", "%(num)s changes", body.changes)
            return one if body.changes == 1 else f"{one} ({more})"
        case AgentWord():
            return _word(body)
        case _:
            return _("something this version does not know")


def _word(body: AgentWord) -> str:
    if body.what == "started" and body.count:
        return _("The agent started; the one before did not end in order.")
    words = {
        "started": _("The agent started."),
        "stopped": _("The agent was stopped."),
        "policy_refused": _("The agent refused a policy: it is not signed by this box, or old."),
        "items_lost": _n("%(num)s message was given up, because too many waited.",
                         "%(num)s messages were given up, because too many waited.", body.count),
    }  # fmt: skip
    return words.get(body.what, body.what)


def _change_words(change: str) -> str:
    return {
        "plugged": _("plugged in"), "unplugged": _("unplugged"), "changed": _("says something else of itself"),
        "judged": _("judged"),
    }[change]  # fmt: skip


def _state_words(seen: UsbSeen) -> str:
    if seen.change == "unplugged":
        return _("gone")
    if seen.is_forbidden and seen.state == "noted":
        return _("forbidden, not kept out")
    return {
        "in": _("let in"), "partly": _("partly let in"), "out": _("kept out"),
        "rejected": _("dropped until it is plugged in again"), "failed": _("could not be kept out"),
        "noted": _("noted"),
    }[seen.state]  # fmt: skip
