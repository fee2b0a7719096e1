"""Whatever is sent: never a fault, one shape of refusal, and nothing stored that was refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from tests.web.api.lms import EXAMPLE, is_problem

if TYPE_CHECKING:
    from tests.web.api.lms import Lms

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
TIMES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.integers(), max_size=2)
)


def settle(lms: Lms, answer: Any, before: dict[str, int]) -> None:
    """An answer is a good one, or a refusal after which all is as it was."""
    assert answer.status_code < 500, answer.text
    assert "Set-Cookie" not in answer.headers
    if answer.status_code >= 300:
        is_problem(answer, answer.status_code)
        assert lms.stored() == before
    lms.clock.advance(5)  # refused tokens are counted; time forgives them


@FEW
@given(field=st.sampled_from([*EXAMPLE, "language", "preliminaryCheck", "biometricIdentification"]), value=JSON)
def test_any_value_in_any_field(lms: Lms, field: str, value: Any) -> None:
    """A wrong one is named."""
    before = lms.stored()
    answer = lms.post_exam(EXAMPLE | {field: value})
    settle(lms, answer, before)
    if answer.status_code == 400:
        assert answer.get_json()["errors"]


@FEW
@given(body=JSON)
def test_any_json(lms: Lms, body: Any) -> None:
    """As an exam and as a finish."""
    before = lms.stored()
    settle(lms, lms.post_exam(json.dumps(body).encode()), before)
    before = lms.stored()
    settle(lms, lms.call("POST", lms.session_path("none", "finish"), json.dumps(body).encode()), before)


@FEW
@given(
    body=st.binary(max_size=400)
    | st.binary(max_size=40).map(lambda some: json.dumps(EXAMPLE).encode()[:-1] + some)
    | st.integers(1, 60).map(lambda depth: b'{"x":' * depth + b"1" + b"}" * depth)
    | st.sampled_from(["examId", "rules", "duration"]).map(
        lambda key: json.dumps(EXAMPLE).encode()[:-1] + f',"{key}":1}}'.encode()
    ),
    kind=st.sampled_from(["application/json", "", "text/plain", "multipart/form-data; boundary=--", "é/é"]),
)
def test_any_bytes(lms: Lms, body: bytes, kind: str) -> None:
    """Broken UTF-8, cut and doubled keys, depths, and bodies that pretend to be forms."""
    before = lms.stored()
    settle(lms, lms.post_exam(body, content_type=kind), before)


def signed(secret: str, header: bytes, payload: bytes) -> str:
    """Return a token over any bytes, with a right HS256 signature."""
    first, second = (base64.urlsafe_b64encode(one).rstrip(b"=") for one in (header, payload))
    signature = hmac.new(secret.encode(), first + b"." + second, hashlib.sha256).digest()
    return b".".join([first, second, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@FEW
@given(
    header=st.sampled_from([b'{"alg":"HS256"}', b'{"alg":"HS256","typ":"JWT","kid":"x"}'])
    | st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(["alg", "typ", "crit", "b64", "jwk"]), LEAVES, max_size=4).map(
        lambda value: json.dumps(value).encode()
    ),
    claims=st.dictionaries(st.sampled_from(["exp", "iat", "nbf", "jti", "aud", "sub"]), TIMES, max_size=4) | JSON,
    good=st.booleans(),
)
def test_any_token_that_is_rightly_signed(lms: Lms, header: bytes, claims: Any, good: bool) -> None:
    """Wrong claims are refused however right the signature is; only one with an end that is near gets in."""
    if good and isinstance(claims, dict):
        claims = claims | {"exp": lms.clock.wall_us() // SECOND_US + 30}
    before = lms.stored()
    token = signed(lms.secret, header, json.dumps(claims).encode())
    answer = lms.post_exam(headers={"Authorization": f"JWT {token}"})
    assert answer.status_code in {200, 201, 401}
    settle(lms, answer, before)


@FEW
@given(
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200),
    scheme=st.sampled_from(["JWT ", ""]),
)
def test_any_header(lms: Lms, value: str, scheme: str) -> None:
    """What is no token is 401."""
    before = lms.stored()
    answer = lms.post_exam(headers={"Authorization": scheme + value})
    assert answer.status_code == 401
    settle(lms, answer, before)


@FEW
@given(session=st.text(min_size=1, max_size=60), what=st.sampled_from(["status", "finish"]))
def test_any_name_of_a_session(lms: Lms, session: str, what: str) -> None:
    """One that is not there is 404, whatever characters it has."""
    from urllib.parse import quote

    before = lms.stored()
    path = lms.session_path(quote(session.encode("utf-8", "replace"), safe=""), what)
    answer = lms.call("GET" if what == "status" else "POST", path)
    assert answer.status_code in {404, 405}
    settle(lms, answer, before)
