"""Tokens are taken as shipped clients send them, and refused when forged, stale or strange."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.token import (
    CALL,
    HAND_OVER,
    SECOND_US,
    Token,
    TokenError,
    TokenRules,
    authorization,
    check_token,
    issue_token,
    token_of_header,
)
from tests.exchange.values import JSON_VALUES

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
NOW_S = 1_800_000_000
NOW_US = NOW_S * SECOND_US
HEADER = b'{"alg":"HS256","typ":"JWT"}'


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(payload: bytes, *, header: bytes = HEADER, secret: str = SECRET) -> str:
    """Return a token of any bytes, rightly signed, as whoever has the secret can make it."""
    start = f"{b64(header)}.{b64(payload)}"
    return f"{start}.{b64(hmac.digest(secret.encode(), start.encode(), hashlib.sha256))}"


def token_of(claims: dict[str, Any], **words: Any) -> str:
    """Return a rightly signed token of claims."""
    return signed(json.dumps(claims).encode(), **words)


def check(text: str, rules: TokenRules = CALL, *, secrets: tuple[str, ...] = (SECRET,)) -> Token:
    """Check a token now."""
    return check_token(text, secrets, now_us=NOW_US, rules=rules)


def reason(text: str, rules: TokenRules = CALL, *, secrets: tuple[str, ...] = (SECRET,)) -> str:
    """Return why a token is refused now."""
    with pytest.raises(TokenError) as refused:
        check(text, rules, secrets=secrets)
    assert refused.value.status == 401
    assert SECRET not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S + 30},
        {"exp": NOW_S + 300, "iat": NOW_S, "session_id": "x"},
        {"exp": NOW_S + 30.725},
        {"exp": NOW_S + 30, "sub": 107, "aud": ["somebody"], "iss": None, "iat": None, "nbf": NOW_S},
        {"exp": NOW_S - 29},
        {"exp": NOW_S + 30, "iat": NOW_S + 299.5},
    ],
)
def test_what_clients_send_is_taken(claims: dict[str, Any]) -> None:
    """Float times, strange subjects, audiences, nulls and clocks within the leeway are no reason to refuse."""
    token = check(token_of(claims))
    assert token.claims == claims
    assert token.jti is None
    assert token.expires_us == int(claims["exp"] * SECOND_US) + CALL.leeway_s * SECOND_US


def test_a_library_s_own_token_is_taken() -> None:
    """A token of PyJWT with a key's name and an address of keys is checked with our secret alone."""
    headers = {"kid": "../../etc/passwd", "jku": "https://evil.example/keys", "x5u": "https://evil.example/x"}
    assert check(jwt.encode({"exp": NOW_S + 30}, SECRET, "HS256", headers=headers)).secret_index == 0


def test_our_own_token_is_good_for_30_seconds_and_read_by_a_library() -> None:
    """A token that we issue ends 30 s from now, carries what it was given, and any JWT library reads it."""
    text = issue_token(SECRET, now_us=NOW_US, claims={"box": "b1"}, jti="b1:1:7")
    read = jwt.decode(text, SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert read == {"box": "b1", "exp": NOW_S + 30, "jti": "b1:1:7"}
    assert check(token_of_header(authorization(text))).jti == "b1:1:7"
    assert jwt.decode(issue_token(SECRET, now_us=NOW_US), SECRET, ["HS256"], {"verify_exp": False}) == {
        "exp": NOW_S + 30
    }


def test_a_hand_over_needs_no_end_and_gives_its_parameters_alone() -> None:
    """A start token without ``exp`` is taken where the caller says so; claims about the token are no parameters."""
    text = token_of({"examId": 7, "iat": NOW_S, "jti": 12, "userId": "u", "session_id": "kept"})
    token = check(text, HAND_OVER)
    assert token.parameters == {"examId": 7, "userId": "u", "session_id": "kept"}
    assert (token.jti, token.expires_us) == ("12", None)
    assert reason(text) == "no_end"
    assert reason(token_of({"exp": None})) == "no_end"


def test_during_a_rotation_either_secret_signs() -> None:
    """Each of the valid secrets is taken and named; one that was taken away is refused."""
    text = token_of({"exp": NOW_S + 30}, secret=OTHER)
    assert check(text, secrets=(SECRET, OTHER)).secret_index == 1
    assert check(text, secrets=(OTHER, SECRET)).secret_index == 0
    assert reason(text) == "signature"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW_S - 30}, "expired"),
        ({"exp": NOW_S - 30.5}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": NOW_S + 30, "nbf": NOW_S + 31}, "future"),
        ({"exp": NOW_S + 900, "iat": NOW_S + 301}, "future"),
        ({"exp": str(NOW_S + 30)}, "claims"),
        ({"exp": True}, "claims"),
        ({"exp": [NOW_S + 30]}, "claims"),
        ({"exp": 1e300}, "claims"),
        ({"exp": -1}, "claims"),
        ({"exp": NOW_S + 30, "iat": {}}, "claims"),
        ({"exp": NOW_S + 30, "jti": ""}, "claims"),
        ({"exp": NOW_S + 30, "jti": "x" * 256}, "claims"),
        ({"exp": NOW_S + 30, "jti": ["x"]}, "claims"),
        ({"exp": NOW_S + 30, "x": [[[[1]]]]}, "claims"),
    ],
)
def test_claims_that_are_refused(claims: dict[str, Any], why: str) -> None:
    """Times that have passed or not come, claims of another type and nested ones are each refused by name."""
    assert reason(token_of(claims)) == why


@pytest.mark.parametrize(
    "payload",
    [
        b'{"exp":1800000030,"exp":1}',
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        b'{"exp":' + b"9" * 4500 + b"}",
        b"[1]",
        b"null",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"exp":1800000030,"x":"\\ud800"}',
        b"[" * 3000,
    ],
)
def test_content_that_is_not_plain_json_is_refused(payload: bytes) -> None:
    """Doubled keys, numbers that are none, depth and bytes that are no text are refused although the signature fits."""
    assert reason(signed(payload)) == "claims"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b'{"alg":"none"}', "algorithm"),
        (b'{"alg":"None"}', "algorithm"),
        (b'{"alg":"nOnE"}', "algorithm"),
        (b'{"alg":"hs256"}', "algorithm"),
        (b'{"alg":"HS512"}', "algorithm"),
        (b'{"alg":"HS384"}', "algorithm"),
        (b'{"alg":"RS256"}', "algorithm"),
        (b'{"alg":"ES256"}', "algorithm"),
        (b'{"alg":["HS256"]}', "algorithm"),
        (b'{"alg":null}', "algorithm"),
        (b'{"alg":""}', "algorithm"),
        (b"{}", "algorithm"),
        (b'{"alg":"none","alg":"HS256"}', "malformed"),
        (b'{"alg":"HS256","alg":"none"}', "malformed"),
        (b'{"alg":"HS256","crit":["exp"],"exp":1}', "malformed"),
        (b'{"alg":"HS256","crit":["b64"],"b64":false}', "malformed"),
        (b'{"alg":"HS256","b64":false}', "malformed"),
        (b'{"alg":"HS256","x":[[[[[]]]]]}', "malformed"),
        (b'{"alg":"HS256","x":"' + b"y" * 2048 + b'"}', "malformed"),
        (b'["HS256"]', "malformed"),
        (b"\xff", "malformed"),
    ],
)
def test_headers_that_are_refused(header: bytes, why: str) -> None:
    """Only a plain header of HS256, each key once, is taken, however the rest was signed."""
    assert reason(signed(b'{"exp":1800000030}', header=header)) == why


def test_a_token_without_signature_is_refused() -> None:
    """``alg: none`` with an empty or borrowed signature opens nothing."""
    unsigned = jwt.encode({"exp": NOW_S + 30}, None, "none")
    assert reason(unsigned) == "malformed"
    assert reason(unsigned + b64(bytes(32))) == "algorithm"


def test_a_public_key_is_no_secret() -> None:
    """A token of RS256 is refused, and one signed by HMAC with the public key's text as well."""
    key = rsa.generate_private_key(65537, 2048)
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    assert reason(jwt.encode({"exp": NOW_S + 30}, key, "RS256")) == "algorithm"
    assert reason(token_of({"exp": NOW_S + 30}, secret=public)) == "signature"
    with pytest.raises(ValueError, match="another kind"):
        check(token_of({"exp": NOW_S + 30}, secret=public), secrets=(public,))


@pytest.mark.parametrize("secrets", [(), ("short",), (SECRET, ""), (SECRET[:-1],)])
def test_a_short_secret_of_ours_is_a_mistake_of_ours(secrets: tuple[str, ...]) -> None:
    """No token is checked with a secret that can be guessed, nor issued."""
    with pytest.raises(ValueError, match="32 bytes"):
        check("x", secrets=secrets)
    with pytest.raises(ValueError, match="32 bytes"):
        issue_token(secrets[-1] if secrets and secrets[-1] != SECRET else "", now_us=NOW_US)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a",
        "a.b",
        "a.b.c.d",
        "ключ.b.c",
        "a b.c.d",
        "a.b.c\n",
        "\x00.b.c",
        "A.B.C",
        "=.=.=",
        "\N{ARABIC-INDIC DIGIT ONE}.b.c",
    ],
)
def test_texts_that_are_no_token(text: str) -> None:
    """Anything but three parts of base64url is refused as not being a token."""
    assert reason(text) == "malformed"


def test_a_token_that_is_too_long_is_refused_unread() -> None:
    """One sign beyond the limit is refused before anything else is looked at; a hand-over may be longer."""
    long = token_of({"exp": NOW_S + 30, "x": "y" * CALL.max_characters})
    assert reason(long) == "too_long"
    assert check(long, HAND_OVER).claims["x"]
    assert reason("." * (HAND_OVER.max_characters + 1), HAND_OVER) == "too_long"


@given(st.data())
def test_no_changed_token_is_taken(data: st.DataObject) -> None:
    """A token that was cut, or in which one sign is another, is refused, down to the unused bits of its last sign."""
    text = token_of({"exp": NOW_S + 30, "role": "x"})
    at = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from("ABab09-_.=é ").filter(lambda one: one != text[at]))
    for bad in (text[:at], text[:at] + sign + text[at + 1 :], text + sign, text[:at] + text[at + 1 :]):
        assert reason(bad) in {"malformed", "algorithm", "signature"}


@given(st.text(max_size=80) | st.lists(st.binary(max_size=30).map(b64), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_by_name(text: str) -> None:
    """No text raises anything but a token error."""
    assert reason(text)


@given(st.dictionaries(st.sampled_from(["exp", "iat", "nbf", "jti", "sub", "x"]), JSON_VALUES), JSON_VALUES)
def test_any_signed_content_is_taken_whole_or_refused(claims: dict[str, Any], header: Any) -> None:
    """Signed claims and headers of any JSON come back as they were, or are a token error."""
    for text in (token_of(claims), signed(b"{}", header=json.dumps(header).encode())):
        try:
            token = check(text, HAND_OVER)
        except TokenError:
            continue
        assert token.claims == claims


@pytest.mark.parametrize(
    ("header", "why"),
    [(None, "missing"), ("", "missing"), ("  ", "missing"), ("Bearer a.b.c", "scheme"), ("JWT", "scheme"),
     ("JWT ", "scheme"), ("a.b.c", "scheme"), ("Basic eDp5", "scheme"), ("JWTa.b.c", "scheme")],
)  # fmt: skip
def test_headers_without_a_token(header: str | None, why: str) -> None:
    """No header, another scheme and a scheme without a token are told apart."""
    with pytest.raises(TokenError) as refused:
        token_of_header(header)
    assert refused.value.reason == why
    assert "Authorization: JWT" in refused.value.hint


@pytest.mark.parametrize("header", ["JWT a.b.c", "jwt a.b.c", " JWT   a.b.c "])
def test_the_scheme_is_jwt_in_any_case(header: str) -> None:
    """HTTP's schemes have no case; blanks around the token do not belong to it."""
    assert token_of_header(header) == "a.b.c"


def test_a_header_is_refused_each_time() -> None:
    """Good headers are remembered; one that was refused is refused again, and a good one does not help it."""
    good = token_of({"exp": NOW_S + 30})
    bad = good.replace(good.partition(".")[0], base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("="))
    for _ in range(2):
        assert check(good).secret_index == 0
        with pytest.raises(TokenError) as refused:
            check(bad)
        assert refused.value.reason == "algorithm"
