"""Deliveries in the reader's language: kinds, states, why something waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.outbox.reasons import split_reason
from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from appliance.outbox.rows import Delivery
    from appliance.outbox.status import TargetStatus

STATE_KINDS: Final = {"waiting": "warn", "delivered": "good", "parked": "bad", "superseded": "", "discarded": ""}
"""The colour of each state."""


def kind_words(kind: str) -> str:
    """Return what is delivered."""
    known = {
        "review": _("Review"),
        "schedule": _("Booked time"),
        "warning": _("Warning"),
        "agreement": _("Agreement"),
    }
    return known.get(kind, kind)


def state_words(state: str) -> str:
    """Return how a delivery stands."""
    known = {
        "waiting": _("waiting"),
        "delivered": _("delivered"),
        "parked": _("parked"),
        "superseded": _("replaced by a newer one"),
        "discarded": _("given up"),
    }
    return known.get(state, state)


def reason_words(stored: str) -> str:
    """Return why something waits; a person's own words stay as they are."""
    word, detail = split_reason(stored)
    if not word:
        return detail
    said = _known(word)
    return f"{said} ({detail})" if detail else said


def _known(word: str) -> str:
    known = {
        "address": _("Its address is not one the box may call."),
        "certificate": _("Its certificate is not accepted."),
        "cut": _("Its answer ended in the middle."),
        "dns": _("Its name cannot be found."),
        "inactive": _("The integration is not active."),
        "key": _("The box cannot open the integration's secret."),
        "forgotten": _("It had arrived, but the central service was restored from a backup and is told again."),
        "no_address": _("The integration has no address for this."),
        "no_secret": _("The integration has no secret."),
        "not_http": _("What answers there does not speak HTTP as it should."),
        "redirect": _("It is not at this address, but sends us elsewhere: enter the new address."),
        "refused": _("Nothing listens at its address."),
        "removed": _("The integration was removed."),
        "says_error": _("Accepted, but the answer's text speaks of an error."),
        "status": _("It answered with the status"),
        "timeout": _("It did not answer in time."),
        "unauthorised": _("It does not accept the box's token: compare the secrets and clocks of both sides."),
        "unreachable": _("It cannot be reached."),
        "wrong_address": _("There is nothing at this address of it."),
    }
    return known[word]


def session_of(delivery: Delivery) -> str:
    """Return the session as the LMS names it, empty where it is about none."""
    return str(delivery.body.get("sessionId") or "")


def verdict_of(stands: TargetStatus) -> str:
    """Return ``good``, ``warn`` or ``bad`` for a target."""
    if stands.parked:
        return "bad"
    return "warn" if stands.silent_since_us is not None or (stands.backlog and stands.last_error) else "good"


def verdict_words(stands: TargetStatus) -> str:
    """Return how a target stands, in a word or two."""
    if stands.silent_since_us is not None:
        return _("takes nothing")
    if stands.parked:
        return _("waits for you")
    if stands.backlog and stands.last_error:
        return _("in trouble")
    return _("being delivered") if stands.backlog else _("all delivered")
