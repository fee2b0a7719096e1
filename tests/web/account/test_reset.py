"""Forgotten passwords: by link, by code, and what a guesser learns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance import auditlog
from appliance.config import AccountsSettings, BoxSettings, PathSettings, Settings
from appliance.web.account import accounts, changes, passwords, reset
from appliance.web.account.mailer import mailer_of
from appliance.web.services import of
from tests.support.smtp_server import SmtpServer
from tests.web.conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock

NEW_PASSWORD = "Other-Room-43!"
POLICY = passwords.Policy()


@pytest.fixture
def post() -> Iterator[SmtpServer]:
    """A mail server."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, post: SmtpServer) -> Settings:
    """A box that sends e-mail."""
    mail = AccountsSettings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", mail_from="box@example.org")
    paths = PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run"))
    return Settings(box=BoxSettings(room="Hall 2"), paths=paths, accounts=mail)


@pytest.fixture
def ada(db: Database, clock: ManualClock) -> int:
    """Ada, with an address; return the account's number."""
    made = accounts.create_account(
        db, "Ada", "administrator", PASSWORD, clock=clock, who="test", email="ada@example.org"
    )
    return made.id


def link_in(app: Flask, post: SmtpServer) -> str:
    """Return the path of the link in the mail that came last."""
    mailer_of(app).wait()
    text = post.taken[-1].message.get_content()
    found = re.search(r"http://localhost(/forgotten/link\?token=[\w-]{43})\s", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("typed", ["Ada", "ada@example.org", "ADA@EXAMPLE.ORG "])
def test_a_link_by_mail_sets_a_new_password_once(
    app: Flask, db: Database, ada: int, post: SmtpServer, typed: str
) -> None:
    """Asked for by name or address; two fields; the old password and open sessions end; the link works once."""
    browser, signed_in = Browser(app.test_client()), Browser(app.test_client())
    signed_in.sign_in("Ada")
    assert browser.submit("/forgotten", identifier=typed).location == "/forgotten?sent=1"
    path = link_in(app, post)
    assert post.taken[-1].recipients == ["ada@example.org"]
    assert "Hello Ada" in post.taken[-1].message.get_content()
    page = browser.get(path)
    assert page.text.count('type="password"') == 2
    token = path.partition("=")[2]
    fields = {"token": token, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    post_to = browser.client.post
    headers = {"Accept": "text/html", "X-CSRFToken": browser.token(path)}
    assert post_to("/forgotten/link", data=fields, headers=headers).location == "/sign-in"
    assert signed_in.client.get("/account").status_code == 401
    again = post_to("/forgotten/link", data={**fields, "password": PASSWORD, "again": PASSWORD}, headers=headers)
    assert again.status_code == 403
    assert "does not work any more" in again.text
    assert browser.get(path).status_code == 403
    assert browser.sign_in("Ada").status_code == 403
    assert browser.sign_in("Ada", NEW_PASSWORD).status_code == 302
    mailer_of(app).wait()
    assert "replaced" in post.taken[-1].message.get_content()
    assert {"account.reset_asked", "account.password_reset"} <= {line.action for line in auditlog.show(db)}


def test_a_weak_choice_does_not_use_the_link_up(app: Flask, browser: Browser, ada: int, post: SmtpServer) -> None:
    """What is missing is said, also that the two differ, and the link goes on."""
    browser.submit("/forgotten", identifier="Ada")
    path = link_in(app, post)
    headers = {"Accept": "text/html", "X-CSRFToken": browser.token(path)}
    for password, again, said in (("short", "short", "needs"), (NEW_PASSWORD, PASSWORD, "The two differ")):
        fields = {"token": path.partition("=")[2], "password": password, "again": again}
        page = browser.client.post("/forgotten/link", data=fields, headers=headers)
        assert page.status_code == 422
        assert said in page.text
    assert browser.get(path).status_code == 200


def test_links_end_with_time_with_a_newer_one_and_with_the_account(
    db: Database, clock: ManualClock, ada: int, app: Flask
) -> None:
    """Half an hour, a second link, another address, another password and a disabled account each end a link."""

    def fresh() -> str:
        return reset.make_link(db, ada, minutes=30, clock=clock)

    def refused(token: str) -> bool:
        return not reset.link_works(db, token, clock=clock)

    first = fresh()
    second = fresh()
    assert refused(first)
    assert not refused(second)
    clock.advance(30 * 60)
    assert refused(second)
    moved = fresh()
    changes.set_email(db, "Ada", "new@example.org", clock=clock, who="test")
    assert refused(moved)
    changed = fresh()
    changes.set_password(db, "Ada", NEW_PASSWORD, clock=clock, who="test")
    assert refused(changed)
    disabled = fresh()
    accounts.create_account(db, "Grace", "administrator", PASSWORD, clock=clock, who="test")
    changes.disable_account(db, "Ada", clock=clock, who="test")
    assert refused(disabled)
    changes.enable_account(db, "Ada", clock=clock, who="test")
    assert refused(disabled)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ä" * 43, "A" * 5000, "' OR 1=1 --"])
def test_foreign_tokens_find_nothing(browser: Browser, db: Database, clock: ManualClock, ada: int, token: str) -> None:
    """Another text than the link's is refused, and so is one that is only in the database."""
    reset.make_link(db, ada, minutes=30, clock=clock)
    stored = db.conn.execute("SELECT secret_hash FROM password_reset").fetchone()[0]
    for tried in (token, stored):
        page = browser.get("/forgotten/link", query_string={"token": tried})
        assert page.status_code == 403
        with pytest.raises(reset.ResetError):
            reset.use_link(db, tried, NEW_PASSWORD, policy=POLICY, clock=clock)


def test_the_answer_is_the_same_whoever_is_asked_for(
    app: Flask, ada: int, db: Database, post: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known, unknown, without an address, disabled: equal status, headers and body, and nothing is hashed."""
    clock = of(app).clock
    accounts.create_account(db, "Noaddress", "reviewer", PASSWORD, clock=clock, who="test")
    accounts.create_account(db, "Gone", "reviewer", PASSWORD, clock=clock, who="test", email="gone@example.org")
    changes.disable_account(db, "Gone", clock=clock, who="test")
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "hash_password", lambda password: hashed.append(password) or "x")
    monkeypatch.setattr(passwords, "password_fits", lambda *_: hashed.append("fits") or False)
    answers = set()
    for typed in ("Ada", "ada@example.org", "Nobody", "Noaddress", "Gone", "x" * 200):
        browser = Browser(app.test_client())
        token = browser.token("/forgotten")
        sent = browser.client.post("/forgotten", data={"csrf_token": token, "identifier": typed})
        page = browser.get("/forgotten?sent=1")
        plain = re.sub(r'content="[^"]*"|value="[^"]*"', "", page.text)
        kept = tuple((name, value) for name, value in sent.headers.items() if name != "Set-Cookie")
        answers.add((sent.status_code, kept, sent.data, plain))
    assert len(answers) == 1
    assert hashed == []
    mailer_of(app).wait()
    assert [taken.recipients for taken in post.taken] == [["ada@example.org"]] * 2


def test_asking_is_throttled_for_names_that_exist_and_that_do_not(app: Flask, ada: int, post: SmtpServer) -> None:
    """Nobody's letter box is flooded, and the limit tells nothing."""
    for typed in ("Ada", "Nobody"):
        browser = Browser(app.test_client())
        statuses = [browser.submit("/forgotten", identifier=typed).status_code for _ in range(6)]
        assert statuses == [302] * 5 + [429]
    mailer_of(app).wait()
    assert len(post.taken) == 5


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example"])
def test_a_forged_host_gets_no_link(app: Flask, browser: Browser, ada: int, post: SmtpServer, host: str) -> None:
    """The link's address is one the box answers to: a forged Host is refused before anything is sent."""
    token = browser.token("/forgotten")
    headers = {"Host": host, "X-Forwarded-Host": "evil.example"}
    fields = {"csrf_token": token, "identifier": "Ada"}
    assert browser.client.post("/forgotten", data=fields, headers=headers).status_code == 400
    browser.client.post("/forgotten", data=fields, headers={"X-Forwarded-Host": "evil.example"})
    mailer_of(app).wait()
    assert all("evil" not in taken.message.get_content() for taken in post.taken)


def test_a_mail_that_fails_is_shown_to_administrators(
    app: Flask, ada: int, post: SmtpServer, person: Callable[[str], Browser]
) -> None:
    """Whoever asked learns nothing; the users' page says what the mail server answered until one goes out again."""
    post.refuse = frozenset({"ada@example.org"})
    assert Browser(app.test_client()).submit("/forgotten", identifier="Ada").status_code == 302
    mailer_of(app).wait()
    failure = mailer_of(app).failure
    assert failure is not None
    assert "does not take this address" in failure.message
    page = person("administrator").get("/admin/users")
    assert "could not be sent" in page.text
    assert "does not take this address" in page.text
    post.refuse = frozenset()
    Browser(app.test_client()).submit("/forgotten", identifier="Ada")
    mailer_of(app).wait()
    assert mailer_of(app).failure is None


def test_a_code_sets_a_new_password_once(
    app: Flask, browser: Browser, db: Database, clock: ManualClock, ada: int
) -> None:
    """Name, code and two fields; the present password works until then, the code once."""
    code = reset.make_code(db, "Ada", hours=24, clock=clock, who="test")
    assert Browser(app.test_client()).sign_in("Ada").status_code == 302
    fields = {"name": "ada", "code": f" {code} ", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    weak = browser.submit("/forgotten/code", **{**fields, "password": "short", "again": "short"})
    assert weak.status_code == 422
    assert browser.submit("/forgotten/code", **fields).location == "/sign-in"
    assert browser.submit("/forgotten/code", **fields).status_code == 403
    assert browser.sign_in("Ada").status_code == 403
    assert browser.sign_in("Ada", NEW_PASSWORD).status_code == 302


def test_codes_end_and_tell_no_names(app: Flask, db: Database, clock: ManualClock, ada: int) -> None:
    """Too old, another person's, a made-up name, no code at all: one answer, one hash each."""
    code = reset.make_code(db, "Ada", hours=24, clock=clock, who="test")
    accounts.create_account(db, "Grace", "reviewer", PASSWORD, clock=clock, who="test")
    checked: list[str | None] = []
    real = passwords.password_fits

    def counted(password_hash: str | None, password: str) -> bool:
        checked.append(password_hash)
        return real(password_hash, password)

    answers = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "password_fits", counted)
        for name, tried in (("Ada", "Aaaa-bbbb-cccc-2222"), ("Grace", code), ("Nobody", code)):
            browser = Browser(app.test_client())
            fields = {"name": name, "code": tried, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
            page = browser.submit("/forgotten/code", **fields)
            answers.add((page.status_code, re.sub(r'content="[^"]*"|value="[^"]*"', "", page.text)))
    assert len(answers) == 1
    assert len(checked) == 3
    clock.advance(24 * 3600)
    with pytest.raises(reset.ResetError):
        reset.use_code(db, "Ada", code, NEW_PASSWORD, policy=POLICY, clock=clock)


def test_guessing_codes_does_not_keep_their_owner_out(app: Flask, db: Database, clock: ManualClock, ada: int) -> None:
    """Thirty guesses from one address slow that address down; from another one the right code works at once."""
    code = reset.make_code(db, "Ada", hours=24, clock=clock, who="test")
    guesser, owner = Browser(app.test_client()), Browser(app.test_client())
    owner.client.environ_base["REMOTE_ADDR"] = "192.0.2.9"
    fields = {"name": "Ada", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    token = guesser.token("/forgotten/code")
    statuses = [
        guesser.client.post("/forgotten/code", data={**fields, "code": "Aaaa", "csrf_token": token}).status_code
        for _ in range(31)
    ]
    assert statuses == [403] * 30 + [429]
    assert owner.submit("/forgotten/code", code=code, **fields).status_code == 302
