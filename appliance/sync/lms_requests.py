"""A delivery to an LMS as an HTTP call: where to, signed with what, under which key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.idempotency import DeliveryKey
from appliance.exchange.token import authorization, issue_token
from appliance.integrations.secrets import newest_secret
from appliance.integrations.store import stored_integration
from appliance.outbox.calling import Call
from appliance.outbox.reasons import reason
from appliance.outbox.rows import LMS_PREFIX
from appliance.sittings.telling import addressed

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Integration
    from appliance.integrations.exchange_key import ExchangeKey
    from appliance.outbox.rows import Delivery

ADDRESS_OF_KIND: Final = {
    "review": "review_url",
    "schedule": "schedule_url",
    "warning": "warning_url",
    "agreement": "agreement_acceptance_url",
}
"""Which of an integration's addresses a kind of delivery goes to."""
IDEMPOTENCY: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Held:
    """Why nothing is sent: of the whole target, or (``one``) of this delivery alone."""

    reason: str
    one: bool = False


@dataclass(frozen=True, slots=True)
class LmsAccess:
    """An integration that may be told something, and what its calls are signed with."""

    integration: Integration
    secret: str


def access_to(db: Database, target: str, *, keys: ExchangeKey) -> LmsAccess | Held:
    """Return what an LMS is called with, or why it is not called at all as the box is set up."""
    name = target.removeprefix(LMS_PREFIX)
    try:
        stored = stored_integration(db, name, removed=True)
    except NotFoundError:
        return Held(reason("removed"))
    if stored.removed_us is not None:
        return Held(reason("removed"))
    if not stored.integration.is_active:
        return Held(reason("inactive"))
    try:
        return LmsAccess(stored.integration, newest_secret(db, name, keys=keys))
    except NotFoundError:
        return Held(reason("no_secret"))
    except ApplianceError as problem:
        return Held(reason("key", problem.message))


def call_for(delivery: Delivery, access: LmsAccess, *, box: str, here: str, clock: Clock) -> Call | Held:
    """Return the call that delivers, with a token that is good for 30 s and the key the LMS knows a repetition by.

    ``here`` is what the box's own addresses begin with now (`telling.addressed`).
    """
    address: str | None = getattr(access.integration, ADDRESS_OF_KIND.get(delivery.kind, ""), None)
    if not address:
        return Held(reason("no_address", delivery.kind), one=True)
    now_us = clock.wall_us()
    token = issue_token(access.secret, now_us=now_us, claims={"iat": now_us // SECOND_US})
    headers = {
        "Authorization": authorization(token),
        "Content-Type": "application/json",
        IDEMPOTENCY: str(DeliveryKey(box, delivery.epoch, delivery.seq)),
    }
    return Call(address, _body(delivery, here), headers)


def _body(delivery: Delivery, here: str) -> bytes:
    if delivery.kind != "review":
        return delivery.text.encode()
    return msgspec.json.encode(addressed(msgspec.json.decode(delivery.text, type=dict[str, Any]), here))
