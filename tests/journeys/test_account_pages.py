"""The pages no link leads to, at the door and in the middle of a step, as `test_every_page` looks at the others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyotp
import pytest
from werkzeug.serving import make_server

from appliance.clock import SystemClock
from appliance.config import AccountsSettings, BoxSettings, PathSettings, Settings
from appliance.database import connect
from appliance.web.account import accounts, reset, second_factor, sessions
from appliance.web.account.factor_key import factor_key
from appliance.web.app import create_app
from appliance.web.services import of
from tests.journeys.conftest import PASSWORD
from tests.journeys.for_everybody import faults_of
from tests.support.browsers import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page
    from sqlite_utils import Database

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(300)]
CLOCK = SystemClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A box that sends e-mail (to nowhere) and asks auditors for a second factor."""
    mail = AccountsSettings(
        smtp_host="127.0.0.1", smtp_port=9, smtp_tls="none", mail_from="b@example.org", require_totp_roles=("auditor",)
    )
    paths = PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run"))
    return Settings(box=BoxSettings(room="Hall 2", timezone="Europe/Berlin"), paths=paths, accounts=mail)


@pytest.fixture
def dashboard(settings: Settings) -> Iterator[str]:
    """The dashboard alone, served to the browser; return its address."""
    app = create_app(settings, CLOCK)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    of(app).jobs.close()
    of(app).keeper.conn.close()


@pytest.fixture
def people(dashboard: str, settings: Settings) -> Iterator[Database]:
    """Everybody the pages are about, one of each kind."""
    db = connect(settings.database)
    roles = {"Ada Lovelace": "administrator", "Grace": "centre_manager", "Kim": "auditor", "Mira": "invigilator"}
    for name, role in roles.items():
        email = f"{name.split()[0].lower()}@example.org"
        accounts.create_account(db, name, role, PASSWORD, clock=CLOCK, who="test", email=email)
    accounts.create_account(db, "New", "reviewer", PASSWORD, clock=CLOCK, who="test", must_change=True)
    sessions.open_session(db, 1, address="192.0.2.7", clock=CLOCK, browser="Safari, iPad")
    reset.make_code(db, "Mira", hours=24, clock=CLOCK, who="test")
    yield db
    db.conn.close()


def sign_in(page: Page, dashboard: str, name: str) -> None:
    """Give name and password at the door."""
    page.context.clear_cookies()
    page.goto(f"{dashboard}/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button.primary")


def set_up_factor(page: Page, dashboard: str) -> None:
    """Come as far as the recovery codes of a new second factor."""
    page.goto(f"{dashboard}/account/second-factor")
    page.fill("#present", PASSWORD)
    page.click("main button.primary")
    page.click(".secret summary")
    secret = page.inner_text("[data-secret]").replace(" ", "")
    page.fill("#code", str(pyotp.TOTP(secret).now()))
    page.click("main button.primary")
    page.wait_for_selector("[data-codes]")


def test_the_pages_of_the_way_in_are_for_everybody(dashboard: str, people: Database, settings: Settings) -> None:
    """Sign-in with its problem, forgotten, link, code, and each step between password and session."""
    found: dict[str, list[str]] = {}
    with chromium() as page:
        link = reset.make_link(people, 2, minutes=30, clock=CLOCK)
        for path in ("/sign-in", "/forgotten", "/forgotten?sent=1", "/forgotten/code", f"/forgotten/link?token={link}",
                     "/forgotten/link?token=x"):  # fmt: skip
            page.goto(dashboard + path)
            found[path] = faults_of(page, path.replace("/", "_").partition("token")[0])
        page.goto(f"{dashboard}/sign-in")
        page.fill("#name", "Nobody")
        page.fill("#password", "x")
        page.click("main button.primary")
        page.get_by_role("alert").wait_for()
        found["refused"] = faults_of(page, "sign_in_refused")
        account, key = accounts.get_account(people, "Grace"), factor_key(settings)
        second_factor.begin(people, account, key=key, clock=CLOCK)
        people.conn.execute("UPDATE second_factor SET confirmed_us = 1")
        people.conn.commit()
        for name, where in (("Kim", "second-factor"), ("New", "new-password"), ("Grace", "code")):
            sign_in(page, dashboard, name)
            page.wait_for_url(f"**/sign-in/{where}")
            found[where] = faults_of(page, f"step_{where}")
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_pages_of_accounts_are_for_everybody(dashboard: str, people: Database) -> None:
    """One's own account with its forms, the recovery codes, the users' pages and a one-time code."""
    found: dict[str, list[str]] = {}

    def try_pages(*paths: str) -> None:
        for path in paths:
            page.goto(dashboard + path)
            found[path] = faults_of(page, path.replace("/", "_"))

    with chromium() as page:
        sign_in(page, dashboard, "Ada Lovelace")
        page.wait_for_url(f"{dashboard}/live")
        try_pages("/account", "/account/password", "/account/email", "/account/second-factor")
        set_up_factor(page, dashboard)
        found["codes"] = faults_of(page, "codes")
        try_pages("/account/recovery-codes", "/account/second-factor/remove", "/admin/users", "/admin/users/add",
                  "/admin/users/1", "/admin/users/4", "/admin/users?q=nobody-there")  # fmt: skip
        page.goto(f"{dashboard}/admin/users/4")
        page.get_by_role("button", name="One-time code").click()
        page.locator("dialog.ask").wait_for()
        found["asking"] = faults_of(page, "asking")
        page.locator("dialog.ask").get_by_role("button", name="One-time code").click()
        page.wait_for_selector("[data-codes]")
        found["code"] = faults_of(page, "one_time_code")
    assert {name: faults for name, faults in found.items() if faults} == {}
