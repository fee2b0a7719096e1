"""Tokens of the proctoring JWT API: checked as strictly as shipped clients allow, and issued for our own calls (pure).

PyJWT does the signature alone. It would read the wall clock itself, cut the fraction off ``exp``, and refuse
claims of start tokens (an integer ``sub``, any ``aud``) that are not its business here; so claims are read here.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from appliance.errors import ApplianceError
from appliance.exchange.json_edge import JsonError, JsonObject, Limits, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appliance.exchange.json_edge import Json

SECOND_US: Final = 1_000_000
SCHEME: Final = "JWT"
MIN_SECRET_BYTES: Final = 32
"""RFC 7518, 3.2: an HS256 key is at least as long as the hash; client libraries refuse shorter ones."""
LIFE_S: Final = 30
"""Seconds that a token of ours is good for."""
REGISTERED: Final = frozenset({"exp", "iat", "nbf", "jti", "iss", "aud", "sub"})
"""Claims that are about the token, not about an exam (RFC 7519, 4.1)."""
_ALGORITHM: Final = "HS256"
_HEADER: Final = Limits(size=2048, depth=4)
_PARTS: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_HMAC: Final = HMACAlgorithm(HMACAlgorithm.SHA256)
_KNOWN_HEADERS: Final = 64
_KNOWN_SECRETS: Final = 64
_SIGNATURES: Final = jwt.PyJWS(algorithms=[_ALGORITHM], options={"enforce_minimum_key_length": True})
_MAX_JTI: Final = 255
_MAX_SECONDS: Final = 253_402_300_799
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What is asked of a token.

    Attributes:
        exp_required: whether one without an end is refused; start tokens of shipped clients have none.
        leeway_s: seconds by which the sender's clock may differ, for ``exp`` and ``nbf``.
        iat_leeway_s: seconds by which ``iat`` may lie ahead.
        max_characters: longer ones are refused unread.
        max_depth: lists and objects of the claims inside one another.
    """

    exp_required: bool = True
    leeway_s: int = 30
    iat_leeway_s: int = 300
    max_characters: int = 8 * 1024
    max_depth: int = 4


CALL: Final = TokenRules()
"""Of a token beside a request."""
HAND_OVER: Final = TokenRules(exp_required=False, max_characters=128 * 1024, max_depth=12)
"""Of a token that brings a browser and holds everything about its exam."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was signed with one of the secrets and is good now.

    Attributes:
        claims: all of them.
        jti: its identity, by which a caller refuses a second use; None where it has none.
        expires_us: until when a second use has to be remembered, leeway included; None where it has no end.
        secret_index: which of the secrets it was signed with, so that the end of a rotation can be seen.
    """

    claims: JsonObject
    jti: str | None
    expires_us: int | None
    secret_index: int

    @property
    def parameters(self) -> JsonObject:
        """The claims that are not about the token itself."""
        return {name: value for name, value in self.claims.items() if name not in REGISTERED}


class TokenError(ApplianceError):
    """A token is missing or refused; ``reason`` is a stable word for why."""

    code = "token.refused"
    status = 401

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def token_of_header(header: str | None) -> str:
    """Return the token of an ``Authorization`` header.

    Raises:
        TokenError: there is no header, or its scheme is not ``JWT``.
    """
    scheme, _, token = (header or "").strip().partition(" ")
    if not scheme:
        raise TokenError(
            "The request has no token.", reason="missing", hint="Send the header “Authorization: JWT <token>”."
        )
    if scheme.upper() != SCHEME or not token.strip():
        raise TokenError(
            "The header “Authorization” does not hold a token of the scheme JWT.",
            reason="scheme",
            hint="Send the header “Authorization: JWT <token>”.",
        )
    return token.strip()


def check_token(text: str, secrets: Sequence[str], *, now_us: int, rules: TokenRules = CALL) -> Token:
    """Return what a token says if it was signed with one of the secrets and is good now.

    Whatever else its header names (``kid``, ``jku``, ``jwk``, ``x5u``), nothing of it is followed.

    Args:
        text: the token itself.
        secrets: those that are valid; several while one is being changed.
        now_us: UTC.
        rules: what is asked of it.

    Raises:
        TokenError: it is refused; claims are only spoken of where the signature was right.
        ValueError: a secret of ours is too short or a key of another kind, or there is none.
    """
    _check_secrets(secrets)
    signed, payload, signature = _well_formed(text, rules)
    secret_index = _signed_with(signed, signature, secrets)
    claims = _claims(payload, rules)
    expires_us = _time_us(claims, "exp")
    _check_times(claims, expires_us, now_us, rules)
    leeway_us = rules.leeway_s * SECOND_US
    return Token(claims, _jti(claims), None if expires_us is None else expires_us + leeway_us, secret_index)


def issue_token(
    secret: str, *, now_us: int, life_s: int = LIFE_S, claims: Mapping[str, Json] | None = None, jti: str | None = None
) -> str:
    """Return a token of ours: ``exp`` is ``life_s`` from now, beside it the claims and, if given, ``jti``.

    Raises:
        ValueError: the secret is too short to sign with.
    """
    _check_secrets([secret])
    content = {**(claims or {}), "exp": now_us // SECOND_US + life_s, **({"jti": jti} if jti else {})}
    return _SIGNATURES.encode(json.dumps(content, separators=(",", ":")).encode(), secret, _ALGORITHM)


def authorization(token: str) -> str:
    """Return the value of the header ``Authorization`` for a token."""
    return f"{SCHEME} {token}"


def _check_secrets(secrets: Sequence[str]) -> None:
    if not secrets or any(len(secret.encode()) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"a secret has to have at least {MIN_SECRET_BYTES} bytes")


def _well_formed(text: str, rules: TokenRules) -> tuple[bytes, bytes, bytes]:
    """Return what was signed, the payload and the signature, if there are three parts and the first asks for HS256."""
    if len(text) > rules.max_characters:
        raise TokenError(f"The token is longer than {rules.max_characters} characters.", reason="too_long")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise _malformed()
    _check_header(parts[1])
    return text[: parts.end(2)].encode("ascii"), _bytes_of(parts[2]), _bytes_of(parts[3])


@functools.lru_cache(maxsize=_KNOWN_HEADERS)
def _check_header(part: str) -> None:
    """Refuse a header that does not ask for HS256, or asks for more; a client's are all the same: read once."""
    try:
        header = parse_object(_bytes_of(part), _HEADER)
    except JsonError as problem:
        raise TokenError(f"The header of the token is wrong: {problem.message}", reason="malformed") from problem
    if header.get("alg") != _ALGORITHM:
        raise TokenError("The token is not signed with HS256.", reason="algorithm")
    if "crit" in header or "b64" in header:
        raise TokenError("The header of the token asks for an extension that is not known here.", reason="malformed")
    if not isinstance(header.get("kid", ""), str):
        raise _malformed()


def _bytes_of(part: str) -> bytes:
    """Return the bytes of a part that is the one way to write them, so that no token can be changed and stay valid."""
    if len(part) % 4 != 1:
        found = base64url_decode(part)
        if base64url_encode(found).decode() == part:
            return found
    raise _malformed()


def _malformed() -> TokenError:
    return TokenError("The token is not a JWT.", reason="malformed")


def _signed_with(signed: bytes, signature: bytes, secrets: Sequence[str]) -> int:
    """Return which of the secrets a token was signed with."""
    for index, secret in enumerate(secrets):
        try:
            key = _prepared(secret)
        except jwt.InvalidKeyError as problem:
            raise ValueError("a secret has the form of a key of another kind") from problem
        if _HMAC.verify(signed, key, signature):
            return index
    raise TokenError(
        "The token is not signed with the secret of this integration.",
        reason="signature",
        hint="Compare integration and secret on both sides; a secret that was changed has to be entered anew.",
    )


@functools.lru_cache(maxsize=_KNOWN_SECRETS)
def _prepared(secret: str) -> bytes:
    """Return a secret as the key it is; PyJWT looks whether it has the form of a key of another kind, which takes long.

    Raises:
        InvalidKeyError: it has.
    """
    return _HMAC.prepare_key(secret)


def _claims(payload: bytes, rules: TokenRules) -> JsonObject:
    try:
        return parse_object(payload, Limits(size=rules.max_characters, depth=rules.max_depth))
    except JsonError as problem:
        raise TokenError(f"The content of the token is wrong: {problem.message}", reason="claims") from problem


def _check_times(claims: JsonObject, expires_us: int | None, now_us: int, rules: TokenRules) -> None:
    leeway_us = rules.leeway_s * SECOND_US
    if expires_us is None and rules.exp_required:
        raise TokenError("The token has no end (exp).", reason="no_end")
    if expires_us is not None and expires_us + leeway_us <= now_us:
        raise TokenError(
            f"The token ended {(now_us - expires_us) // SECOND_US} s ago.",
            reason="expired",
            hint="If it was new, the clocks of the two sides differ: compare them.",
        )
    for name, allowed_us in (("nbf", leeway_us), ("iat", rules.iat_leeway_s * SECOND_US)):
        time_us = _time_us(claims, name)
        if time_us is not None and time_us > now_us + allowed_us:
            raise TokenError(
                f"The token is of the future: {name} is {(time_us - now_us) // SECOND_US} s ahead.",
                reason="future",
                hint="The clocks of the two sides differ: compare them.",
            )


def _time_us(claims: JsonObject, name: str) -> int | None:
    """Return a claim's time; null is as absent, as clients write it."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MAX_SECONDS:
        raise TokenError(f"The token's {name} is not a number of seconds.", reason="claims")
    return int(value * SECOND_US)


def _jti(claims: JsonObject) -> str | None:
    value = claims.get("jti")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not 0 < len(str(value)) <= _MAX_JTI:
        raise TokenError(f"The token's jti is not a text of at most {_MAX_JTI} characters.", reason="claims")
    return str(value)
