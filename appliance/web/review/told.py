"""What the LMS has been told of a session's review, and what is still on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance.outbox import CENTRE, lms_target, of_stream
from appliance.sittings.receivers import receiver_of
from appliance.web.admin.delivery_words import reason_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.outbox import Delivery
    from appliance.sittings.receivers import Receiver

State = Literal["nobody", "no_address", "nothing", "waiting", "parked", "told", "given_up"]


@dataclass(frozen=True, slots=True)
class Said:
    """A review as it went out: its conclusion, when it was written and delivered (wall), and the delivery's number."""

    conclusion: str
    made_us: int
    settled_us: int | None
    delivery: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Where the newest message about a review stands.

    Attributes:
        state: ``nobody``: no integration any more; ``no_address``: the LMS wants no reviews; ``nothing``: none was
            sent, or what was is forgotten; else how the newest one stands.
        by_centre: the central service passes it on; delivered then means that the service has it.
        newest: the newest message.
        arrived: the newest one that was delivered.
    """

    state: State
    by_centre: bool = False
    newest: Said | None = None
    arrived: Said | None = None


def told_of(db: Database, integration: str, session: str) -> Told:
    """Return what was told of a session."""
    to = receiver_of(db, integration)
    if to is None:
        return Told("nobody")
    target = CENTRE if to.of_centre else lms_target(to.id)
    return told_by(of_stream(db, target, session, "review"), to)


def told_by(found: Sequence[Delivery], to: Receiver) -> Told:
    """Return what deliveries of a session's review, the newest first, tell (pure)."""
    known = [(one.state, _said(one)) for one in found if one.state != "superseded"]
    arrived = next((said for state, said in known if state == "delivered"), None)
    if not known:
        return Told("nothing" if to.wants("review") else "no_address", to.of_centre)
    state, newest = known[0]
    words: dict[str, State] = {"waiting": "waiting", "parked": "parked", "delivered": "told"}
    return Told(words.get(state, "given_up"), to.of_centre, newest, arrived)


def _said(one: Delivery) -> Said:
    message = one.body.get("message")
    body = message if isinstance(message, dict) else one.body
    return Said(
        conclusion=str(body.get("conclusion") or "unknown"),
        made_us=one.cause_us,
        settled_us=one.settled_us,
        delivery=one.id,
        reason=reason_words(one.reason) if one.reason else "",
    )
