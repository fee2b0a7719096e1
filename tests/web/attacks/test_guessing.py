"""Guessing who exists, passwords, codes: every answer is alike, every guess is slowed, a restart forgives nothing."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.clock import SECOND_US, ManualClock
from appliance.config import AccountsSettings, BoxSettings, PathSettings, Settings
from appliance.web.account import changes, mailer, passwords, reset, second_factor, throttle
from appliance.web.account.accounts import create_account, get_account
from appliance.web.account.factor_key import factor_key
from appliance.web.app import create_app
from appliance.web.services import of
from tests.web.conftest import PASSWORD, Browser, StandInCapture, StandInKeyring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

DAY_S = 24 * 3600


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    """A box that could send mail."""
    mails = AccountsSettings(smtp_host="127.0.0.1", smtp_port=9, smtp_tls="none", mail_from="box@example.org")
    paths = PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run"))
    return Settings(box=BoxSettings(trial=True), paths=paths, accounts=mails)


@pytest.fixture
def people(db: Database, clock: ManualClock) -> None:
    """Somebody who may sign in, somebody who may not any more, somebody with a second factor, and an administrator."""
    for name in ("Known", "Disabled", "Factor", "Boss"):
        role = "administrator" if name == "Boss" else "reviewer"
        create_account(db, name, role, PASSWORD, clock=clock, who="test", email=f"{name}@example.org")
    changes.disable_account(db, "Disabled", clock=clock, who="test")


class Work:
    """Counts what costs time: password hashes that were checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checks = 0
        real = passwords._HASHER

        def verify(*given: Any) -> bool:
            self.checks += 1
            return bool(real.verify(*given))

        counting = SimpleNamespace(verify=verify, hash=real.hash, check_needs_rehash=real.check_needs_rehash)
        monkeypatch.setattr(passwords, "_HASHER", counting)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """The count of work."""
    return Work(monkeypatch)


def plain(answer: TestResponse, *names: str) -> tuple[int, str, list[str]]:
    """Return status, text and header names, without what differs by chance or by what was typed."""
    text = re.sub(r'(name="csrf-token" content=|name="csrf_token"[^>]*value=)"[^"]+"', r"\1", answer.text)
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status_code, text, sorted(key for key, _ in answer.headers)


@pytest.mark.usefixtures("people")
def test_signing_in_says_the_same_of_every_name(app: Flask, work: Work) -> None:
    """Unknown, known, disabled (even with its right password): the same page, the same work."""
    seen = []
    for name, password in (("Nobody", "Wrong-1234!"), ("Known", "Wrong-1234!"), ("Disabled", PASSWORD)):
        browser, before = Browser(app.test_client()), work.checks
        answer = browser.submit("/sign-in", name=name, password=password)
        seen.append((plain(answer, name), work.checks - before))
    assert seen[0][1] == 1
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.usefixtures("people")
def test_a_code_is_refused_the_same_for_every_name(app: Flask, db: Database, clock: ManualClock, work: Work) -> None:
    """Whether the name exists, and whether it has a code: not told."""
    reset.make_code(db, "Known", hours=1, clock=clock, who="Boss")
    seen = []
    for name in ("Nobody", "Known", "Disabled", "Factor"):
        browser, before = Browser(app.test_client()), work.checks
        fields = {"name": name, "code": "Abcd-efgh-2345-6789", "password": "Other-Room-43?", "again": "Other-Room-43?"}
        seen.append((plain(browser.submit("/forgotten/code", **fields), name), work.checks - before))
    assert seen[0][1] == 1
    assert all(one == seen[0] for one in seen)


@pytest.mark.usefixtures("people")
def test_asking_for_a_link_says_the_same_of_every_name(app: Flask, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes before anybody looks whether there is such an account."""
    looked: list[Any] = []
    monkeypatch.setattr(mailer.Mailer, "put", lambda _self, job: looked.append(job))
    seen = []
    for name in ("Nobody", "Known", "Disabled", "known@example.org", "nobody@example.org"):
        browser, before = Browser(app.test_client()), work.checks
        answer = browser.submit("/forgotten", identifier=name)
        seen.append((plain(answer), answer.location, work.checks - before))
    assert all(one == seen[0] for one in seen)
    assert len(looked) == len(seen), "for every name the same work is put off"


@pytest.mark.usefixtures("people")
def test_guessing_passwords_is_slowed_for_every_name_alike(app: Flask, clock: ManualClock) -> None:
    """After five guesses 429 with Retry-After, for names that exist and names that do not; a day gives few tries."""
    for name in ("Known", "Nobody"):
        browser = Browser(app.test_client())
        statuses = [browser.submit("/sign-in", name=name, password=f"Guess-{n}-xx!").status_code for n in range(6)]
        assert statuses == [403] * 5 + [429]
        answer = browser.submit("/sign-in", name=name, password=PASSWORD)
        assert answer.status_code == 429, "not even the right one is looked at"
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        clock.advance(3600)


@pytest.mark.usefixtures("people")
def test_a_restart_forgives_no_guess(app: Flask, settings: Settings, clock: ManualClock) -> None:
    """The count is in the database: another process goes on with it."""
    for n in range(5):
        Browser(app.test_client()).submit("/sign-in", name="Known", password=f"Guess-{n}-xx!")
    again = create_app(settings, clock, live=StandInCapture(), keyring=StandInKeyring())
    try:
        assert Browser(again.test_client()).sign_in("Known").status_code == 429
        clock.advance(900)
        assert Browser(again.test_client()).sign_in("Known").status_code == 302
    finally:
        of(again).jobs.close()
        of(again).keeper.conn.close()


def guesses_in(clock: ManualClock, db: Database, kind: throttle.Kind, seconds: int) -> int:
    """Return how many guesses an attacker with endless addresses gets looked at in a time."""
    end, count = clock.wall_us() + seconds * SECOND_US, 0
    while clock.wall_us() < end:
        try:
            throttle.begin_attempt(db, "Factor", f"192.0.{count % 250}.{count % 240}", clock=clock, kind=kind)
            count += 1
        except throttle.ThrottledError as problem:
            clock.advance(problem.wait_seconds)
    return count


def test_a_day_of_guessing_finds_no_code_and_no_password(db: Database, clock: ManualClock) -> None:
    """Six digits, three of which are good at a time: a day from everywhere has less than one chance in a thousand."""
    codes = guesses_in(clock, db, "code", DAY_S)
    assert codes < 150
    assert codes * 3 / 10**second_factor.DIGITS < 1 / 1000
    # A thousandth of the common passwords' list a day, and none of those is allowed.
    assert guesses_in(clock, db, "name", DAY_S) < 1500


def second_step(app: Flask, db: Database, settings: Settings, clock: ManualClock) -> tuple[Browser, str]:
    """Give somebody a second factor and bring their password to the door."""
    account = get_account(db, "Factor")
    key = factor_key(settings)
    second_factor.begin(db, account, key=key, clock=clock)
    waiting = second_factor.pending(db, account, room="x", key=key, clock=clock)
    assert waiting
    import pyotp

    totp = pyotp.TOTP(waiting.secret)
    second_factor.confirm(db, account, totp.at(clock.wall_us() // SECOND_US), key=key, clock=clock)
    clock.advance(120)
    browser = Browser(app.test_client())
    assert browser.sign_in("Factor").location.startswith("/sign-in/code")
    return browser, waiting.secret


@pytest.mark.usefixtures("people")
def test_codes_are_not_guessed_by_beginning_again(
    app: Flask, db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Wrong codes count for the account: a new half session, another browser or a new password step forgives none."""
    import pyotp

    _, secret = second_step(app, db, settings, clock)
    statuses = []
    for n in range(8):
        browser = Browser(app.test_client())
        assert browser.sign_in("Factor").status_code == 302
        statuses.append(browser.submit("/sign-in/code", code=f"{n:06}").status_code)
    assert statuses == [403] * 5 + [429] * 3
    right = pyotp.TOTP(secret).at(clock.wall_us() // SECOND_US)
    assert browser.submit("/sign-in/code", code=right).status_code == 429
    assert "exambox_session" not in str(browser.get("/sign-in/code").headers)


@pytest.mark.usefixtures("people")
def test_a_reset_goes_round_no_second_factor(app: Flask, db: Database, settings: Settings, clock: ManualClock) -> None:
    """Whoever gets a link or a one-time code has a new password, and still not the phone."""
    second_step(app, db, settings, clock)
    account = get_account(db, "Factor")
    new = {"password": "Other-Room-43?", "again": "Other-Room-43?"}
    link = reset.make_link(db, account.id, minutes=30, clock=clock)
    thief = Browser(app.test_client())
    sent = new | {"token": link, "csrf_token": thief.token(f"/forgotten/link?token={link}")}
    assert thief.client.post("/forgotten/link", data=sent).status_code == 302
    assert second_factor.has_second_factor(db, account.id)
    assert thief.sign_in("Factor", new["password"]).location.startswith("/sign-in/code")
    code = reset.make_code(db, "Factor", hours=1, clock=clock, who="Boss")
    again = {"password": "Third-Room-44?", "again": "Third-Room-44?"}
    assert thief.submit("/forgotten/code", name="Factor", code=code, **again).status_code == 302
    assert thief.sign_in("Factor", again["password"]).location.startswith("/sign-in/code")
    assert thief.get("/account").status_code == 302


@pytest.mark.usefixtures("people")
def test_a_code_is_good_once(app: Flask, db: Database, settings: Settings, clock: ManualClock) -> None:
    """A code that was seen over somebody's shoulder opens nothing a second time."""
    import pyotp

    browser, secret = second_step(app, db, settings, clock)
    code = pyotp.TOTP(secret).at(clock.wall_us() // SECOND_US)
    assert browser.submit("/sign-in/code", code=code).status_code == 302
    thief = Browser(app.test_client())
    thief.sign_in("Factor")
    assert thief.submit("/sign-in/code", code=code).status_code == 403


@pytest.mark.usefixtures("people")
def test_reset_codes_are_slowed_by_address(app: Flask, db: Database, clock: ManualClock) -> None:
    """Thirty guesses from an address, then it waits; the owner's code stays good from elsewhere."""
    code = reset.make_code(db, "Known", hours=24, clock=clock, who="Boss")
    browser = Browser(app.test_client())
    token = browser.token("/forgotten/code")
    new = {"password": "Other-Room-43?", "again": "Other-Room-43?", "name": "Known", "csrf_token": token}
    statuses = [
        browser.client.post("/forgotten/code", data=new | {"code": f"Abcd-efgh-2345-67{n:02}"}).status_code
        for n in range(32)
    ]
    assert statuses == [403] * 30 + [429] * 2
    owner = Browser(app.test_client())
    sent = new | {"code": code, "csrf_token": owner.token("/forgotten/code")}
    done = owner.client.post("/forgotten/code", data=sent, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert done.status_code == 302


@pytest.fixture
def app(settings: Settings, clock: ManualClock) -> Iterator[Flask]:
    """The dashboard."""
    made = create_app(settings, clock, live=StandInCapture(), keyring=StandInKeyring())
    yield made
    of(made).jobs.close()
    of(made).keeper.conn.close()
