"""Which box calls: its token, bound to method, path and body, signed with the key it joined with, good once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from flask import g, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.centre.messages import SMALL
from appliance.exchange.centre.peer_token import ENROL_AUDIENCE, check_request, check_sender, claimed
from appliance.exchange.json_edge import JsonError, JsonTooLargeError
from appliance.exchange.token import TokenError, token_of_header
from appliance.hub.boxes import Box, check_good, get_box
from appliance.web.api.errors import ReplayedTokenError, TooManyError
from appliance.web.api.state import api
from appliance.web.hub.state import hub
from appliance.web.services import address, services

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.peer_token import PeerToken

_CLOCKS: Final = frozenset({"expired", "future"})


@dataclass(frozen=True, slots=True)
class Peer:
    """A box that has shown it is the one, and its token."""

    box: Box
    token: PeerToken


class UnknownBoxError(TokenError):
    """A token is in the name of a box that never joined."""

    def __init__(self) -> None:
        super().__init__(
            "No box of this name belongs to this centre.",
            reason="unknown",
            hint="Enrol the box with a one-time code of this central service.",
        )


def body_bytes(most: int) -> bytes:
    """Return the request's body as it was sent.

    Raises:
        JsonTooLargeError: it is longer than ``most`` bytes.
        JsonError: it ended before its stated length.
    """
    request.max_content_length = most
    try:
        data: bytes = request.stream.read()
    except RequestEntityTooLarge as problem:
        raise JsonTooLargeError("", f"is longer than {most} bytes.") from problem
    except (ClientDisconnected, OSError) as problem:
        raise JsonError("", "ended before its stated length.") from problem
    return data


def box_body(most: int) -> bytes:
    """Return the body of a box's call; a long one is read only where the token is signed by a box of this centre.

    So nobody else can have the hub hold megabytes. Whether the box is still good and its clock right is said after the
    body was read: a box that is refused in the middle of sending would hear no answer.

    Raises:
        TokenError: the token is missing, or no box of this centre signed it for this hub.
        TooManyError: too many calls in its name were refused from this address.
        JsonError: as `body_bytes`.
    """
    stated = request.content_length
    if stated is None or stated > SMALL.size:
        with api().connections.one() as db:
            sender, text = _not_shut_out()
            try:
                check_sender(text, _known(db, sender).public, audience=hub().keys.id)
            except ApplianceError as problem:
                _refuse(sender, problem)
    return body_bytes(most)


def calling_box(db: Database, body: bytes) -> Peer:
    """Return which box calls.

    Raises:
        TokenError: the token is refused (401).
        BoxRefusedError: the box was revoked, or its time is over (403).
        TooManyError: it calls too often, or too many calls in its name were refused from this address (429).
    """
    sender, text = _not_shut_out()
    try:
        box = _known(db, sender)
        token = _checked(text, box.public, hub().keys.id, body)
        check_good(box, now_us=services().clock.wall_us())
    except ApplianceError as problem:
        _refuse(sender, problem)
    wait = hub().calls.take(sender)
    if wait:
        raise _too_many(wait)
    return Peer(box, token)


def joining_box(public: bytes, box: str, body: bytes) -> PeerToken:
    """Return the token of a box that is about to join, signed with the key it brings.

    Raises:
        TokenError: the token is refused, or is in another name than the body.
        TooManyError: too many tries come from this address.
    """
    sender, text = _claimed()
    wait = hub().codes.take(address())
    if wait:
        raise _too_many(wait)
    if sender != box:
        raise TokenError("The token is in another box's name than the request.", reason="sender")
    try:
        return _checked(text, public, ENROL_AUDIENCE, body)
    except ValueError as problem:
        raise TokenError("The key is no Ed25519 key.", reason="signature") from problem


def look_at_token() -> None:
    """Read what the request's token claims, before anything else: the answer is signed for its jti, refused or not."""
    try:
        text = token_of_header(request.headers.get("Authorization"))
        said = claimed(text)
    except TokenError as problem:
        g.peer_claim = problem
    else:
        g.peer_jti, g.peer_claim = said.jti, (said.sender, text)


def _claimed() -> tuple[str, str]:
    """Return the sender the token claims, and its text.

    Raises:
        TokenError: there is none, or none of its form.
    """
    found: tuple[str, str] | TokenError = g.peer_claim
    if isinstance(found, TokenError):
        raise found
    return found


def _not_shut_out() -> tuple[str, str]:
    """Return the sender the token claims, and its text.

    Raises:
        TokenError: as `_claimed`.
        TooManyError: too many calls in its name were refused from this address.
    """
    sender, text = _claimed()
    wait = hub().refused.wait_s((address(), sender))
    if wait:
        raise _too_many(wait)
    return sender, text


def _known(db: Database, sender: str) -> Box:
    try:
        return get_box(db, sender)
    except NotFoundError as problem:
        raise UnknownBoxError from problem


def _checked(text: str, public: bytes, audience: str, body: bytes) -> PeerToken:
    token = check_request(
        text,
        public,
        audience=audience,
        method=request.method,
        path=_path(),
        body=body,
        now_us=services().clock.wall_us(),
    )
    if not hub().tokens.take(token.sender, token.jti, token.expires_us):
        raise ReplayedTokenError
    return token


def _path() -> str:
    """Return path and query exactly as they were sent: that is what was signed."""
    return str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?"))


def _refuse(sender: str, problem: ApplianceError) -> NoReturn:
    """Count a refusal and raise it. A clock that differs is not counted: the box learns the time from the answer."""
    if not (isinstance(problem, TokenError) and problem.reason in _CLOCKS):
        hub().refused.take((address(), sender))
    raise problem


def _too_many(wait_s: float) -> TooManyError:
    return TooManyError("This box, or somebody in its name, calls too often.", math.ceil(wait_s))
