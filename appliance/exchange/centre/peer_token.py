"""Tokens between box and hub, signed with Ed25519: beside each request, and beside each answer (pure).

A request has ``Authorization: JWT <token>``. Its claims bind it to sender, receiver, method, path (with query) and body,
for 30 s. An answer has ``X-Exambox-Answer: <token>``, bound to the request, the status and the body, with the hub's time,
from which a box measures how wrong its clock is (`clock_offset`). Nothing a token's header names is followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LIFE_US: Final = 30 * SECOND_US
LEEWAY_US: Final = 30 * SECOND_US
"""How far the sender's clock may be off, where nothing else is known."""
ANSWER_HEADER: Final = "X-Exambox-Answer"


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
        audience: who receives: ``hub:<id>``; in an enrolment, where it is not known yet, ``enrol``.
        method: of HTTP, in capitals.
        path: of the request, with ``?`` and query where there is one, as sent.
        body: as sent; empty where there is none.
        now_us: UTC, as near to the receiver's as is known.
        jti: `new_jti` of 16 random bytes.
    """
    raise NotImplementedError


def new_jti(random: bytes) -> str:
    """Return a token's identity of at least 16 random bytes."""
    raise NotImplementedError


def claimed(token: str) -> Claimed:
    """Return whom a token says it is from, and its identity: not verified.

    Raises:
        TokenError: it is not of the form of a token (``too_long``, ``malformed``, ``algorithm``, ``claims``).
    """
    raise NotImplementedError


def claimed_sender(token: str) -> str:
    """Return whom a token says it is from: not verified, good for finding the key to verify it with.

    Raises:
        TokenError: as of `claimed`.
    """
    return claimed(token).sender


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
    raise NotImplementedError


def sign_answer(private: Ed25519PrivateKey, *, hub: str, to: str, status: int, body: bytes, now_us: int) -> str:
    """Return the value of `ANSWER_HEADER`; ``to`` is the request's jti, claimed where the request was refused."""
    raise NotImplementedError


def check_answer(token: str, public: bytes, *, hub: str, to: str, status: int, body: bytes) -> Answered:
    """Return what an answer's token says if this hub signed it for just this request, status and body.

    Raises:
        TokenError: refused; ``reason`` is ``too_long``, ``malformed``, ``algorithm``, ``signature``, ``claims``,
            ``sender``, ``request`` or ``answer`` (another status or body).
        ValueError: the key is no Ed25519 public key.
    """
    raise NotImplementedError
