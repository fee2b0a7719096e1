"""Who calls: the integration of an address, and whether the token beside it is its own and good now."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from appliance.clock import SECOND_US
from appliance.errors import NotFoundError
from appliance.exchange.token import CALL, Token, TokenError, TokenRules, check_token
from appliance.integrations.secrets import GoodSecret, good_secrets, is_noted, note_used
from appliance.integrations.store import find_integration
from appliance.integrations.tokens import remember_jti
from appliance.web.api.errors import InactiveError, ReplayedTokenError, TooManyError
from appliance.web.api.state import api
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.errors import ApplianceError
    from appliance.exams.model import Integration


@dataclass(frozen=True, slots=True)
class Caller:
    """An LMS that has shown it is the one: its integration, its token, and the secret that signed it."""

    integration: Integration
    token: Token
    secret: GoodSecret


def checked_token(name: str, text: str, rules: TokenRules = CALL, *, db: Database | None = None) -> Caller:
    """Return who calls; a token with a ``jti`` is remembered and so is good this once.

    Args:
        name: of the integration, as it stands in the address.
        text: the token itself (of a header: `exchange.token.token_of_header`).
        rules: what is asked of it: ``CALL`` beside a request, ``HAND_OVER`` where it brings a browser.
        db: the connection; the request's own if None.

    Raises:
        NotFoundError: there is no such integration (404).
        InactiveError: it is switched off (403).
        TokenError: the token is refused (401), or came before (`ReplayedTokenError`).
        TooManyError: too many were refused from this address (429); the token was not looked at.
        ApplianceError: the secrets cannot be opened (503).
    """
    opened = database() if db is None else db
    caller = recognised(name, text, rules, db=opened)
    note_use(opened, caller)
    once(opened, caller)
    return caller


def recognised(name: str, text: str | TokenError, rules: TokenRules = CALL, *, db: Database) -> Caller:
    """As `checked_token`, and writes nothing: whoever asks looks whether the token came before (`once`).

    ``text`` may be why there is no token: that is said once the integration is known.
    """
    asked = address()
    try:
        integration = find_integration(db, name)
    except NotFoundError as problem:
        _refuse(asked, "", problem)
    if not integration.is_active:
        _refuse(asked, name, InactiveError())
    wait = api().refused.wait_s((asked, name))
    if wait:
        raise _too_many(wait)
    try:
        return _signed(integration, text, rules, db)
    except TokenError as problem:
        _refuse(asked, name, problem)


def once(db: Database, caller: Caller) -> None:
    """Remember the caller's token if it has a ``jti``: from now on it is refused.

    Raises:
        ReplayedTokenError: it came before.
    """
    try:
        refuse_replay(db, caller, now_us=services().clock.wall_us())
    except ReplayedTokenError as problem:
        raise noted(caller, problem) from problem


def refuse_replay(db: Database, caller: Caller, *, now_us: int) -> None:
    """As `once`, in any thread: needs nothing of the request. Joins the open write transaction.

    Raises:
        ReplayedTokenError: it came before.
    """
    token = caller.token
    if token.jti is not None and not remember_jti(
        db, caller.integration.id, token.jti, until_us=token.expires_us, now_us=now_us
    ):
        raise ReplayedTokenError


def note_use(db: Database, caller: Caller) -> None:
    """Note that the caller's secret is in use, once an hour; for the page that shows which one an LMS has."""
    now_us = services().clock.wall_us()
    if not is_noted(caller.secret, now_us=now_us):
        with api().turn.aside():  # it may have to wait for another writer
            note_used(db, caller.secret, now_us=now_us)


def noted(caller: Caller, problem: ApplianceError) -> ApplianceError:
    """Keep why a recognised caller was refused, and return it."""
    api().note_refused(caller.integration.name, address(), problem)
    return problem


def _signed(integration: Integration, text: str | TokenError, rules: TokenRules, db: Database) -> Caller:
    if isinstance(text, TokenError):
        raise text
    box = services()
    now_us = box.clock.wall_us()
    good = good_secrets(db, integration.id, now_us=now_us, keys=api().keys)
    if not good:
        raise TokenError(
            "This integration has no secret that is good now.",
            reason="no_secret",
            hint="Rotate its secret on the box, and enter the new one in the LMS.",
        )
    time = api().token_clock.time()
    leeway_s = -(-time.leeway_us // SECOND_US)
    if leeway_s > rules.leeway_s:  # the box does not know the time well
        rules = replace(rules, leeway_s=leeway_s, iat_leeway_s=max(rules.iat_leeway_s, leeway_s))
    token = check_token(text, [one.text for one in good], now_us=time.now_us, rules=rules)
    if token.expires_us is not None and time.now_us != now_us:  # it is remembered by the box's own clock
        token = replace(token, expires_us=token.expires_us - time.now_us + now_us)
    return Caller(integration, token, good[token.secret_index])


def _refuse(asked: str, name: str, problem: ApplianceError) -> NoReturn:
    """Count a refusal for the address and this integration, and raise it; or say that there were too many.

    Counted for both together: an LMS whose other integration has a wrong secret is not shut out with it.
    """
    wait = api().refused.take((asked, name))
    if name:
        api().note_refused(name, asked, problem)
    raise _too_many(wait) if wait else problem


def _too_many(wait_s: float) -> TooManyError:
    return TooManyError("Too many refused calls came from your address.", math.ceil(wait_s))
