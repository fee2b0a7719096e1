"""First run, sign-in and sign-out over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import auditlog
from appliance.web.account.first_run import ensure_first_password
from appliance.web.paths import local_path
from tests.web.conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock


def actions(db: Database) -> list[str]:
    """Return the log's actions in order."""
    return [line.action for line in auditlog.show(db)]


def first_run(browser: Browser, one_time: str, password: str = PASSWORD, again: str | None = None) -> int:
    """Send the first-run form; return the status."""
    fields = {"one_time": one_time, "name": "Ada", "password": password, "again": again or password}
    return browser.submit("/first-run", **fields).status_code


def test_a_new_box_leads_to_the_first_run_and_makes_one_administrator(
    browser: Browser, app: Flask, db: Database, clock: ManualClock
) -> None:
    """The one-time password makes the administrator, signs them in, and is used up."""
    one_time = ensure_first_password(db, clock)
    assert one_time
    assert browser.get("/live").location == "/first-run"
    assert first_run(browser, one_time) == 302
    assert browser.get("/live").status_code == 200
    assert ensure_first_password(db, clock) is None
    assert Browser(app.test_client()).get("/first-run").location == "/sign-in"
    assert {"account.created", "account.signed_in"} <= set(actions(db))


def test_a_wrong_or_late_one_time_password_makes_nothing(browser: Browser, db: Database, clock: ManualClock) -> None:
    """Neither a guess nor yesterday's password nor a replaced one creates an account."""
    old = ensure_first_password(db, clock)
    one_time = ensure_first_password(db, clock)
    assert old
    assert one_time
    assert first_run(browser, "Aaaa-bbbb-cccc-2222") == 403
    assert first_run(browser, old) == 403
    clock.advance(24 * 3600)
    assert first_run(browser, one_time) == 403
    assert db.table("account").count == 0
    assert actions(db).count("account.sign_in_failed") == 3


def test_guessing_the_one_time_password_is_throttled(browser: Browser, db: Database, clock: ManualClock) -> None:
    """After five guesses even the right one has to wait."""
    one_time = ensure_first_password(db, clock)
    assert one_time
    for _ in range(5):
        assert first_run(browser, "Aaaa-bbbb-cccc-2222") == 403
    assert first_run(browser, one_time) == 429
    clock.advance(6)
    assert first_run(browser, one_time) == 302


def test_a_weak_choice_does_not_use_the_one_time_password_up(
    browser: Browser, db: Database, clock: ManualClock
) -> None:
    """A weak password or a slip of the finger is explained, and the next try counts."""
    one_time = ensure_first_password(db, clock)
    assert one_time
    for _ in range(6):
        assert first_run(browser, one_time, "weak") == 422
    assert first_run(browser, one_time, PASSWORD, "Different-1!") == 422
    assert first_run(browser, one_time) == 302


def test_sign_in_sets_a_strict_cookie_and_sign_out_ends_the_session(
    app: Flask, account: Callable[[str, str], None], db: Database
) -> None:
    """The cookie is HttpOnly and SameSite=Strict; after sign-out its value opens nothing, wherever it was copied to."""
    account("Ada", "administrator")
    browser = Browser(app.test_client())
    response = browser.sign_in("ada")
    cookie = next(value for value in response.headers.getlist("Set-Cookie") if value.startswith("exambox_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    token = cookie.split(";")[0].removeprefix("exambox_session=")
    assert browser.get("/live").status_code == 200
    assert browser.client.post("/sign-out", data={"csrf_token": browser.token("/live")}).status_code == 302
    thief = app.test_client()
    thief.set_cookie("exambox_session", token)
    assert thief.get("/api/status").status_code == 401
    assert actions(db)[-2:] == ["account.signed_in", "account.signed_out"] or {
        "account.signed_in",
        "account.signed_out",
    } <= set(actions(db))


def test_a_guesser_does_not_learn_which_names_exist(browser: Browser, account: Callable[[str, str], None]) -> None:
    """Wrong name and wrong password get the same page, apart from form token and typed name."""
    account("Ada", "administrator")
    known = browser.sign_in("Ada", "Wrong-Room-42!")
    unknown = browser.sign_in("Eve", "Wrong-Room-42!")
    assert known.status_code == unknown.status_code == 403
    assert "do not fit together" in known.text

    def plain(text: str) -> list[str]:
        return [line for line in text.splitlines() if "csrf" not in line and 'name="name"' not in line]

    assert plain(known.text) == plain(unknown.text)


def test_a_disabled_account_is_refused_in_the_same_words(
    browser: Browser, account: Callable[[str, str], None], db: Database
) -> None:
    """The right password of a disabled account gets what a wrong one gets."""
    account("Ada", "administrator")
    db.conn.execute("UPDATE account SET disabled_us = 1")
    db.conn.commit()
    response = browser.sign_in("Ada")
    assert response.status_code == 403
    assert "do not fit together" in response.text


def test_the_sixth_guess_waits_and_is_told_how_long(browser: Browser, account: Callable[[str, str], None]) -> None:
    """Throttling answers 429 with Retry-After; the right password does not help before."""
    account("Ada", "administrator")
    for _ in range(5):
        assert browser.sign_in("Ada", "Wrong-Room-42!").status_code == 403
    refused = browser.sign_in("Ada")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "5"


def test_an_idle_session_ends_and_a_page_that_refreshes_itself_does_not_keep_it(
    person: Callable[[str], Browser], clock: ManualClock
) -> None:
    """Polling alone is no sign of a person; the status says how long is left; a click is one."""
    browser = person("administrator")
    background = {"X-Exambox-Background": "1"}
    clock.advance(20 * 60)
    status = browser.client.get("/api/status", headers=background).json
    assert status is not None
    assert status["session"]["ends_in_s"] == 10 * 60
    assert browser.call("/api/session").status_code == 200
    clock.advance(29 * 60)
    assert browser.client.get("/api/status", headers=background).status_code == 200
    clock.advance(60)
    assert browser.client.get("/api/status", headers=background).status_code == 401


def test_after_sign_in_the_page_that_was_asked_for_is_shown(app: Flask, account: Callable[[str, str], None]) -> None:
    """The way leads on to where the person wanted to go, and never to another site."""
    account("Ada", "administrator")
    browser = Browser(app.test_client())
    assert browser.get("/recordings?x=1").location == "/sign-in?next=/recordings?x%3D1"
    response = browser.submit("/sign-in", name="Ada", password=PASSWORD, next="/recordings?x=1")
    assert response.location == "/recordings?x=1"
    other = Browser(app.test_client())
    assert other.submit("/sign-in", name="Ada", password=PASSWORD, next="//evil.example/").location == "/"


@given(st.text(max_size=40))
def test_no_text_leads_elsewhere(text: str) -> None:
    """Whatever stands in ``next``, the result is empty or a path of this site."""
    path = local_path(text)
    assert path == "" or (path.startswith("/") and path[1:2] not in {"/", "\\"} and "\n" not in path)


@pytest.mark.parametrize("bad", ["//x", "/\\x", "https://x", "/\t/x", "", None, "javascript:1"])
def test_known_tricks_lead_nowhere(bad: str | None) -> None:
    """The tricks browsers fall for are refused."""
    assert local_path(bad) == ""
