"""Which seat agent calls: its token, bound to method, path and body, signed with the key it joined with, good once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NoReturn

from flask import request

from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.centre.peer_token import ENROL_AUDIENCE, check_request, check_sender, claimed_sender
from appliance.exchange.seat.messages import LARGE, SMALL
from appliance.exchange.seat.routes import agent_id
from appliance.exchange.token import TokenError, token_of_header
from appliance.usb.agents.store import SeatAgent, check_good, get_agent
from appliance.web.api.errors import ReplayedTokenError, TooManyError
from appliance.web.hub.peers import body_bytes
from appliance.web.seat_api.state import seats
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from appliance.exchange.centre.peer_token import PeerToken

_CLOCKS: Final = frozenset({"expired", "future"})


class UnknownAgentError(TokenError):
    """A token is in the name of an agent that never joined."""

    def __init__(self) -> None:
        super().__init__(
            "No seat agent of this name belongs to this box.",
            reason="unknown",
            hint="Enrol the workstation with a one-time code of this box.",
        )


def calling_agent() -> tuple[SeatAgent, bytes]:
    """Return which agent calls, and the body it sent; a long body is read only where an agent of this box signed.

    Raises:
        TokenError: the token is refused (401).
        AgentRefusedError: the agent was revoked, or its time is over (403).
        TooManyError: it calls too often, or too many calls in its name were refused from this address (429).
        JsonError: the body is too long, or ended early.
    """
    state, text = seats(), token_of_header(request.headers.get("Authorization"))
    sender = claimed_sender(text)
    wait = state.refused.wait_s((address(), sender))
    if wait:
        raise _too_many(wait)
    try:
        agent = _known(sender)
        check_sender(text, agent.public_key, audience=state.box)
        body = body_bytes(LARGE.size)
        _checked(text, agent.public_key, state.box, body)
        check_good(agent, now_us=services().clock.wall_us())
    except ApplianceError as problem:
        _refuse(sender, problem)
    wait = state.calls.take(sender)
    if wait:
        raise _too_many(wait)
    return agent, body


def joining_body() -> bytes:
    """Return the body of a request to join, whoever sent it.

    Raises:
        TooManyError: too many tries come from this address.
        JsonError: it is too long, or ended early.
    """
    wait = seats().codes.take(address())
    if wait:
        raise _too_many(wait)
    return body_bytes(SMALL.size)


def check_joining(agent: str, public: bytes, body: bytes) -> None:
    """Return if a request to join is signed with the key it brings, under the name that key gives.

    Raises:
        TokenError: it is not.
    """
    text = token_of_header(request.headers.get("Authorization"))
    if claimed_sender(text) != agent or agent != agent_id(public):
        raise TokenError("The token is in another name than the request.", reason="sender")
    try:
        _checked(text, public, ENROL_AUDIENCE, body)
    except ValueError as problem:
        raise TokenError("The key is no Ed25519 key.", reason="signature") from problem


def _known(sender: str) -> SeatAgent:
    try:
        return get_agent(database(), sender)
    except NotFoundError as problem:
        raise UnknownAgentError from problem


def _checked(text: str, public: bytes, audience: str, body: bytes) -> PeerToken:
    state = seats()
    token = check_request(
        text, public, audience=audience, method=request.method, path=_path(), body=body,
        now_us=services().clock.wall_us(),
    )  # fmt: skip
    if token.issued_us < state.began_us - _ROUNDING_US:
        # What was used before this process began is not remembered: whoever means it signs anew, by the box's time.
        raise TokenError("The token was made before the box started.", reason="expired")
    if not state.tokens.take(token.sender, token.jti, token.expires_us):
        raise ReplayedTokenError
    return token


_ROUNDING_US: Final = 1000


def _path() -> str:
    """Return path and query exactly as they were sent: that is what was signed."""
    return str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?"))


def _refuse(sender: str, problem: ApplianceError) -> NoReturn:
    """Count a refusal and raise it. A clock that differs is not counted: the agent learns the time from the answer."""
    if not (isinstance(problem, TokenError) and problem.reason in _CLOCKS):
        seats().refused.take((address(), sender))
    raise problem


def _too_many(wait_s: float) -> TooManyError:
    return TooManyError("This workstation, or somebody in its name, calls too often.", math.ceil(wait_s))
