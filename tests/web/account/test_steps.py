"""Signing in with more than a password: half sessions, codes, forced steps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import msgspec
import pyotp
import pytest

from appliance import auditlog
from appliance.config import AccountsSettings, BoxSettings, PathSettings, Settings
from appliance.web.account import accounts, changes, passwords, recovery_codes, second_factor
from appliance.web.account.cookies import HALF_COOKIE, KNOWN_COOKIE
from appliance.web.account.factor_key import factor_key
from appliance.web.account.first_run import ensure_first_password
from appliance.web.app import create_app
from appliance.web.browser_session import SESSION_COOKIE
from appliance.web.services import of
from tests.web.conftest import PASSWORD, Browser
from tests.web.gate_table import EXPECTED
from tests.web.test_access import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock

NEW_PASSWORD = "Other-Room-43!"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A box on which auditors must have a second factor."""
    return Settings(
        box=BoxSettings(trial=True),
        paths=PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run")),
        accounts=AccountsSettings(require_totp_roles=("auditor",)),
    )


def with_factor(db: Database, settings: Settings, clock: ManualClock, name: str = "Ada") -> str:
    """Give an account a second factor; return the secret."""
    account, key = accounts.get_account(db, name), factor_key(settings)
    second_factor.begin(db, account, key=key, clock=clock)
    waiting = second_factor.pending(db, account, room="Room", key=key, clock=clock)
    assert waiting is not None
    second_factor.confirm(db, account, code_of(waiting.secret, clock), key=key, clock=clock)
    clock.advance(30)
    return waiting.secret


def code_of(secret: str, clock: ManualClock) -> str:
    """Return what the app shows."""
    return str(pyotp.TOTP(secret).at(clock.wall_us() // 1_000_000))


def cookie(browser: Browser, name: str, path: str = "/") -> str:
    """Return a cookie's value, or nothing."""
    found = browser.client.get_cookie(name, path=path)
    return found.value if found else ""


def half(browser: Browser) -> str:
    """Return the half session's cookie."""
    return cookie(browser, HALF_COOKIE, "/sign-in")


def test_after_the_password_a_code_is_asked_for(
    browser: Browser, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """The right password alone opens nothing; with the code a session begins, under a value of its own."""
    account("Ada", "administrator")
    secret = with_factor(db, settings, clock)
    response = browser.submit("/sign-in", name="Ada", password=PASSWORD, next="/recordings?x=1")
    assert response.location == "/sign-in/code?next=/recordings?x%3D1"
    first = half(browser)
    assert len(first) == 43
    assert cookie(browser, SESSION_COOKIE) == ""
    page = browser.submit(response.location, code="000000")
    assert page.status_code == 403
    assert "The code is not right" in page.text
    done = browser.submit(response.location, code=code_of(secret, clock))
    assert done.location == "/recordings?x=1"
    session = cookie(browser, SESSION_COOKIE)
    assert session
    assert session != first
    assert half(browser) == ""
    assert db.table("half_session").count == 0
    assert browser.get("/account").status_code == 200


def test_a_code_is_not_accepted_twice(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Who looks over the shoulder cannot use the same code, even with the password."""
    account("Ada", "administrator")
    secret = with_factor(db, settings, clock)
    code = code_of(secret, clock)
    for expected in (302, 403):
        browser = Browser(app.test_client())
        browser.sign_in("Ada")
        assert browser.submit("/sign-in/code", code=code).status_code == expected


def test_a_half_session_can_do_nothing_else(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Every route that needs a session refuses it, also where its value is sent as the session's cookie."""
    browser = Browser(app.test_client())
    account("Ada", "administrator")
    with_factor(db, settings, clock)
    browser.sign_in("Ada")
    value, token = half(browser), browser.token("/sign-in/code")
    browser.client.set_cookie(SESSION_COOKIE, value)
    walked = 0
    for endpoint, method, path in rules(app):
        if endpoint in EXPECTED:
            answer = browser.client.open(path, method=method, headers={"X-CSRFToken": token})
            assert answer.status_code == 401, endpoint
            walked += 1
    assert walked >= len(EXPECTED)


def test_a_half_session_ends_after_five_minutes_and_when_the_account_is_disabled(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """The right code comes too late then, and the way begins anew with the password."""
    account("Ada", "administrator")
    account("Grace", "administrator")
    secret = with_factor(db, settings, clock)
    late, disabled = Browser(app.test_client()), Browser(app.test_client())
    late.sign_in("Ada")
    token = late.token("/sign-in/code")
    clock.advance(5 * 60)
    answer = late.client.post("/sign-in/code", data={"csrf_token": token, "code": code_of(secret, clock)})
    assert answer.location == "/sign-in"
    disabled.sign_in("Ada")
    token = disabled.token("/sign-in/code")
    changes.disable_account(db, "Ada", clock=clock, who="test")
    answer = disabled.client.post("/sign-in/code", data={"csrf_token": token, "code": code_of(secret, clock)})
    assert answer.location == "/sign-in"
    assert db.table("web_session").count == 0


def test_guessing_codes_is_throttled_across_a_restart(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """After five wrong codes the right one waits too; neither the password nor a new process begins the count anew."""
    browser = Browser(app.test_client())
    account("Ada", "administrator")
    secret = with_factor(db, settings, clock)
    browser.sign_in("Ada")
    for _ in range(5):
        assert browser.submit("/sign-in/code", code="000000").status_code == 403
    assert browser.submit("/sign-in/code", code=code_of(secret, clock)).status_code == 429
    again = create_app(settings, clock, live=of(app).live, keyring=of(app).keyring)
    other = Browser(again.test_client())
    assert other.sign_in("Ada").status_code == 302
    refused = other.submit("/sign-in/code", code=code_of(secret, clock))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    clock.advance(60)
    assert other.submit("/sign-in/code", code=code_of(secret, clock)).status_code == 302
    of(again).jobs.close()
    of(again).keeper.conn.close()


def test_a_recovery_code_lets_in_once_and_the_rest_is_counted(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Without the phone a recovery code does, once; the next page says how many are left, and the log has it."""
    account("Ada", "administrator")
    with_factor(db, settings, clock)
    codes = recovery_codes.make_codes(db, accounts.get_account(db, "Ada"), clock=clock)
    browser = Browser(app.test_client())
    browser.sign_in("Ada")
    assert browser.submit("/sign-in/code", code=codes[3]).status_code == 302
    assert "9 are left" in browser.get("/account").text
    other = Browser(app.test_client())
    other.sign_in("Ada")
    assert other.submit("/sign-in/code", code=codes[3]).status_code == 403
    assert "account.recovery_code_used" in [line.action for line in auditlog.show(db)]


def test_a_password_somebody_else_chose_is_replaced_first(browser: Browser, db: Database, clock: ManualClock) -> None:
    """The given password leads to one page only; the same one again is refused; the new one signs in."""
    accounts.create_account(db, "Ada", "reviewer", PASSWORD, clock=clock, who="test", must_change=True)
    assert browser.sign_in("Ada").location == "/sign-in/new-password"
    assert browser.client.get("/account").status_code == 401
    same = browser.submit("/sign-in/new-password", password=PASSWORD, again=PASSWORD)
    assert same.status_code == 422
    assert "the password you were given" in same.text
    done = browser.submit("/sign-in/new-password", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert done.status_code == 302
    assert browser.get("/account").status_code == 200


def test_a_role_that_needs_a_second_factor_sets_it_up_on_the_way_in(
    app: Flask, account: Callable[[str, str], None], db: Database, clock: ManualClock
) -> None:
    """The secret is shown until its first code was right; then come the recovery codes, and the next time a code."""
    account("Ada", "auditor")
    browser = Browser(app.test_client())
    assert browser.sign_in("Ada").location == "/sign-in/second-factor"
    page = browser.get("/sign-in/second-factor").text
    found = re.search(r"data-secret>([A-Z2-7 ]+)<", page)
    assert found
    secret = found[1].replace(" ", "")
    picture = browser.client.get("/sign-in/second-factor/qr.svg")
    assert picture.headers["Cache-Control"] == "no-store"
    assert picture.data.startswith(b"<?xml")
    assert browser.submit("/sign-in/second-factor", code="000000").status_code == 403
    assert browser.client.get("/account").status_code == 401
    shown = browser.submit("/sign-in/second-factor", code=code_of(secret, clock))
    assert shown.status_code == 200
    assert len(re.findall(r"<code>[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}</code>", shown.text)) == 10
    assert browser.get("/account").status_code == 200
    assert browser.client.get("/sign-in/second-factor/qr.svg").status_code == 403
    clock.advance(30)
    assert Browser(app.test_client()).sign_in("Ada").location == "/sign-in/code"


@pytest.mark.parametrize("page", ["/sign-in/code", "/sign-in/new-password", "/sign-in/second-factor"])
def test_the_steps_lead_back_to_sign_in_without_a_half_session(
    browser: Browser, account: Callable[[str, str], None], page: str
) -> None:
    """Nobody comes to a step but by name and password, and not to a step that is not theirs."""
    account("Ada", "administrator")
    assert browser.get(page).location == "/sign-in"
    assert browser.client.get("/sign-in/second-factor/qr.svg").status_code == 403


def test_a_session_cookie_from_before_is_not_taken_over(
    app: Flask, account: Callable[[str, str], None], db: Database
) -> None:
    """Fixation: a value an attacker planted is not the session's after sign-in, whoever made it."""
    account("Ada", "administrator")
    account("Eve", "reviewer")
    attacker = Browser(app.test_client())
    attacker.sign_in("Eve")
    planted = cookie(attacker, SESSION_COOKIE)
    for value in (planted, "A" * 43):
        victim = Browser(app.test_client())
        victim.client.set_cookie(SESSION_COOKIE, value)
        if value == planted:
            # A signed-in browser is led on; its own person signs out first.
            assert victim.get("/sign-in").status_code == 302
            victim.client.post("/sign-out", headers={"X-CSRFToken": victim.token("/account")})
        assert victim.sign_in("Ada").status_code == 302
        assert cookie(victim, SESSION_COOKIE) not in {value, ""}
    attacker.client.set_cookie(SESSION_COOKIE, planted)
    assert attacker.client.get("/account").status_code == 401


def test_guessing_from_elsewhere_does_not_keep_the_person_out(
    app: Flask, account: Callable[[str, str], None], clock: ManualClock
) -> None:
    """A browser in which the person signed in before counts for itself; a made-up mark does not help a guesser."""
    account("Ada", "administrator")
    own, guesser = Browser(app.test_client()), Browser(app.test_client())
    own.sign_in("Ada")
    own.client.delete_cookie(SESSION_COOKIE)
    for _ in range(6):
        guesser.sign_in("Ada", "Wrong-Room-42!")
    assert guesser.sign_in("Ada").status_code == 429
    guesser.client.set_cookie(KNOWN_COOKIE, "eyIxIjoiYWFhYSJ9.x.y", path="/sign-in")
    assert guesser.sign_in("Ada").status_code == 429
    for _ in range(5):
        assert own.sign_in("Ada", "Wrong-Room-42!").status_code == 403
    assert own.sign_in("Ada").status_code == 429
    clock.advance(5)
    assert own.sign_in("Ada").status_code == 302


def test_another_persons_mark_does_not_help(app: Flask, account: Callable[[str, str], None]) -> None:
    """A mark is for the person who signed in, not for every name tried in that browser."""
    account("Ada", "administrator")
    account("Eve", "reviewer")
    eve, other = Browser(app.test_client()), Browser(app.test_client())
    eve.sign_in("Eve")
    eve.client.delete_cookie(SESSION_COOKIE)
    for _ in range(6):
        other.sign_in("Ada", "Wrong-Room-42!")
    assert eve.sign_in("Ada").status_code == 429


def test_a_refused_sign_in_tells_nothing(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong password, nobody, disabled, with and without a second factor: one status, one page, one hash each."""
    clock = cast("ManualClock", of(app).clock)
    for name in ("Ada", "Grace", "Gone", "Boss"):
        account(name, "administrator")
    with_factor(db, settings, clock, "Grace")
    changes.disable_account(db, "Gone", clock=clock, who="test")
    hashed: list[str] = []
    real = passwords.password_fits
    monkeypatch.setattr(passwords, "password_fits", lambda kept, typed: hashed.append("x") or real(kept, typed))
    answers = set()
    for name, password in (("Ada", NEW_PASSWORD), ("Nobody", PASSWORD), ("Gone", PASSWORD), ("Grace", NEW_PASSWORD)):
        hashed.clear()
        page = Browser(app.test_client()).sign_in(name, password)
        plain = re.sub(r'(content|value)="[^"]*"', "", page.text)
        headers = tuple(
            (key, value) for key, value in page.headers.items() if key not in {"Set-Cookie", "Content-Length"}
        )
        answers.add((page.status_code, headers, plain, len(hashed)))
    assert len(answers) == 1
    assert answers.pop()[3] == 1


def test_the_first_administrator_sets_up_what_the_box_asks_for(
    db: Database, clock: ManualClock, settings: Settings
) -> None:
    """Where administrators need a second factor, the first run leads to setting it up, not into the box."""
    strict = msgspec.structs.replace(settings, accounts=AccountsSettings(require_totp_roles=("administrator",)))
    app = create_app(strict, clock)
    browser = Browser(app.test_client())
    one_time = ensure_first_password(db, clock)
    assert one_time
    fields = {"one_time": one_time, "name": "Ada", "password": PASSWORD, "again": PASSWORD}
    assert browser.submit("/first-run", **fields).location == "/sign-in/second-factor"
    assert browser.client.get("/account").status_code == 401
    of(app).jobs.close()
    of(app).keeper.conn.close()


def test_guessing_codes_elsewhere_does_not_keep_the_person_out_and_the_password_forgives_none(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings
) -> None:
    """Who knows the password but not the code slows only their own browser down, and signing in again does not help."""
    clock = cast("ManualClock", of(app).clock)
    account("Ada", "administrator")
    own, guesser = Browser(app.test_client()), Browser(app.test_client())
    own.sign_in("Ada")
    own.client.delete_cookie(SESSION_COOKIE)
    secret = with_factor(db, settings, clock)
    for browser in (guesser, own):
        browser.sign_in("Ada")
        for _ in range(5):
            assert browser.submit("/sign-in/code", code="000000").status_code == 403
        assert browser.submit("/sign-in/code", code="000000").status_code == 429
        assert browser.sign_in("Ada").status_code == 302
        assert browser.submit("/sign-in/code", code="000000").status_code == 429
        clock.advance(5)
    assert own.submit("/sign-in/code", code=code_of(secret, clock)).status_code == 302


def test_signing_in_again_ends_the_browsers_session_before(
    app: Flask, account: Callable[[str, str], None], db: Database
) -> None:
    """A second sign-in in the same browser leaves no session behind."""
    account("Ada", "administrator")
    browser = Browser(app.test_client())
    browser.sign_in("Ada")
    before = cookie(browser, SESSION_COOKIE)
    headers = {"X-CSRFToken": browser.token("/account")}
    again = browser.client.post("/sign-in", data={"name": "Ada", "password": PASSWORD}, headers=headers)
    assert again.status_code == 302
    assert db.table("web_session").count == 1
    assert cookie(browser, SESSION_COOKIE) not in {before, ""}


def test_the_cookies_of_the_steps_are_kept_from_scripts_other_sites_and_plain_http(
    app: Flask, account: Callable[[str, str], None], db: Database, settings: Settings
) -> None:
    """HttpOnly, SameSite=Strict, for the sign-in pages alone; by HTTPS also Secure, under a name only HTTPS may set."""
    account("Ada", "administrator")
    account("Grace", "administrator")
    with_factor(db, settings, cast("ManualClock", of(app).clock))
    for scheme, prefix in (("http", ""), ("https", "__Secure-")):
        for name, kind in (("Ada", HALF_COOKIE), ("Grace", KNOWN_COOKIE)):
            client = app.test_client()
            address = f"{scheme}://localhost"
            token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in", base_url=address).text)
            assert token
            form = {"csrf_token": token[1], "name": name, "password": PASSWORD}
            answer = client.post("/sign-in", base_url=address, data=form)
            (line,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{prefix}{kind}=")]
            parts = {part.strip().lower() for part in line.split(";")[1:]}
            assert {"httponly", "samesite=strict", "path=/sign-in"} <= parts
            assert ("secure" in parts) == (scheme == "https")
