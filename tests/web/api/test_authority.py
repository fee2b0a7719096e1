"""Who may call: tokens of one integration, good now and, with a ``jti``, once."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from appliance.clock import SECOND_US
from appliance.integrations import store
from appliance.integrations.secrets import rotate_secret, secret_facts
from appliance.web.api.state import REFUSED_BURST
from tests.web.api.lms import EXAMPLE, EXAMS, is_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.api.lms import Lms


@pytest.fixture(autouse=True)
def _new_allowances(lms: Lms) -> Iterator[None]:
    """Each test begins with all its tries."""
    lms.clock.advance(2 * REFUSED_BURST)
    yield
    lms.clock.advance(2 * REFUSED_BURST)


def now_s(lms: Lms) -> int:
    """Return the box's time in seconds."""
    return lms.clock.wall_us() // SECOND_US


def test_without_a_token_nothing_is_done(lms: Lms) -> None:
    """401 says which header is asked for, in words and in the header of HTTP."""
    before = lms.stored()
    answer = lms.post_exam(headers={})
    problem = is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("JWT ")
    assert "Authorization: JWT" in problem["hint"]
    assert lms.stored() == before


def by(lms: Lms, claims: dict[str, Any], *, key: str = "", algorithm: str = "HS256", **header: Any) -> str:
    """Return a token as PyJWT makes it: another library's word for the tests."""
    return jwt.encode(claims, key or lms.secret, algorithm=algorithm, headers=header or None)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a token with no signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, claims)]
    return f"{parts[0]}.{parts[1]}."


def test_forged_tokens_are_refused_and_nothing_is_stored(lms: Lms) -> None:
    """None, another algorithm or key, ended, of the future, without an end, cut, huge, nested, of another scheme."""
    good = {"exp": now_s(lms) + 30}
    deep: Any = 1
    for _ in range(20):
        deep = {"a": deep}
    forged = {
        "none": f"JWT {unsigned({'alg': 'none'}, good)}",
        "none in capitals": f"JWT {unsigned({'alg': 'NONE'}, good)}",
        "HS512": f"JWT {by(lms, good, algorithm='HS512', key=lms.secret * 2)}",
        "another key": f"JWT {by(lms, good, key='x' * 43)}",
        "a key id": f"JWT {by(lms, good, key='x' * 43, kid='../../etc/passwd', jku='https://evil.example/k')}",
        "ended": f"JWT {by(lms, {'exp': now_s(lms) - 31})}",
        "of the future": f"JWT {by(lms, good | {'nbf': now_s(lms) + 3600})}",
        "issued in the future": f"JWT {by(lms, good | {'iat': now_s(lms) + 3600})}",
        "without an end": f"JWT {by(lms, {'iat': now_s(lms)})}",
        "a text as end": f"JWT {unsigned({'alg': 'HS256'}, {'exp': 'soon'})}x",
        "huge": f"JWT {by(lms, good | {'x': 'y' * 20_000})}",
        "nested": f"JWT {by(lms, good | {'x': deep})}",
        "critical": f"JWT {by(lms, good, crit=['b64'], b64=False)}",
        "cut": f"JWT {lms.token()[:-1]}",
        "extended": f"JWT {lms.token()}A",
        "two": f"JWT {lms.token()} {lms.token()}",
        "Bearer": f"Bearer {lms.token()}",
        "Basic": "Basic bW9vZGxlOng=",
        "words": "JWT of my aunt",
        "nothing": "JWT ",
        "not ASCII": "JWT ü.ü.ü",
    }
    before = lms.stored()
    for name, header in forged.items():
        answer = lms.post_exam(headers={"Authorization": header})
        assert answer.status_code == 401, (name, answer.status_code)
        is_problem(answer, 401)
    assert lms.stored() == before


@pytest.mark.parametrize(
    "extra",
    [
        {"exp": 300}, {"exp": 30.75}, {"exp": 30, "iat": 0}, {"exp": 60, "iat": 2.5, "session_id": "x"},
        {"exp": 30, "aud": ["a"], "sub": 7, "iss": "lms"}, {"exp": -29}, {"exp": 30, "nbf": None},
    ],
)  # fmt: skip
def test_tokens_of_shipped_clients_are_taken(lms: Lms, extra: dict[str, Any]) -> None:
    """Ends 30 to 300 s ahead, whole or not, further claims, and a clock that is half a minute wrong."""
    times = {name: value + now_s(lms) for name, value in extra.items() if name in {"exp", "iat"}}
    token = by(lms, extra | times)
    assert lms.post_exam(headers={"Authorization": f"JWT {token}"}).status_code in {200, 201}


def test_the_schemes_letters_may_be_small(lms: Lms) -> None:
    """A scheme is the same in all letters (RFC 9110, 11.1)."""
    assert lms.post_exam(headers={"Authorization": f"jwt {lms.token()}"}).status_code in {200, 201}


def test_a_token_with_a_jti_is_good_once_for_all_calls(lms: Lms) -> None:
    """Its second use is refused wherever it comes; one without is good until it ends."""
    headers = lms.headers(jti="once")
    assert lms.post_exam(headers=headers).status_code in {200, 201}
    assert is_problem(lms.post_exam(headers=headers), 401)["code"] == "token.replayed"
    assert is_problem(lms.call("GET", lms.session_path("x", "status"), headers=headers), 401)
    without = lms.headers()
    assert [lms.post_exam(headers=without).status_code for _ in range(3)] == [200] * 3


def test_a_jti_whose_exam_was_wrong_is_not_spent(lms: Lms) -> None:
    """What was refused for its parameters can be corrected and sent with the same token."""
    headers = lms.headers(jti="correct me")
    assert lms.post_exam({"examId": 1}, headers=headers).status_code == 400
    assert lms.post_exam(headers=headers).status_code in {200, 201}


def test_an_unknown_integration_is_404_and_says_what_to_compare(lms: Lms) -> None:
    """With or without a token."""
    path = EXAMS.replace("moodle", "canvas")
    assert "name" in is_problem(lms.call("POST", path, EXAMPLE), 404)["hint"]
    is_problem(lms.call("POST", path, EXAMPLE, headers={}), 404)


def test_an_inactive_integration_is_403_and_says_so(lms: Lms) -> None:
    """Switched on again, it is as before."""
    store.set_active(lms.db, lms.integration.id, active=False, clock=lms.clock, who="Ada")
    before = lms.stored()
    problem = is_problem(lms.post_exam(), 403)
    assert problem["code"] == "integration.inactive"
    assert "switched off" in problem["detail"]
    assert lms.stored() == before
    store.set_active(lms.db, lms.integration.id, active=True, clock=lms.clock, who="Ada")
    assert lms.post_exam().status_code in {200, 201}


def test_a_removed_integration_is_404(lms: Lms) -> None:
    """As one that never was; brought back, its secret is good again."""
    store.remove_integration(lms.db, lms.integration.id, clock=lms.clock, who="Ada")
    is_problem(lms.post_exam(), 404)
    store.restore_integration(lms.db, lms.integration.id, clock=lms.clock, who="Ada")
    assert lms.post_exam().status_code in {200, 201}


def test_both_secrets_are_good_during_an_overlap_and_their_use_is_seen(lms: Lms) -> None:
    """So an LMS is changed without a gap, and the page shows which one it uses."""
    new = rotate_secret(
        lms.db, lms.integration.id, overlap_us=3600 * SECOND_US, clock=lms.clock, who="Ada", keys=keys_of(lms)
    )
    former, lms.secret = lms.secret, new
    assert lms.post_exam().status_code == 200
    assert lms.post_exam(headers=lms.headers(secret=former)).status_code == 200
    facts = secret_facts(lms.db, lms.integration.id, now_us=lms.clock.wall_us())
    assert [fact.used_us is not None for fact in facts] == [True, True]
    lms.clock.advance(3601)
    assert lms.post_exam(headers=lms.headers(secret=former)).status_code == 401
    assert lms.post_exam().status_code == 200


def keys_of(lms: Lms) -> Any:
    """Return the box's key of secrets."""
    return lms.app.extensions["exambox-api"].keys


def test_another_integrations_secret_is_no_good(lms: Lms) -> None:
    """Each has its own; neither sees the other's sessions."""
    other, secret = store.add_integration(lms.db, name="other", clock=lms.clock, who="Ada", keys=keys_of(lms))
    lms.arrive("theirs")
    path = lms.session_path("theirs", "status")
    assert lms.call("GET", path).status_code == 200
    is_problem(lms.call("GET", path, headers=lms.headers(secret=secret)), 401)
    foreign = path.replace("/moodle/", f"/{other.name}/")
    is_problem(lms.call("GET", foreign, headers=lms.headers(secret=secret)), 404)


def test_guessing_is_slowed_for_this_address_and_integration_alone(lms: Lms) -> None:
    """After many refusals 429 says when to try again; the LMS from its own address is served all the while."""
    bad = {"Authorization": "JWT a.b.c"}
    seen = [lms.post_exam(headers=bad).status_code for _ in range(REFUSED_BURST + 1)]
    assert seen == [401] * REFUSED_BURST + [429]
    answer = lms.post_exam()
    is_problem(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert lms.post_exam(environ_overrides=elsewhere).status_code in {200, 201}
    lms.clock.advance(2)
    assert lms.post_exam().status_code in {200, 201}


def test_the_last_refusal_is_kept_for_the_integrations_page(lms: Lms) -> None:
    """Why, when and from where: whoever looks for the reason finds it without the journal."""
    lms.post_exam(headers=lms.headers(secret="x" * 43))
    kept = lms.app.extensions["exambox-api"].last_refusal("moodle")
    assert kept.code == "token.refused"
    assert "not signed" in kept.message
    assert (kept.address, kept.at_us) == ("127.0.0.1", lms.clock.wall_us())


def test_a_lost_key_file_is_the_boxs_fault(lms: Lms) -> None:
    """503 with what the administrator does; with the file back all is well."""
    file = lms.settings.keys_dir / "exchange.key"
    kept = file.read_bytes()
    file.unlink()
    answer = lms.post_exam()
    assert "exchange.key" in is_problem(answer, 503)["detail"]
    assert answer.headers["Retry-After"]
    file.write_bytes(kept)
    assert lms.post_exam().status_code in {200, 201}
