"""Tokens between box and hub, signed with Ed25519: beside each request, and beside each answer (pure).

A request has ``Authorization: JWT <token>``. Its claims bind it to sender, receiver, method, path (with query) and
body, for 30 s. An answer has ``X-Exambox-Answer: <token>``, bound to the request, the status and the body, with the
hub's time, from which a box measures how wrong its clock is (`clock_offset`). Nothing a token's header names is
followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jwt.utils import base64url_encode

from appliance.clock import SECOND_US
from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.peer_jws import read_unverified, seconds, sign, text_claim, time_claim_us, verify
from appliance.exchange.token import TokenError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.exchange.json_edge import JsonObject

LIFE_US: Final = 30 * SECOND_US
LEEWAY_US: Final = 30 * SECOND_US
"""How far the sender's clock may be off, where nothing else is known."""
ANSWER_HEADER: Final = "X-Exambox-Answer"
ENROL_AUDIENCE: Final = "enrol"
"""Whom an enrolment is for: the hub's name is not known yet."""
_JTI_BYTES: Final = 16
_PARTY: Final = re.compile(r"(?:hub:)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EPOCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_JTI: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_ANY: Final = re.compile(r".{0,2048}", re.DOTALL)
_ROUNDING_US: Final = 1000


@dataclass(frozen=True, slots=True)
class PeerToken:
    """A request's token that is rightly signed and good now.

    Attributes:
        sender: a box's id, or ``hub:<id>``.
        epoch: of the box.
        jti: its identity; a receiver remembers it until `expires_us` and refuses a second use.
        issued_us: when it was signed, by the sender's clock.
        expires_us: leeway included.
    """

    sender: str
    epoch: str
    jti: str
    issued_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of itself, unverified: good for finding a key, for nothing else."""

    sender: str
    jti: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that its hub signed for just this request.

    Attributes:
        sender: ``hub:<id>``.
        at_us: the hub's time when it signed, cut to a millisecond.
    """

    sender: str
    at_us: int


def sign_request(
    private: Ed25519PrivateKey,
    *,
    box: str,
    epoch: str,
    audience: str,
    method: str,
    path: str,
    body: bytes,
    now_us: int,
    jti: str,
) -> str:
    """Return the token of a request.

    Args:
        private: the box's.
        box: who sends: a box's id, or ``hub:<id>``.
        epoch: of the box.
        audience: who receives: ``hub:<id>``; in an enrolment, where it is not known yet, `ENROL_AUDIENCE`.
        method: of HTTP, in capitals.
        path: of the request, with ``?`` and query where there is one, as sent.
        body: as sent; empty where there is none.
        now_us: UTC, as near to the receiver's as is known.
        jti: `new_jti` of 16 random bytes.
    """
    claims: JsonObject = {
        "iss": box,
        "aud": audience,
        "epoch": epoch,
        "iat": seconds(now_us),
        "exp": seconds(now_us + LIFE_US),
        "jti": jti,
        "method": method,
        "path": path,
        "body": sha256_text(body),
    }
    return sign(claims, private)


def new_jti(random: bytes) -> str:
    """Return a token's identity of 16 random bytes.

    Raises:
        ValueError: there are fewer.
    """
    if len(random) < _JTI_BYTES:
        raise ValueError(f"a token's identity needs {_JTI_BYTES} random bytes")
    return base64url_encode(random[:_JTI_BYTES]).decode()


def claimed(token: str) -> Claimed:
    """Return whom a token says it is from, and its identity: not verified.

    Raises:
        TokenError: it is not of the form of a token (``too_long``, ``malformed``, ``algorithm``, ``claims``).
    """
    claims = read_unverified(token).claims
    return Claimed(text_claim(claims, "iss", _PARTY), text_claim(claims, "jti", _JTI))


def claimed_sender(token: str) -> str:
    """Return whom a token says it is from: not verified, good for finding the key to verify it with.

    Raises:
        TokenError: as of `claimed`.
    """
    return claimed(token).sender


def check_sender(token: str, public: bytes, *, audience: str) -> None:
    """Return if a token is signed with this key and for this receiver: enough to read a long body, for nothing else.

    Neither what it was signed over nor its time is looked at; `check_request` follows once the body is there.

    Raises:
        TokenError: refused; ``reason`` is ``too_long``, ``malformed``, ``algorithm``, ``signature`` or ``audience``.
        ValueError: the key is no Ed25519 public key.
    """
    _for_us(verify(read_unverified(token), public), audience)


def check_request(
    token: str,
    public: bytes,
    *,
    audience: str,
    method: str,
    path: str,
    body: bytes,
    now_us: int,
    leeway_us: int = LEEWAY_US,
) -> PeerToken:
    """Return what a request's token says if it is signed with this key, for this request, and good now.

    Whether its `jti` was used before is the caller's to know.

    Raises:
        TokenError: refused; ``reason`` is ``too_long``, ``malformed``, ``algorithm``, ``signature``, ``claims``,
            ``audience``, ``request`` (another method, path or body), ``life``, ``expired`` or ``future``.
        ValueError: the key is no Ed25519 public key.
    """
    claims = verify(read_unverified(token), public)
    sender, epoch, jti = (
        text_claim(claims, name, form) for name, form in (("iss", _PARTY), ("epoch", _EPOCH), ("jti", _JTI))
    )
    _for_us(claims, audience)
    _check_bound(claims, {"method": method, "path": path, "body": sha256_text(body)}, reason="request")
    issued_us, expires_us = time_claim_us(claims, "iat"), time_claim_us(claims, "exp")
    _check_times(issued_us, expires_us, now_us=now_us, leeway_us=leeway_us)
    return PeerToken(sender, epoch, jti, issued_us, expires_us + leeway_us)


def sign_answer(private: Ed25519PrivateKey, *, hub: str, to: str, status: int, body: bytes, now_us: int) -> str:
    """Return the value of `ANSWER_HEADER`; ``to`` is the request's jti, claimed where the request was refused."""
    claims: JsonObject = {"iss": hub, "iat": seconds(now_us), "to": to, "status": status, "body": sha256_text(body)}
    return sign(claims, private)


def check_answer(token: str, public: bytes, *, hub: str, to: str, status: int, body: bytes) -> Answered:
    """Return what an answer's token says if this hub signed it for just this request, status and body.

    Raises:
        TokenError: refused; ``reason`` is ``too_long``, ``malformed``, ``algorithm``, ``signature``, ``claims``,
            ``sender``, ``request`` or ``answer`` (another status or body).
        ValueError: the key is no Ed25519 public key.
    """
    claims = verify(read_unverified(token), public)
    if text_claim(claims, "iss", _PARTY) != hub:
        raise TokenError("The answer is signed in another central service's name.", reason="sender")
    if text_claim(claims, "to", _ANY) != to:
        raise TokenError("The answer is to another request.", reason="request")
    told = claims.get("status")
    if isinstance(told, bool) or told != status:
        raise TokenError("The answer has another status than was signed.", reason="answer")
    _check_bound(claims, {"body": sha256_text(body)}, reason="answer")
    return Answered(hub, time_claim_us(claims, "iat"))


def _for_us(claims: JsonObject, audience: str) -> None:
    if text_claim(claims, "aud", _ANY) != audience:
        raise TokenError("The token is for somebody else.", reason="audience")


def _check_bound(claims: JsonObject, wanted: dict[str, str], *, reason: str) -> None:
    """Refuse a token that was signed over something else; what is compared is no secret."""
    for name, value in wanted.items():
        if text_claim(claims, name, _ANY) != value:
            raise TokenError(f"The token was signed over another {name}.", reason=reason)


def _check_times(issued_us: int, expires_us: int, *, now_us: int, leeway_us: int) -> None:
    if not 0 < expires_us - issued_us <= LIFE_US + _ROUNDING_US:
        raise TokenError(f"The token is meant to live longer than {LIFE_US // SECOND_US} s.", reason="life")
    hint = "The clocks of the two sides differ; the answer holds this side's time."
    if expires_us + leeway_us <= now_us:
        raise TokenError(f"The token ended {(now_us - expires_us) // SECOND_US} s ago.", reason="expired", hint=hint)
    if issued_us > now_us + leeway_us:
        raise TokenError(
            f"The token is of the future: it was made {(issued_us - now_us) // SECOND_US} s ahead.",
            reason="future",
            hint=hint,
        )
