"""Every page in a real browser: it asks only the box, and its help opens beside it and closes again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.web.app import create_app
from appliance.web.help.topics import TOPICS
from tests.journeys.conftest import Box, first_run
from tests.journeys.crawl import pages
from tests.support.browsers import CHROMIUM, CHROMIUM_ARGUMENTS, DESKTOP, SCREEN_NAMES, TABLET

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Playwright
    from werkzeug.routing import Map

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TOPIC_OF = {page: topic.name for topic in TOPICS for page in topic.pages}
# Pages that are help, or a list of links that explain themselves.
WITHOUT_LINK = {"help.index", "help.topic", "admin.index"}
OPEN = ".help-panel[open]"
FOCUS = "() => document.activeElement.className"


@pytest.fixture
def routes(tmp_path: Path) -> Map:
    """The dashboard's routes."""
    return create_app(Settings(paths=PathSettings(state=tmp_path / "routes")), SystemClock()).url_map


def asked_hosts(context: BrowserContext) -> set[str]:
    """Return the hosts the browser's pages ask from now on; filled while they do."""
    hosts: set[str] = set()

    def note(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"}:
            hosts.add(f"{parts.scheme}://{parts.netloc}")

    context.on("request", lambda request: note(request.url))
    for page in context.pages:
        page.on("websocket", lambda socket: note(socket.url))
    return hosts


def helped(page: Page, endpoint: str) -> str:
    """Open the page's help as by F1 and close it; return what is wrong, or nothing."""
    link = page.locator("a.help-link[data-help]").first
    if endpoint in WITHOUT_LINK:
        return ""
    if not link.count():
        return f"{endpoint}: no help"
    topic = link.get_attribute("data-help")
    if topic != TOPIC_OF.get(endpoint):
        return f"{endpoint}: leads to {topic}, not to {TOPIC_OF.get(endpoint)}"
    page.keyboard.press("F1")
    page.wait_for_selector(OPEN, timeout=10_000)
    said = page.locator(f"{OPEN} h2").inner_text()
    page.keyboard.press("Escape")
    if page.locator(OPEN).count():
        return f"{endpoint}: help does not close"
    return "" if said else f"{endpoint}: nothing is said"


def test_every_page_has_its_help_and_asks_only_the_box(page: Page, box: Box, routes: Map) -> None:
    """Signed out and signed in: each page's own topic opens by F1, and no request goes to another host."""
    hosts = asked_hosts(page.context)
    box.one_time_password()
    found = [helped(page, name) for name, _ in pages(page, box.address, routes)]
    first_run(page, box)
    page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
    walked = [(name, helped(page, name)) for name, _ in pages(page, box.address, routes)]
    assert [fault for fault in [*found, *(fault for _, fault in walked)] if fault] == []
    assert {"room.live", "review.recordings", "review.sitting_page", "help.index", "account.mine"} <= {
        name for name, _ in walked
    }
    assert hosts == {box.address}


@pytest.mark.parametrize("screen", [DESKTOP, TABLET], ids=SCREEN_NAMES)
def test_help_beside_the_page(page: Page, box: Box) -> None:
    """The link, F1 and ? open it; links in it stay in it; Escape closes it and gives the focus back."""
    first_run(page, box)
    page.goto(f"{box.address}/account")
    page.locator("a.help-link").click()
    page.wait_for_selector(OPEN)
    assert page.url.endswith("/account")
    assert page.locator(f"{OPEN} h2").inner_text() == "Your account"
    page.keyboard.press("Escape")
    assert not page.locator(OPEN).count()
    assert "help-link" in page.evaluate(FOCUS)
    page.keyboard.press("?")
    page.wait_for_selector(OPEN)
    page.get_by_role("button", name="Close").click()
    page.goto(f"{box.address}/help#banners")
    page.goto(f"{box.address}/recordings")
    page.keyboard.press("F1")
    page.wait_for_selector(OPEN)
    page.keyboard.press("F1")
    assert not page.locator(OPEN).count()
    # While something is written, ? is a sign like any other.
    page.locator("#q").fill("")
    page.locator("#q").press("?")
    assert page.locator("#q").input_value() == "?"
    assert not page.locator(OPEN).count()


def test_the_help_page_narrows_as_one_types(page: Page, box: Box) -> None:
    """/ goes to the search, words narrow topics and contents, an address that names a topic shows it again."""
    first_run(page, box)
    page.goto(f"{box.address}/help")
    whole = page.locator("article:visible").count()
    page.keyboard.press("/")
    page.keyboard.type("recovery codes")
    page.wait_for_function("() => document.querySelectorAll('article:not([hidden])').length < 5")
    assert 0 < page.locator("article:visible").count() < whole
    assert page.locator("[data-help-contents] li:visible").count() == page.locator("article:visible").count()
    page.keyboard.type(" zebra")
    page.get_by_text("Nothing in help says that").wait_for()
    page.evaluate("() => { location.hash = '#keyboard'; }")
    page.locator("article#keyboard:visible").wait_for()
    assert page.locator("article:visible").count() == whole


def test_help_is_read_without_scripts(box: Box, driver: Playwright) -> None:
    """Without scripts a help link leads to the topic on the help page, and the box does the searching."""
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
    context = browser.new_context(java_script_enabled=False)
    quiet = context.new_page()
    first_run(quiet, box)
    quiet.goto(f"{box.address}/recordings")
    quiet.locator("a.help-link").click()
    quiet.wait_for_url("**/help#review-list")
    quiet.locator("#q").fill("manifest")
    quiet.get_by_role("button", name="Search").click()
    assert 0 < quiet.locator("article").count() < len(TOPICS)
    browser.close()
