"""What reviews are called on their pages, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from appliance.exams.records import SEVERITIES
from appliance.web.language import current_language
from appliance.web.language import gettext as _
from appliance.web.sittings.helpers import word_helpers
from appliance.web.sittings.words import review_status_kind, review_status_words, severity_kind, severity_words

if TYPE_CHECKING:
    from appliance.web.review.judging import State


def conclusion_words(conclusion: str) -> str:
    """Return what the LMS is told a session is."""
    return {
        "accepted": _("accepted (passed)"),
        "rejected": _("rejected (failed)"),
        "unknown": _("unknown (no verdict yet)"),
    }.get(conclusion, conclusion)


def band_words(band: str) -> str:
    """Return a band of the queue: it orders, it concludes nothing."""
    return {"low": _("low"), "attention": _("attention"), "high": _("high")}[band]


def band_kind(band: str) -> str:
    """Return the tag a band is shown with."""
    return {"high": "bad", "attention": "warn"}.get(band, "")


def act_words(name: str) -> str:
    """Return what the button of an act of a review says."""
    return {
        "pass": _("Pass"),
        "fail": _("Fail"),
        "change_to_passed": _("Change to passed"),
        "change_to_failed": _("Change to failed"),
        "ask_second": _("Ask for a second review"),
        "release": _("Release to the LMS"),
    }[name]


def event_words(name: str) -> str:
    """Return what happened to a review, as its history says it."""
    return {
        "make_ready": _("ready for review"),
        "pass": _("passed"),
        "fail": _("failed"),
        "change_to_passed": _("changed to passed"),
        "change_to_failed": _("changed to failed"),
        "ask_second": _("second review asked for"),
        "release": _("released to the LMS"),
    }.get(name, name)


def done_words(name: str) -> str:
    """Return what is said when an act is done."""
    return {
        "pass": _("Passed. The conclusion is kept."),
        "fail": _("Failed. The conclusion is kept."),
        "change_to_passed": _("The verdict is changed. The LMS is not told before somebody releases it."),
        "change_to_failed": _("The verdict is changed. The LMS is not told before somebody releases it."),
        "ask_second": _("It waits for a second review, by somebody else."),
        "release": _("Released: the LMS is told the verdict as it is now."),
    }[name]


def state_words(state: State) -> str:
    """Return how a group of warnings is judged."""
    return {
        "open": _("not judged"),
        "confirmed": _("confirmed"),
        "dismissed": _("dismissed"),
        "both": _("partly dismissed"),
    }[state]


def incident_words(worst: int) -> str:
    """Return the worst severity of a session's incidents; ``worst`` counts from 1."""
    return severity_words(SEVERITIES[worst - 1])


def incident_kind(worst: int) -> str:
    """Return the tag it is shown with."""
    return severity_kind(SEVERITIES[worst - 1])


def weight_words(value: float) -> str:
    """Return a weight or points without needless zeros, in the reader's language: ``1.5``, ``2``."""
    return str(format_decimal(value, "0.##", current_language()))


def helpers() -> dict[str, Any]:
    """Return the functions the templates use, those of the sittings' pages included."""
    theirs = word_helpers()
    own = {
        "status_words": review_status_words,
        "status_kind": review_status_kind,
        "conclusion_words": conclusion_words,
        "band_words": band_words,
        "band_kind": band_kind,
        "verdict_words": act_words,
        "review_event_words": event_words,
        "judged_words": state_words,
        "happened_words": theirs["event_words"],
        "incident_words": incident_words,
        "incident_kind": incident_kind,
        "weight_words": weight_words,
    }
    return theirs | own
