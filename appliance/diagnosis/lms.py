"""Whether an LMS can be told: a sample to each address of its integration, and what came back."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from appliance import auditlog
from appliance.exchange.token import authorization, issue_token
from appliance.integrations.samples import SHOWN_CHARACTERS, samples
from appliance.integrations.secrets import newest_secret
from appliance.outbox.calling import Call, Caller, CallRules
from appliance.outbox.reasons import reason
from appliance.outbox.redaction import kept_body, says_error

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from appliance.integrations.exchange_key import ExchangeKey
    from appliance.integrations.samples import Sample
    from appliance.outbox.calling import Answer

TRY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class TriedAddress:
    """How one address answered a sample.

    Attributes:
        name: of the integration's field, such as ``review_url``.
        address: where the sample went.
        status: of HTTP; None where there was no answer.
        text: the beginning of the answer, without tokens and secrets.
        reason: why it is not as it should be (`outbox.reasons`); empty where all is well.
        took_ms: how long it took.
    """

    name: str
    address: str
    status: int | None
    text: str
    reason: str
    took_ms: int

    @property
    def accepted(self) -> bool:
        """Whether the LMS took it, and said nothing of an error."""
        return not self.reason


def call_rules(settings: Settings) -> CallRules:
    """Return how addresses are tried: as deliveries go, only less patiently. A trial box may call itself."""
    return CallRules(timeout_s=TRY_SECONDS, loopback=settings.box.trial)


def try_addresses(
    db: Database,
    integration: Integration,
    *,
    keys: ExchangeKey,
    clock: Clock,
    who: str,
    rules: CallRules,
    where: str = "",
) -> list[TriedAddress]:
    """Send a sample, marked as a test, to each address that is set, all at once; enter it in the log.

    Raises:
        NotFoundError: the integration has no secret to sign with.
        ApplianceError: the secret cannot be opened.
    """
    secret = newest_secret(db, integration.id, keys=keys)
    made = samples(integration, now_us=clock.wall_us())
    with closing(Caller(rules, clock)) as caller:
        begun = [(one, caller.call(_call(one, secret, clock))) for one in made]
        tried = [_tried(one, answer.result(), secret) for one, answer in begun]
    detail = {"integration": integration.name, "answers": {one.name: one.status or 0 for one in tried}}
    auditlog.append(db, "integration.tested", clock=clock, who=who, where=where, detail=detail)
    return tried


def _call(sample: Sample, secret: str, clock: Clock) -> Call:
    token = issue_token(secret, now_us=clock.wall_us())
    headers = {"Authorization": authorization(token), "Content-Type": "application/json"}
    return Call(sample.address, msgspec.json.encode(sample.body), headers)


def _tried(sample: Sample, answer: Answer, secret: str) -> TriedAddress:
    text = kept_body(answer.text, secrets=[secret])[:SHOWN_CHARACTERS]
    return TriedAddress(
        sample.name, sample.address, answer.status, text, _why(answer), max(0, round(answer.took_us / 1000))
    )


def _why(answer: Answer) -> str:
    """Say what is wrong with an answer, in the words of deliveries."""
    status = answer.status
    if answer.reason or status is None:
        return answer.reason or reason("unreachable")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return reason("unauthorised", str(status))
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE}:
        return reason("wrong_address", str(status))
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return reason("status", str(status))
    return reason("says_error") if says_error(answer.text) else ""
