"""Compact signed texts (JWS, RFC 7515) with Ed25519 (RFC 8037) and nothing else (pure).

PyJWT makes and checks the signature. Form and claims are read here, as strictly as two ends of our own allow.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.utils import base64url_decode, base64url_encode

from appliance.exchange.json_edge import JsonError, JsonObject, Limits, parse_object
from appliance.exchange.token import TokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.exchange.json_edge import Json

MAX_CHARACTERS: Final = 8 * 1024
_ALGORITHM: Final = "EdDSA"
_HEADER: Final = Limits(size=512, depth=2)
_CLAIMS: Final = Limits(size=MAX_CHARACTERS, depth=2)
_PARTS: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_SIGNATURES: Final = jwt.PyJWS(algorithms=[_ALGORITHM])
_MS: Final = 1000
_MAX_SECONDS: Final = 9_000_000_000


@dataclass(frozen=True, slots=True)
class Unverified:
    """A text of the right form: what it says may be a lie."""

    text: str
    claims: JsonObject


def sign(claims: Mapping[str, Json], private: Ed25519PrivateKey) -> str:
    """Return the claims as a signed text."""
    return _SIGNATURES.encode(json.dumps(claims, separators=(",", ":")).encode(), private, _ALGORITHM)


def read_unverified(text: str) -> Unverified:
    """Return a text's claims if it has the one form that is taken.

    Raises:
        TokenError: ``too_long``, ``malformed``, ``algorithm`` or ``claims``.
    """
    if len(text) > MAX_CHARACTERS:
        raise TokenError(f"The token is longer than {MAX_CHARACTERS} characters.", reason="too_long")
    parts = _PARTS.fullmatch(text)
    if parts is None or not all(_is_canonical(part) for part in parts.groups()):
        raise TokenError("The token is not a JWT.", reason="malformed")
    header = _object(parts[1], _HEADER, "malformed")
    if header.get("alg") != _ALGORITHM:
        raise TokenError("The token is not signed with EdDSA.", reason="algorithm")
    if "crit" in header or "b64" in header:
        raise TokenError("The header of the token asks for an extension that is not known here.", reason="malformed")
    return Unverified(text, _object(parts[2], _CLAIMS, "claims"))


def verify(unverified: Unverified, public: bytes) -> JsonObject:
    """Return the claims of a text that is signed with the key of these 32 raw bytes.

    Raises:
        TokenError: it is not (``signature``).
        ValueError: the bytes are no Ed25519 public key.
    """
    key = Ed25519PublicKey.from_public_bytes(public)
    try:
        _SIGNATURES.decode(unverified.text, key, algorithms=[_ALGORITHM])
    except jwt.InvalidSignatureError as problem:
        raise TokenError(
            "The token is not signed with the key that is known of its sender.",
            reason="signature",
            hint="If the box was enrolled anew or restored, enrol it again.",
        ) from problem
    except jwt.InvalidTokenError as problem:
        raise TokenError("The token is not a JWT.", reason="malformed") from problem
    return unverified.claims


def text_claim(claims: JsonObject, name: str, form: re.Pattern[str]) -> str:
    """Return a claim that has to be a text of a form.

    Raises:
        TokenError: it is none (``claims``).
    """
    value = claims.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise TokenError(f"The token's {name} does not have its form.", reason="claims")
    return value


def time_claim_us(claims: JsonObject, name: str) -> int:
    """Return a claim that has to be seconds since 1970, as microseconds, cut to a millisecond.

    Raises:
        TokenError: it is none (``claims``).
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MAX_SECONDS:
        raise TokenError(f"The token's {name} is not a number of seconds.", reason="claims")
    return round(value * _MS) * _MS


def seconds(us: int) -> float:
    """Return an instant as a claim holds it: seconds, cut to a millisecond."""
    return (us // _MS) / _MS


def _object(part: str, limits: Limits, reason: str) -> JsonObject:
    try:
        return parse_object(base64url_decode(part), limits)
    except JsonError as problem:
        raise TokenError(f"The content of the token is wrong: {problem.message}", reason=reason) from problem


def _is_canonical(part: str) -> bool:
    """Whether a part is the one way to write its bytes, so that a token cannot be changed and stay valid."""
    return len(part) % 4 != 1 and base64url_encode(base64url_decode(part)).decode() == part
