"""How box and centre stand, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.words import signed_seconds
from appliance.clock import SECOND_US
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n

if TYPE_CHECKING:
    from appliance.centre.status import CentreStatus, ClockFact
    from appliance.centre.sticks import StickFact


def verdict_of(stands: CentreStatus) -> str:
    """Return ``good``, ``warn`` or ``bad``: whether somebody should look."""
    if stands.stands is not None and stands.stands.silent_since_us is not None:
        return "bad"
    if stands.last_heard_us() is None:
        return "warn"
    parked = stands.stands is not None and stands.stands.parked
    return "warn" if parked or stands.held or stands.proposals else "good"


def verdict_words(stands: CentreStatus) -> str:
    """Return the verdict in a word or two."""
    if stands.stands is not None and stands.stands.silent_since_us is not None:
        return _("cannot be told")
    if stands.last_heard_us() is None:
        return _("not heard yet")
    return _("connected")


def clock_words(clock: ClockFact) -> str:
    """Return what is known of the box's clock."""
    known = _("Clock synchronised") if clock.trusted else _("Clock not trusted")
    if clock.measured is None:
        return _("%(known)s; offset to the central service not measured yet", known=known)
    words = _(
        "%(known)s; measured offset to the central service %(offset)s ± %(bound)s s",
        known=known,
        offset=signed_seconds(clock.measured.offset_us),
        bound=f"{clock.measured.bound_us / SECOND_US:.1f}",
    )
    return words if clock.measured.trusted else _("%(words)s (from too few answers to go by)", words=words)


def epoch_words(reason: str) -> str:
    """Return why an epoch began."""
    return {
        "first": _("the box's first"),
        "restored": _("the database was brought back from a backup"),
        "cloned": _("the box runs on another computer, or is a copy"),
        "conflict": _("the central service held something else under a number of the epoch before"),
    }.get(reason, reason)


def kind_words(kind: str) -> str:
    """Return a kind of change."""
    return {
        "integration": _("Integration"),
        "exam": _("Exam"),
        "sitting": _("Sitting"),
        "roster": _("Roster"),
        "seating": _("Seating plan"),
        "session": _("Session"),
        "extra_time": _("Extra time"),
        "media_request": _("Recording"),
        "receipt": _("Receipt"),
    }.get(kind, kind)


def state_words(state: str) -> str:
    """Return how a change that waits stands."""
    return {
        "proposed": _("waits for the room"),
        "declined": _("declined by the room"),
        "held": _("cannot be taken over yet"),
    }[state]


STATE_KINDS = {"proposed": "warn", "declined": "", "held": "bad"}


def media_words(state: str) -> str:
    """Return how far a recording that was asked for has come."""
    return {
        "asked": _("is being sent"),
        "complete": _("complete"),
        "withdrawn": _("withdrawn"),
        "nothing": _("the box has none of it"),
    }[state]


def stick_words(stick: StickFact) -> str:
    """Return what became of a file."""
    if stick.way == "out":
        return _n("%(num)s item written", "%(num)s items written", stick.count)
    counts = stick.result
    return _(
        "%(applied)s taken over, %(known)s known, %(waiting)s wait, %(refused)s refused",
        applied=counts.get("applied", 0),
        known=counts.get("known", 0),
        waiting=counts.get("proposed", 0) + counts.get("held", 0),
        refused=counts.get("refused", 0),
    )
