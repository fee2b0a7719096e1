"""Error pages: what happened and what to do, in the reader's language; a number that leads to the journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from flask import abort

from appliance.errors import UnavailableError, VaultError
from appliance.web import problems
from appliance.web.account.throttle import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.web.conftest import Browser

SECRET = "/var/lib/somewhere internal"


@pytest.fixture
def failing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | int], None]:
    """Let the healthy pages' view fail as told."""

    def fail(how: BaseException | int) -> None:
        def view() -> None:
            if isinstance(how, int):
                abort(how)
            raise how

        view.__dict__.update(vars(app.view_functions["review.recordings"]))
        monkeypatch.setitem(app.view_functions, "review.recordings", view)

    return fail


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 429, 503])
def test_each_refusal_says_what_happened_and_what_to_do(
    status: int, person: Callable[[str], Browser], failing: Callable[[BaseException | int], None]
) -> None:
    """A page with the right status, a sentence of its own, advice, a way on and the way to help."""
    browser = person("reviewer")
    failing(status)
    answer = browser.get("/recordings")
    assert answer.status_code == status
    heading = re.search(r"<h1>([^<]+)</h1>\s*<p>([^<]{10,})</p>", answer.text)
    assert heading, answer.text
    assert heading[1] != "This did not work."
    assert 'href="/"' in answer.text
    assert 'href="/help#trouble"' in answer.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 429, 500, 503])
def test_error_pages_are_in_the_readers_language(status: int, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sentences of an error page, what happened and what to do, come from the catalogue."""
    monkeypatch.setattr(problems, "_", lambda text, **values: f"[{text % values}]")
    with app.test_request_context("/recordings", headers={"Accept": "text/html"}):
        answer = app.make_response(
            problems._unexpected(ValueError(SECRET)) if status == 500 else problems._http(_raised(status))
        )
    heading = re.search(r"<h1>(.*?)</h1>\s*<p>(.*?)</p>", answer.get_data(as_text=True), re.DOTALL)
    assert heading
    assert heading[1].startswith("[")
    assert heading[2].startswith("[")


def _raised(status: int) -> Exception:
    from werkzeug.exceptions import HTTPException

    try:
        abort(status)
    except HTTPException as problem:
        return problem


@pytest.mark.parametrize("how", [ValueError(SECRET), VaultError("The vault cannot be read.", hint="Check the disk.")])
def test_a_failure_of_the_box_carries_the_number_the_journal_has(
    how: Exception,
    person: Callable[[str], Browser],
    failing: Callable[[BaseException | int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page of 500 shows a number, the journal's entry has it, and neither page nor JSON tells an internal."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(problems._LOG, "error", lambda event, **facts: told.append({"event": event, **facts}))
    browser = person("reviewer")
    failing(how)
    page = browser.get("/recordings")
    number = re.search(r'<strong class="fingerprint">([0-9a-f]{8})</strong>', page.text)
    assert number
    assert page.status_code == 500
    assert [fact["number"] for fact in told] == [number[1]]
    answer = browser.client.get("/recordings", headers={"Accept": "application/json"})
    assert answer.get_json()["number"] == told[1]["number"] != number[1]
    for text in (page.text, answer.text):
        assert SECRET not in text
        assert "Traceback" not in text
        assert "ValueError" not in text


def test_a_page_that_cannot_be_made_is_said_plainly(
    person: Callable[[str], Browser], failing: Callable[[BaseException | int], None], app: Flask
) -> None:
    """Where even the frame of the pages fails, the error, its advice and its number are still said."""
    browser = person("reviewer")
    failing(ValueError(SECRET))
    app.template_context_processors[None].append(lambda: 1 / 0)
    answer = browser.get("/recordings")
    assert answer.status_code == 500
    assert "Something went wrong in the box." in answer.text
    assert re.search(r"number [0-9a-f]{8}", answer.text)
    assert SECRET not in answer.text


@pytest.mark.parametrize("how", [ThrottledError(30), UnavailableError("Too many are watching.", hint="Wait.")])
def test_waiting_is_said_and_offered(
    how: Exception, person: Callable[[str], Browser], failing: Callable[[BaseException | int], None]
) -> None:
    """What passes by itself names the seconds, to people and in Retry-After, and offers to try again."""
    browser = person("reviewer")
    failing(how)
    answer = browser.get("/recordings?q=x")
    seconds = answer.headers["Retry-After"]
    assert f"again in {seconds} seconds" in answer.text
    assert 'href="/recordings?q=x"' in answer.text


def test_a_session_that_ended_leads_to_signing_in(browser: Browser, account: Callable[[str, str], None]) -> None:
    """Reading leads to sign-in and back again; what was sent is not done, and the page says so."""
    account("Ann", "reviewer")
    answer = browser.get("/recordings?q=x")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in?next=/recordings?q%3Dx"
    token = browser.token("/sign-in")
    sent = browser.client.post("/account/email", data={"csrf_token": token}, headers={"Accept": "text/html"})
    assert sent.status_code == 401
    assert "What you sent was not done." in sent.text
    assert 'href="/sign-in"' in sent.text


def test_a_stale_form_says_that_nothing_was_changed(person: Callable[[str], Browser]) -> None:
    """A form without the session's token is refused with what to do."""
    browser = person("reviewer")
    sent = browser.client.post("/account/email", data={"csrf_token": "old"}, headers={"Accept": "text/html"})
    assert sent.status_code == 400
    assert "nothing was changed" in sent.text
