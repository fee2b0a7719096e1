"""By HTTPS, in a Chromium that blocks other sites' cookies: the archive in an LMS's frame, and a candidate's start."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from tests.support.browsers import CHROMIUM, CHROMIUM_ARGUMENTS, started
from tests.support.waiting import until
from tests.web.candidate.served import Place, served
from tests.web.conftest import StandInKeyring
from tests.web.review.test_archive_page import link, with_a_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A box and an LMS, two sites by TLS; a session with six seconds of pictures."""
    folder = tmp_path_factory.mktemp("tls")
    store = CertificateStore(folder / "certificates")
    store.create("Hall 2", names_of(["localhost"]), dt.datetime.now(dt.UTC))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*store.pair())
    with served(folder, StandInKeyring(), tls=tls) as found:
        with_a_recording(found)
        yield found


@contextmanager
def strict_browser() -> Iterator[BrowserContext]:
    """A Chromium that keeps no cookies of other sites but those that are partitioned."""
    # For the whole browser: a context's own leave goes astray in frames of other sites, which are processes apart.
    own = ("--test-third-party-cookie-phaseout", "--ignore-certificate-errors")
    browser = started().chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, *own])
    try:
        yield browser.new_context()
    finally:
        browser.close()


def kept(context: BrowserContext, name: str) -> list[Any]:
    """The cookies of a name that the browser keeps."""
    return [one for one in context.cookies() if one.get("name") == name]


def test_the_archive_plays_in_a_frame_without_third_party_cookies(place: Place) -> None:
    """Its pass is kept apart for the LMS's site, so the pictures move there; elsewhere it opens nothing."""
    with strict_browser() as context:
        page = context.new_page()
        page.goto(f"{place.page.address}/archive")
        page.evaluate("address => { document.querySelector('iframe').src = address; }", link(place))
        frame = page.frame_locator("iframe")
        frame.locator("[data-review][data-ready=yes]").wait_for(timeout=30_000)
        frame.get_by_role("button", name="Play", exact=True).click()
        inside = page.frames[1]
        until(lambda: inside.evaluate("document.querySelector('video').currentTime > 1"), 20, "pictures that move")
        assert "token" not in inside.url
        (held,) = kept(context, "__Secure-exambox_archive")
        assert held["sameSite"] == "None"
        assert held["secure"]
        assert held.get("partitionKey"), "it is sent below the LMS's page alone"
        alone = context.new_page()
        alone.goto(inside.url)
        assert alone.locator("[data-review]").count() == 0, "outside the LMS's page it is not sent"


@pytest.mark.parametrize("by_link", [False, True], ids=["by-form", "by-link"])
def test_a_candidate_starts_from_another_site_by_tls(place: Place, by_link: bool) -> None:
    """A form of the LMS's page or a link: the ticket is kept by HTTPS alone, and the exam's page opens with it."""
    place.page.by_link = by_link
    session = f"s-{'link' if by_link else 'form'}"
    with strict_browser() as context:
        page = context.new_page()
        place.page.start = f"{place.box}/integration/simple/{place.lms.name}/start/"
        place.page.token = place.lms.token(
            sessionId=session, userId=session, sessionUrl=f"{place.page.address}/quiz?attempt=9"
        )
        page.goto(f"{place.page.address}/course")
        page.get_by_text("Start the exam").click()
        page.get_by_role("heading", name="Ada Lovelace").wait_for()
        assert "token" not in page.url
        (ticket,) = kept(context, "__Secure-exambox_candidate")
        assert (ticket["secure"], ticket["httpOnly"], ticket["sameSite"]) == (True, True, "Lax")
        page.get_by_role("link", name="That is me").click()
        page.get_by_role("link", name="I have read this").click()
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Agree and go on").click()
        page.get_by_role("button", name="Begin the exam").click()
        page.frame_locator("[data-frame]").get_by_role("heading", name="Algebra, attempt 9").wait_for()
