"""What the hub's pages say of states, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n

if TYPE_CHECKING:
    from appliance.hub.standing import Standing, Trouble

BAD = frozenset({"cloned", "conflict", "silent", "disk_stop", "cameras", "expired"})


def trouble_words(one: Standing, trouble: Trouble) -> str:
    """Return a trouble of a box as people say it."""
    if one.report is not None:
        counted = _counted(one, trouble)
        if counted:
            return counted
    return {
        "cloned": _("two computers report as this box"),
        "conflict": _("it told something else under a known number"),
        "restored": _("it was restored from a backup"),
        "silent": _("not heard of"),
        "never": _("has not reported yet"),
        "disk_stop": _("its disk is full: nothing is recorded"),
        "disk": _("its disk fills up"),
        "clock": _("its clock is not sure"),
        "expired": _("its time here is over"),
        "backlog": _("what it has to tell waits for long"),
        "address": _("its address is not known"),
    }.get(trouble, trouble)


def _counted(one: Standing, trouble: Trouble) -> str:
    report = one.report
    if report is None:
        return ""
    match trouble:
        case "cameras":
            return _n("%(num)s camera lost", "%(num)s cameras lost", report.cameras.lost)
        case "parked":
            return _n("%(num)s item is parked", "%(num)s items are parked", report.backlog.parked)
        case "proposals":
            return _n("%(num)s change waits in the room", "%(num)s changes wait in the room", report.proposals)
        case _:
            return ""


def level_words(level: str) -> str:
    """Return how a box stands in one word."""
    return {
        "bad": _("needs somebody"),
        "warn": _("look at it"),
        "good": _("in order"),
        "off": _("revoked"),
    }.get(level, level)


def epoch_words(said: str) -> str:
    """Return what became of an epoch."""
    return {
        "ok": _("as it should be"),
        "restored": _("the box was restored from a backup: it begins a new one"),
        "cloned": _("a second computer reported with it: a copy of the box"),
        "conflict": _("another content came under a number that is here"),
    }.get(said, said)


def status_words(status: str) -> str:
    """Return a session's status of the LMS in words."""
    return {
        "not_scheduled": _("no time booked"),
        "early_to_start": _("not yet"),
        "ready_to_start": _("may begin"),
        "late_to_start": _("did not begin"),
        "started": _("writing"),
        "finished": _("finished"),
    }.get(status, status)


def conclusion_words(conclusion: str) -> str:
    """Return what a person concluded."""
    return {
        "accepted": _("accepted"),
        "rejected": _("rejected"),
        "unknown": _("open"),
        "undefined": _("undecided"),
        "": _("open"),
    }.get(conclusion, conclusion)


def delivered_words(state: str) -> str:
    """Return how the newest review stands on its way to the LMS."""
    return {
        "delivered": _("delivered"),
        "waiting": _("on its way"),
        "parked": _("parked"),
        "discarded": _("given up"),
        "": _("nothing to tell"),
    }.get(state, state)
