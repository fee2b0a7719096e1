"""Requests and answers between box and hub are taken as they were signed, and in no other way."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.peer_token import (
    LEEWAY_US,
    LIFE_US,
    Answered,
    PeerToken,
    check_answer,
    check_request,
    claimed,
    claimed_sender,
    new_jti,
    sign_answer,
    sign_request,
)
from appliance.exchange.token import TokenError
from tests.exchange.centre.values import BOX, BOX_KEY, BOX_PUBLIC, EPOCH, HUB, HUB_KEY, HUB_PUBLIC, NOW_US, STRANGER
from tests.exchange.values import JSON_VALUES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

JTI = new_jti(bytes(range(16)))
BODY = b'{"cursor":""}'
REQUEST: dict[str, Any] = {"audience": HUB, "method": "POST", "path": "/api/centre/v1/pull/?a=b", "body": BODY}
ANSWER: dict[str, Any] = {"to": JTI, "status": 200, "body": b'{"changes":[]}'}


def request(**words: Any) -> str:
    """Return a request's token."""
    values = {"box": BOX, "epoch": EPOCH, **REQUEST, "now_us": NOW_US, "jti": JTI, **words}
    return sign_request(values.pop("private", BOX_KEY), **values)


def check(token: str, **words: Any) -> PeerToken:
    """Check a request's token now."""
    return check_request(token, **{"public": BOX_PUBLIC, **REQUEST, "now_us": NOW_US, **words})


def reason(token: str, **words: Any) -> str:
    """Return why a request's token is refused."""
    with pytest.raises(TokenError) as refused:
        check(token, **words)
    assert refused.value.status == 401
    return refused.value.reason


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: Any, *, header: bytes = b'{"alg":"EdDSA"}', private: Ed25519PrivateKey = BOX_KEY) -> str:
    """Return any claims, rightly signed."""
    return signed_text(json.dumps(claims).encode(), header=header, private=private)


def signed_text(payload: bytes, *, header: bytes = b'{"alg":"EdDSA"}', private: Ed25519PrivateKey = BOX_KEY) -> str:
    """Return any bytes, rightly signed."""
    start = f"{b64(header)}.{b64(payload)}"
    return f"{start}.{b64(private.sign(start.encode()))}"


def claims_of(token: str) -> dict[str, Any]:
    """Return a token's claims."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_request_says_who_sent_it_when_and_until_when_it_is_remembered() -> None:
    """What a box signs is what the hub reads, to the millisecond."""
    found = check(request())
    cut_us = NOW_US // 1000 * 1000
    assert found == PeerToken(BOX, EPOCH, JTI, cut_us, cut_us + LIFE_US + LEEWAY_US)


def test_a_standard_library_reads_our_tokens() -> None:
    """Another central service needs nothing of ours to check a request."""
    token = request(now_us=NOW_US)
    read = jwt.decode(
        token,
        BOX_KEY.public_key(),
        algorithms=["EdDSA"],
        audience=HUB,
        options={"require": ["exp", "iat", "jti", "iss"], "verify_exp": False, "verify_iat": False},
    )
    assert read["body"] == sha256_text(BODY)
    assert read["iat"] == 1_800_000_000.123


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"audience": "hub:south"}, "audience"),
        ({"method": "GET"}, "request"),
        ({"path": "/api/centre/v1/pull/"}, "request"),
        ({"body": BODY + b" "}, "request"),
        ({"now_us": NOW_US + LIFE_US + LEEWAY_US}, "expired"),
        ({"now_us": NOW_US - LEEWAY_US - 1000}, "future"),
        ({"public": HUB_PUBLIC}, "signature"),
    ],
)
def test_a_token_is_good_for_one_request_at_its_time(change: dict[str, Any], why: str) -> None:
    """Another receiver, method, path, body, time or key is refused with its reason."""
    assert reason(request(), **change) == why


def test_the_leeway_is_as_far_as_it_says() -> None:
    """A clock that is off by less than the leeway is taken, one that is off by more is not."""
    for off_us in (LEEWAY_US - 1000, -LIFE_US - LEEWAY_US + 1000):
        check(request(now_us=NOW_US + off_us))
    assert reason(request(now_us=NOW_US + 200_000_000)) == "future"
    check(request(now_us=NOW_US + 200_000_000), leeway_us=200_000_000)


def test_the_ends_of_a_tokens_time_are_exact() -> None:
    """The last microsecond is in and the next is out, on both sides; the error says by how much the clocks differ."""
    made_us = NOW_US // 1000 * 1000
    token = request(now_us=made_us)
    end_us = made_us + LIFE_US + LEEWAY_US
    check(token, now_us=end_us - 1)
    with pytest.raises(TokenError, match="ended 30 s ago"):
        check(token, now_us=end_us)
    check(token, now_us=made_us - LEEWAY_US)
    with pytest.raises(TokenError, match="30 s ahead"):
        check(token, now_us=made_us - LEEWAY_US - 1)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none"}',
        b'{"alg":"HS256"}',
        b'{"alg":"ES256"}',
        b'{"alg":"Ed25519"}',
        b'{"alg":["EdDSA"]}',
        b"{}",
    ],
)
def test_no_other_algorithm_is_taken(header: bytes) -> None:
    """What a token's header names as its algorithm is EdDSA or refused."""
    assert reason(signed(claims_of(request()), header=header)) == "algorithm"


def test_the_public_key_as_a_shared_secret_signs_nothing() -> None:
    """A token of HS256 made with the public key is refused."""
    assert reason(jwt.encode(claims_of(request()), BOX_PUBLIC, "HS256")) == "algorithm"


@pytest.mark.parametrize("name", ["jku", "x5u", "kid", "jwk", "x5c"])
def test_a_key_that_a_token_brings_is_not_used(name: str) -> None:
    """Whatever the header names, only the known key counts."""
    header = json.dumps({"alg": "EdDSA", name: b64(STRANGER.public_key().public_bytes_raw())}).encode()
    assert reason(signed(claims_of(request()), header=header, private=STRANGER)) == "signature"
    check(signed(claims_of(request()), header=header))


@pytest.mark.parametrize("header", [b'{"alg":"EdDSA","crit":["exp"]}', b'{"alg":"EdDSA","b64":false}'])
def test_extensions_that_are_not_known_are_refused(header: bytes) -> None:
    """A header that asks for more than is done here is not taken."""
    assert reason(signed(claims_of(request()), header=header)) == "malformed"


def test_a_token_has_one_spelling() -> None:
    """Bits of the last sign that mean nothing cannot be used to write one token in two ways."""
    token = request()
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for bit in (1, 2, 4, 8):
        assert reason(token[:-1] + signs[signs.index(token[-1]) ^ bit]) == "malformed"


def outcome(token: str, name: str, value: Any) -> str:
    """Return why a token is refused, or whether it was taken with just the value that was signed."""
    try:
        found = check(token)
    except TokenError as refused:
        return refused.reason
    told = {"iss": found.sender, "epoch": found.epoch, "jti": found.jti}
    return "as signed" if told.get(name) == value else "taken"


@pytest.mark.parametrize("name", ["iss", "aud", "epoch", "iat", "exp", "jti", "method", "path", "body"])
@given(value=JSON_VALUES)
def test_a_claim_of_another_form_never_passes(name: str, value: Any) -> None:
    """Whatever stands in a claim, the token is refused for it, or taken with what was signed."""
    claims = claims_of(request())
    claims[name] = value
    assert outcome(signed(claims), name, value) in {"claims", "audience", "request", "life", "future", "as signed"}
    del claims[name]
    assert reason(signed(claims)) == "claims"


def test_a_token_that_would_live_long_is_refused() -> None:
    """A sender cannot make a token that is good for a day."""
    claims = claims_of(request())
    assert reason(signed({**claims, "exp": claims["iat"] + 86_400})) == "life"
    assert reason(signed({**claims, "exp": claims["iat"]})) == "life"


@given(st.text(max_size=200) | st.just("a" * 9000) | st.just(".." * 3))
def test_no_text_is_more_than_refused(text: str) -> None:
    """Any text is refused with a reason, by each of the readers."""
    assert reason(text) in {"malformed", "too_long"}
    for reader in (claimed, claimed_sender):
        with pytest.raises(TokenError):
            reader(text)


@given(st.data())
def test_a_changed_sign_is_found(data: st.DataObject) -> None:
    """No sign of a token can be changed without its being refused."""
    token = request()
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("Aa0-_.").filter(lambda sign: sign != token[at]))
    assert reason(token[:at] + other + token[at + 1 :]) in {"malformed", "signature", "algorithm", "claims"}


def test_nested_and_doubled_claims_are_refused() -> None:
    """Claims inside claims, and a claim given twice, are not read."""
    deep: Any = "x"
    for _ in range(50):
        deep = [deep]
    assert reason(signed({**claims_of(request()), "more": deep})) == "claims"
    twice = json.dumps(claims_of(request()))[:-1] + ',"iss":"box-2"}'
    assert reason(signed_text(twice.encode())) == "claims"


def test_who_a_token_claims_to_be_from_is_read_without_a_key() -> None:
    """The sender and the token's identity are read of a token nobody has checked, and of a false one too."""
    forged = request(private=STRANGER)
    assert claimed_sender(forged) == BOX
    assert claimed(forged).jti == JTI
    assert reason(forged) == "signature"


def test_a_key_of_another_length_is_an_error_of_the_program() -> None:
    """What is no Ed25519 key is not taken for a wrong signature."""
    with pytest.raises(ValueError, match="32"):
        check(request(), public=b"short")
    with pytest.raises(ValueError, match="random"):
        new_jti(b"too few")


def answer(**words: Any) -> str:
    """Return an answer's token."""
    return sign_answer(HUB_KEY, **{"hub": HUB, **ANSWER, "now_us": NOW_US, **words})


def test_an_answer_tells_the_hubs_time() -> None:
    """What a hub signs is what the box reads: its name, and its time to the millisecond."""
    found = check_answer(answer(), HUB_PUBLIC, hub=HUB, **ANSWER)
    assert found == Answered(HUB, NOW_US // 1000 * 1000)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"to": new_jti(bytes(16))}, "request"),
        ({"status": 500}, "answer"),
        ({"body": b""}, "answer"),
        ({"hub": "hub:south"}, "sender"),
        ({"public": BOX_PUBLIC}, "signature"),
    ],
)
def test_an_answer_is_to_one_request(change: dict[str, Any], why: str) -> None:
    """An answer of another request, status, body, hub or key is refused with its reason."""
    with pytest.raises(TokenError) as refused:
        check_answer(answer(), **{"public": HUB_PUBLIC, "hub": HUB, **ANSWER, **change})
    assert refused.value.reason == why


def test_a_request_is_no_answer_and_an_answer_no_request() -> None:
    """A token of one kind never passes for the other, even of the same key."""
    with pytest.raises(TokenError):
        check_answer(request(), BOX_PUBLIC, hub=BOX, **ANSWER)
    assert reason(answer(), public=HUB_PUBLIC) == "claims"


@given(st.integers(0, 8_999_000_000_000_000))
def test_times_survive_to_the_millisecond(now_us: int) -> None:
    """Every instant is read back as it was written, cut to a millisecond."""
    assert check(request(now_us=now_us), now_us=now_us).issued_us == now_us // 1000 * 1000
