"""People and their ways in, in a real browser: forgotten password, second factor, disabled while signed in."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pyotp
import pytest

from tests.journeys.conftest import PASSWORD, Box, first_run
from tests.support.browsers import EACH_SCREEN_IN_TURN
from tests.support.smtp_server import SmtpServer
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
NEW_PASSWORD = "Other-Room-43!"


@pytest.fixture
def post() -> Iterator[SmtpServer]:
    """The school's mail server."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def box_settings(post: SmtpServer) -> Mapping[str, str]:
    """A box that sends e-mail."""
    return {
        "EXAMBOX_ACCOUNTS__SMTP_HOST": "127.0.0.1",
        "EXAMBOX_ACCOUNTS__SMTP_PORT": str(post.port),
        "EXAMBOX_ACCOUNTS__SMTP_TLS": "none",
        "EXAMBOX_ACCOUNTS__MAIL_FROM": "box@example.org",
    }


def sign_in(page: Page, box: Box, name: str, password: str) -> None:
    """Give name and password at the door."""
    page.goto(f"{box.address}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    """Leave by the menu."""
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Sign out").click()
    # A page that hears first that the session is over goes there by itself, and says where it came from.
    page.wait_for_url("**/sign-in*")


def code_after(secret: str, used: str) -> str:
    """Return the app's next code that was not used yet; it is accepted up to half a minute early."""
    totp = pyotp.TOTP(secret)
    now = int(time.time())
    return next(code for code in (totp.at(now), totp.at(now + 30)) if code != used)


@EACH_SCREEN_IN_TURN
def test_a_forgotten_password_is_replaced_by_mail(page: Page, box: Box, post: SmtpServer) -> None:
    """An address is saved with the password; the link from the mail opens two fields; the new password signs in."""
    first_run(page, box)
    page.goto(f"{box.address}/account/email")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your e-mail address is saved.").wait_for()
    sign_out(page)

    page.get_by_role("link", name="Forgotten your password").click()
    page.get_by_label("Name or e-mail address").fill("ada@example.org")
    page.get_by_role("button", name="Send me a link").click()
    page.get_by_text("Look into your e-mail.").wait_for()
    until(lambda: bool(post.taken), 10, "the mail")
    link = re.search(r"http://\S+/forgotten/link\?token=\S+", post.taken[-1].message.get_content())
    assert link
    assert link[0].startswith(box.address)
    page.goto(link[0])
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save the new password").click()
    page.get_by_text("Your new password is set.").wait_for()
    sign_in(page, box, "Ada", NEW_PASSWORD)
    page.wait_for_url("**/live")
    page.goto(link[0])
    page.get_by_text("This link does not work any more.").wait_for()


@EACH_SCREEN_IN_TURN
def test_a_second_factor_is_set_up_used_and_done_without(page: Page, box: Box) -> None:
    """Scan, first code, recovery codes; then sign-in asks for a code; a recovery code does without the phone."""
    first_run(page, box)
    page.goto(f"{box.address}/account")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    picture = page.locator("img.qr")
    picture.wait_for()
    until(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 100"), 10, "the code's picture")
    page.get_by_text("No camera? Type the secret").click()
    secret = page.locator("[data-secret]").inner_text().replace(" ", "")
    first = str(pyotp.TOTP(secret).now())
    page.get_by_label("Code").fill(first)
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    codes = page.locator("[data-codes] code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    assert "10 of 10" in page.locator("main").inner_text()
    sign_out(page)

    sign_in(page, box, "Ada", PASSWORD)
    page.wait_for_url("**/sign-in/code")
    page.get_by_label("Code").fill(code_after(secret, first))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/live")
    sign_out(page)

    sign_in(page, box, "Ada", PASSWORD)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("9 are left").wait_for()
    page.goto(f"{box.address}/account")
    assert "9 of 10" in page.locator("main").inner_text()


@EACH_SCREEN_IN_TURN
def test_a_user_who_is_disabled_is_out_at_once(page: Page, other_page: Page, box: Box) -> None:
    """An invigilator watches; the administrator disables them: the page leads to sign-in, and that is refused."""
    first_run(page, box)
    page.goto(f"{box.address}/admin/users")
    page.get_by_role("link", name="Add a user").click()
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Role").select_option("invigilator")
    page.get_by_role("button", name="Add").click()
    code = page.locator("[data-codes] code").inner_text()

    grace = other_page
    grace.goto(f"{box.address}/forgotten")
    grace.get_by_role("link", name="I have a one-time code").click()
    grace.get_by_label("Name").fill("Grace")
    grace.get_by_label("One-time code").fill(code)
    grace.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    grace.get_by_label("New password again").fill(NEW_PASSWORD)
    grace.get_by_role("button", name="Save the new password").click()
    sign_in(grace, box, "Grace", NEW_PASSWORD)
    grace.wait_for_url("**/live")

    page.goto(f"{box.address}/admin/users")
    page.get_by_role("link", name="Grace").click()
    page.get_by_role("button", name="Disable").click()
    page.locator("dialog.ask").get_by_role("button", name="Disable").click()
    page.get_by_text("Grace is signed out and can no longer sign in.").wait_for()
    grace.wait_for_url("**/sign-in*", timeout=20_000)
    sign_in(grace, box, "Grace", NEW_PASSWORD)
    grace.get_by_text("Name and password do not fit together.").wait_for()


def test_a_typed_password_is_shown_on_demand(page: Page, box: Box) -> None:
    """Somebody who mistypes can look; it is hidden again before it is sent, and Caps Lock is told."""
    first_run(page, box)
    sign_out(page)
    field = page.get_by_label("Password", exact=True)
    field.fill(PASSWORD)
    page.get_by_role("button", name="Show").click()
    assert field.get_attribute("type") == "text"
    page.get_by_role("button", name="Hide").click()
    assert field.get_attribute("type") == "password"
    caps = "field => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'A', modifierCapsLock: true }))"
    field.evaluate(caps)
    page.get_by_text("Caps Lock is on.").wait_for()
    field.evaluate(caps.replace("true", "false"))
    page.get_by_text("Caps Lock is on.").wait_for(state="hidden")
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/live")
