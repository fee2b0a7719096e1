"""The API's own way in: for machines with tokens, apart from what guards people's browsers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from appliance.web.access import roles_of
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.api.paths import PREFIX, is_machines
from appliance.web.browser_session import SESSION_COOKIE
from tests.web.api.lms import EXAMPLE, EXAMS, is_problem

if TYPE_CHECKING:
    from tests.web.api.lms import Lms

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


def test_every_view_below_machines_paths_is_for_machines(lms: Lms) -> None:
    """The gate lets these paths pass without looking at people: views that look at tokens, and what is said to all."""
    rules = list(lms.app.url_map.iter_rules())
    assert {rule.endpoint for rule in rules if is_machines(rule.rule)} == {
        "api.exams", "api.finish", "api.status", "api.document", "seat_api.anchor", "seat_api.join", "seat_api.report"
    }  # fmt: skip
    assert all(is_machines(rule.rule) for rule in rules if rule.endpoint.startswith("api."))
    assert all(roles_of(lms.app, rule.endpoint) is None for rule in rules if is_machines(rule.rule))


@pytest.mark.parametrize(
    "path",
    ["/api/v2/", "/api/v2", "/api/v2/exams/", EXAMS + "more/", EXAMS.replace("/simple/", "//simple/"), "/api/v2/x?y"],
)
def test_an_unknown_address_is_404_without_a_redirect(lms: Lms, path: str) -> None:
    """By every method, and never a page."""
    for method in METHODS:
        answer = lms.call(method, path, headers={**lms.headers(), "Accept": "text/html"})
        assert answer.status_code == (405 if "//" in path and method != "POST" else 404), method
        if method != "HEAD":
            is_problem(answer, answer.status_code)


def test_another_method_is_405_and_says_which_is_taken(lms: Lms) -> None:
    """In the same shape, with the header Allow."""
    known = {EXAMS: "POST", lms.session_path("x", "finish"): "POST", lms.session_path("x", "status"): "GET, HEAD"}
    for (path, allowed), method in itertools.product(known.items(), METHODS):
        if method in allowed:
            continue
        answer = lms.call(method, path)
        assert answer.status_code == 405, (path, method)
        assert answer.headers["Allow"] == allowed
        if method != "HEAD":
            is_problem(answer, 405)


def test_a_persons_session_is_worth_nothing_here(lms: Lms) -> None:
    """An administrator's cookie without a token is refused, and is neither prolonged nor answered with one."""
    account = create_account(lms.db, "Ada", "administrator", "Quiet-Room-42!", clock=lms.clock, who="test")
    token = open_session(lms.db, account.id, address="127.0.0.1", clock=lms.clock)
    seen = lms.db.conn.execute("SELECT * FROM web_session").fetchall()
    lms.clock.advance(60)
    is_problem(lms.post_exam(headers={"Cookie": f"{SESSION_COOKIE}={token}"}), 401)
    assert lms.db.conn.execute("SELECT * FROM web_session").fetchall() == seen


def test_a_token_is_worth_nothing_elsewhere(lms: Lms) -> None:
    """The dashboard's own addresses do not know it."""
    headers = {**lms.headers(), "Accept": "application/json"}
    assert lms.call("GET", "/api/openapi.json", headers=headers).status_code == 401
    assert lms.call("GET", "/admin/integrations", headers=headers).status_code == 401


def test_a_server_is_not_taken_for_another_sites_page(lms: Lms) -> None:
    """Headers that browsers or libraries add say nothing: the token does; no cookie is set, no form token asked for."""
    more = {"Origin": "https://lms.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://lms.example/x",
            "Accept": "text/html,*/*", "User-Agent": "Moodle", "Cookie": "a=b"}  # fmt: skip
    answer = lms.post_exam(headers={**lms.headers(), **more})
    assert answer.status_code in {200, 201}
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_another_sites_page_may_not_read_it(lms: Lms) -> None:
    """A browser's question before a call with a token gets no leave."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    answer = lms.call("OPTIONS", EXAMS, headers=asked)
    is_problem(answer, 405)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8480", "", "a b", "127.0.0.1.evil.example"])
def test_the_box_answers_to_its_own_names_alone(lms: Lms, host: str) -> None:
    """The look at the host stays: 400 in the API's shape, and nothing is stored."""
    before = lms.stored()
    problem = is_problem(lms.post_exam(headers={**lms.headers(), "Host": host}), 400)
    assert problem["code"] == "http.400"
    assert lms.stored() == before


def test_a_fault_of_the_box_is_told_without_its_insides(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 in the same shape with a number; the journal has the rest under it."""
    monkeypatch.setattr("appliance.web.api.views.parse_exam", lambda _: 1 / 0)
    answer = lms.post_exam()
    problem = is_problem(answer, 500)
    assert problem["number"]
    assert "division" not in answer.text


def test_calls_beyond_the_limit_are_answered_429(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this integration alone; Retry-After says when, and then it is served."""
    from appliance.web.api.buckets import Buckets

    state = lms.app.extensions["exambox-api"]
    few: Buckets[str] = Buckets(per_second=0.5, burst=3, mono_us=lms.clock.mono_us)
    monkeypatch.setitem(state.__dict__, "calls", few)
    assert [lms.post_exam().status_code for _ in range(4)][-2:] == [200, 429]
    answer = lms.post_exam()
    is_problem(answer, 429)
    assert answer.headers["Retry-After"] == "2"
    lms.clock.advance(2)
    assert lms.post_exam().status_code == 200


def test_the_document_is_there_for_everybody(lms: Lms) -> None:
    """Without a token: it says how to call, and holds no secret and no name of an integration."""
    answer = lms.call("GET", f"{PREFIX}openapi.json", headers={})
    assert answer.status_code == 200
    document = answer.get_json()
    assert document["openapi"] == "3.1.0"
    described = {path for path in document["paths"] if path.startswith(PREFIX)}
    rules = {rule.rule for rule in lms.app.url_map.iter_rules() if rule.endpoint.startswith("api.")}
    spelled = {rule.replace("<name>", "{name}").replace("<path:session_id>", "{sessionId}") for rule in rules}
    assert described <= spelled
    assert {one.rstrip("/") for one in spelled} == {one.rstrip("/") for one in described}
    assert "moodle" not in answer.text
    assert EXAMPLE["examId"] not in answer.text
