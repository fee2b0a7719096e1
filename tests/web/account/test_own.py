"""Your account: address, password, sessions, second factor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import auditlog
from appliance.web.account import accounts, second_factor
from appliance.web.account.browsers import browser_words
from appliance.web.services import of
from tests.web.account.test_steps import code_of, with_factor
from tests.web.conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

NEW_PASSWORD = "Other-Room-43!"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
AGENTS = {
    FIREFOX: "Firefox, Windows",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0": "Chrome, Linux",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0": (
        "Edge, Windows"
    ),
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1": (
        "Safari, iPad"
    ),
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36": "Chrome, Android",
    "curl/8.5": "curl",
    "": "",
}


def test_browsers_are_told_apart() -> None:
    """What browsers send is said in words, those that name others in their own name too."""
    assert {agent: browser_words(agent) for agent in AGENTS} == AGENTS


@given(st.text(max_size=600))
def test_whatever_a_browser_sends_becomes_known_words(text: str) -> None:
    """Nothing that was sent is kept but the names this box knows."""
    assert re.fullmatch(r"[A-Za-z]*(?: Internet)?(?:, )?[A-Za-z]*", browser_words(text))


def manual(app: Flask) -> ManualClock:
    """Return the application's clock."""
    return cast("ManualClock", of(app).clock)


def signed_in(app: Flask, name: str, **environ: str) -> Browser:
    """Return the browser of somebody who has just signed in."""
    browser = Browser(app.test_client())
    browser.client.environ_base.update(environ)
    assert browser.sign_in(name).status_code == 302
    return browser


def test_the_page_shows_where_one_is_signed_in(app: Flask, account: Callable[[str, str], None]) -> None:
    """Browser and address of each session, this one marked; nothing of other people's."""
    account("Ada", "reviewer")
    account("Eve", "reviewer")
    signed_in(app, "Eve", REMOTE_ADDR="198.51.100.66")
    signed_in(app, "Ada", HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.7")
    page = signed_in(app, "Ada").get("/account").text
    assert "Firefox, Windows" in page
    assert "192.0.2.7" in page
    assert "198.51.100.66" not in page
    assert page.count(">this one<") == 1
    assert page.count('/end"') == 1


def test_one_other_session_is_ended_and_only_ones_own(
    app: Flask, account: Callable[[str, str], None], db: Database
) -> None:
    """The chosen one ends, this one goes on; another person's or a made-up handle is not found."""
    account("Ada", "reviewer")
    account("Eve", "reviewer")
    other, ada, eve = signed_in(app, "Ada"), signed_in(app, "Ada"), signed_in(app, "Eve")
    path = re.search(r"/account/sessions/[0-9a-f]{16}/end", ada.get("/account").text)
    assert path
    assert eve.call(path[0]).status_code == 404
    assert other.client.get("/account").status_code == 200
    assert ada.call(path[0]).status_code == 302
    assert other.client.get("/account").status_code == 401
    assert ada.client.get("/account").status_code == 200
    assert ada.call(path[0]).status_code == 404
    assert "account.sessions_ended" in [line.action for line in auditlog.show(db)]


def test_all_others_are_ended_at_once(app: Flask, account: Callable[[str, str], None]) -> None:
    """Every other session of the person ends, this one and other people's stay."""
    account("Ada", "reviewer")
    account("Eve", "reviewer")
    others, ada, eve = [signed_in(app, "Ada") for _ in range(2)], signed_in(app, "Ada"), signed_in(app, "Eve")
    assert ada.call("/account/sessions/end-others").status_code == 302
    assert [browser.client.get("/account").status_code for browser in (*others, ada, eve)] == [401, 401, 200, 200]


def test_the_password_is_changed_with_the_present_one(app: Flask, account: Callable[[str, str], None]) -> None:
    """A wrong present password, a weak or the same new one change nothing; a good one ends the other sessions alone."""
    account("Ada", "reviewer")
    other, ada = signed_in(app, "Ada"), signed_in(app, "Ada")

    def change(present: str, new: str) -> int:
        return ada.submit("/account/password", present=present, password=new, again=new).status_code

    assert change("Wrong-Room-42!", NEW_PASSWORD) == 403
    assert change(PASSWORD, "short") == 422
    assert change(PASSWORD, PASSWORD) == 422
    assert other.client.get("/account").status_code == 200
    assert change(PASSWORD, NEW_PASSWORD) == 302
    assert other.client.get("/account").status_code == 401
    assert ada.client.get("/account").status_code == 200
    assert Browser(app.test_client()).sign_in("Ada").status_code == 403
    assert Browser(app.test_client()).sign_in("Ada", NEW_PASSWORD).status_code == 302


def test_guessing_the_present_password_in_a_found_session_is_throttled(
    app: Flask, account: Callable[[str, str], None]
) -> None:
    """Who finds an open screen has five tries for all three pages that ask, and signing in is not hindered by it."""
    account("Ada", "reviewer")
    ada = signed_in(app, "Ada")
    for path in ("/account/email", "/account/second-factor") * 2:
        assert ada.submit(path, present="Wrong-Room-42!").status_code == 403
    assert ada.submit("/account/email", present="Wrong-Room-42!").status_code == 403
    assert (
        ada.submit("/account/password", present=PASSWORD, password=NEW_PASSWORD, again=NEW_PASSWORD).status_code == 429
    )
    assert Browser(app.test_client()).sign_in("Ada").status_code == 302


@pytest.mark.parametrize(
    "wrong", ["ada", "ada@", "a b@example.org", "a@b\nBcc: x@y.org", "<script>@x", "a" * 300 + "@b.org"]
)
def test_what_is_no_address_is_refused(
    app: Flask, account: Callable[[str, str], None], db: Database, wrong: str
) -> None:
    """Nothing is stored that mail could not be sent to."""
    account("Ada", "reviewer")
    assert signed_in(app, "Ada").submit("/account/email", present=PASSWORD, email=wrong).status_code == 422
    assert accounts.get_account(db, "Ada").email == ""


def test_an_address_belongs_to_one_person(app: Flask, account: Callable[[str, str], None], db: Database) -> None:
    """It is saved with the password, taken away by an empty field, and refused where another account has it."""
    account("Ada", "reviewer")
    account("Eve", "reviewer")
    ada, eve = signed_in(app, "Ada"), signed_in(app, "Eve")
    assert ada.submit("/account/email", present=PASSWORD, email=" ada@example.org ").status_code == 302
    assert accounts.get_account(db, "Ada").email == "ada@example.org"
    assert eve.submit("/account/email", present=PASSWORD, email="ADA@example.org").status_code == 409
    assert ada.submit("/account/email", present=PASSWORD, email="").status_code == 302
    assert eve.submit("/account/email", present=PASSWORD, email="ADA@example.org").status_code == 302


def test_a_second_factor_is_set_up_and_removed(
    app: Flask, account: Callable[[str, str], None], clock: ManualClock
) -> None:
    """Password, picture, first code, recovery codes; removal needs password and a code."""
    account("Ada", "reviewer")
    ada = signed_in(app, "Ada")
    assert ada.client.get("/account/second-factor/qr.svg").status_code == 404
    assert ada.get("/account/second-factor/scan").location == "/account/second-factor"
    assert ada.submit("/account/second-factor", present=PASSWORD).location == "/account/second-factor/scan"
    found = re.search(r"data-secret>([A-Z2-7 ]+)<", ada.get("/account/second-factor/scan").text)
    assert found
    secret = found[1].replace(" ", "")
    assert ada.client.get("/account/second-factor/qr.svg").headers["Cache-Control"] == "no-store"
    shown = ada.submit("/account/second-factor/scan", code=code_of(secret, clock))
    codes = re.findall(r"<code>([a-z0-9-]{14})</code>", shown.text)
    assert len(codes) == 10
    assert codes[0] not in ada.get("/account").text
    assert ada.client.get("/account/second-factor/qr.svg").status_code == 404
    assert ada.submit("/account/second-factor/remove", present=PASSWORD, code="000000").status_code == 403
    clock.advance(30)
    code = code_of(secret, clock)
    assert ada.submit("/account/second-factor/remove", present="Wrong-Room-42!", code=code).status_code == 403
    assert ada.submit("/account/second-factor/remove", present=PASSWORD, code=code).status_code == 302
    assert Browser(app.test_client()).sign_in("Ada").location == "/"


def test_new_recovery_codes_end_the_old_ones(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings
) -> None:
    """They need password and code; the page shows ten others."""
    clock = manual(app)
    account("Ada", "reviewer")
    ada = signed_in(app, "Ada")
    secret = with_factor(db, settings, clock)
    first = ada.submit("/account/recovery-codes", present=PASSWORD, code=code_of(secret, clock))
    old = re.findall(r"<code>([a-z0-9-]{14})</code>", first.text)
    second = ada.submit("/account/recovery-codes", present=PASSWORD, code=old[0])
    new = re.findall(r"<code>([a-z0-9-]{14})</code>", second.text)
    assert len(set(old) | set(new)) == 20
    assert ada.submit("/account/recovery-codes", present=PASSWORD, code=old[1]).status_code == 403


def test_another_persons_code_is_not_taken(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings
) -> None:
    """Each secret is its account's own."""
    clock = manual(app)
    account("Ada", "reviewer")
    account("Eve", "reviewer")
    with_factor(db, settings, clock)
    secret = with_factor(db, settings, clock, "Eve")
    ada = Browser(app.test_client())
    ada.sign_in("Ada")
    assert ada.submit("/sign-in/code", code=pyotp.TOTP(secret).at(clock.wall_us() // 1_000_000)).status_code == 403
    assert second_factor.has_second_factor(db, accounts.get_account(db, "Ada").id)
