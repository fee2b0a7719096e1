"""A candidate's exam in a real Chromium, from the LMS's course to the page at the end, an invigilator's hand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.sittings.sessions import finish_session
from tests.support.browsers import BOTH_SCREENS, chromium, quiet_chromium
from tests.web.candidate.handed import MINUTE
from tests.web.candidate.served import Place, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A box and an LMS."""
    with served(tmp_path) as found:
        yield found


def to_the_waiting_room(page: Page) -> None:
    """Read and agree."""
    page.get_by_role("link", name="That is me").click()
    page.get_by_role("link", name="I have read this").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Agree and go on").click()


@BOTH_SCREENS
def test_an_exam_from_the_course_to_the_end(place: Place, screen: tuple[int, int]) -> None:
    """Hand-over, agreement, waiting, the exam greeted in its frame, extra time, a pause, the end, back at the LMS."""
    room = place.room()
    with chromium(screen) as page:
        place.come(page)
        page.wait_for_url("**/exam/**")
        assert "token" not in page.url
        assert page.get_by_role("heading", level=1).inner_text() == "Ada Lovelace"
        to_the_waiting_room(page)
        page.get_by_role("heading", name="You have no seat yet").wait_for()
        who = place.lms.facts().candidate.id
        room.act("seat", who, seat="A4")
        page.get_by_role("heading", name="The exam has not started yet").wait_for()
        room.act("start")
        page.get_by_role("button", name="Begin the exam").click()
        frame = page.frame_locator("[data-frame]")
        frame.get_by_text("Proctored", exact=True).wait_for()
        frame.get_by_role("textbox").fill("Let a and b be even.")
        page.get_by_role("timer").get_by_text("1:59:").wait_for()
        room.act("extend", who, why="Fire alarm next door", amount_us=10 * MINUTE)
        page.get_by_text("Extra time: +10 minutes (Fire alarm next door).").wait_for()
        page.get_by_role("timer").get_by_text("2:09:").wait_for()
        page.get_by_role("button", name="Understood").click()
        room.act("pause_all", why="Fire alarm")
        page.get_by_role("heading", name="The exam is paused for everybody").wait_for()
        room.act("resume_all")
        page.get_by_role("heading", name="The exam is paused for everybody").wait_for(state="hidden")
        assert frame.get_by_role("textbox").input_value() == "Let a and b be even.", "the frame was never taken away"
        page.get_by_role("button", name="Finish", exact=True).click()
        page.get_by_role("button", name="Write on").click()
        page.get_by_role("button", name="Finish", exact=True).click()
        page.get_by_role("button", name="Finish now").click()
        page.wait_for_url(f"{place.page.address}/done")
    assert place.lms.facts().session.finished_us is not None
    assert not [path for path in place.page.asked if path.startswith("/start")], "the handshake was never missed"


def test_a_box_that_does_not_answer_disturbs_nobody(place: Place) -> None:
    """While the box is away the page says so calmly, the exam stays, and the finish is done when it is back."""
    with chromium() as page:
        place.come(page)
        to_the_waiting_room(page)
        page.get_by_role("button", name="Begin the exam").click()
        frame = page.frame_locator("[data-frame]")
        frame.get_by_text("Proctored", exact=True).wait_for()
        frame.get_by_role("textbox").fill("kept")
        page.route("**/exam/**", lambda route: route.abort())
        page.get_by_text("Write on: your exam page does not depend on it").wait_for()
        page.get_by_role("button", name="Finish", exact=True).click()
        page.get_by_role("button", name="Finish now").click()
        page.get_by_text("It is tried again by itself").wait_for()
        assert frame.get_by_role("textbox").input_value() == "kept"
        page.unroute("**/exam/**")
        page.wait_for_url(f"{place.page.address}/done")


def test_finished_by_the_lms_the_page_offers_the_way_back(place: Place) -> None:
    """A finish from elsewhere is laid over the exam with the way back, and nothing is lost without a click."""
    with chromium() as page:
        place.come(page)
        to_the_waiting_room(page)
        page.get_by_role("button", name="Begin the exam").click()
        page.frame_locator("[data-frame]").get_by_text("Proctored", exact=True).wait_for()
        finish_session(place.lms.db, place.lms.facts().session, who="moodle", role="lms", clock=place.lms.clock)
        page.get_by_role("heading", name="Your exam is finished").wait_for()
        page.get_by_role("link", name="Go on to where the exam came from").click()
        page.wait_for_url(f"{place.page.address}/done")


def test_the_exam_pages_own_link_ends_it(place: Place) -> None:
    """“Submit all” in the frame leads to the older finish of the box: the page around it finishes and goes there."""
    with chromium() as page:
        place.come(page)
        to_the_waiting_room(page)
        page.get_by_role("button", name="Begin the exam").click()
        frame = page.frame_locator("[data-frame]")
        frame.get_by_text("Proctored", exact=True).wait_for()
        frame.get_by_role("link", name="Submit all").click()
        page.wait_for_url(f"{place.page.address}/left")
    assert place.lms.facts().session.finished_us is not None


def test_a_page_that_refuses_frames_opens_beside(place: Place) -> None:
    """Where the exam page forbids frames, a window of its own is offered, and it is greeted there as well."""
    place.page.deny_frames = True
    with quiet_chromium() as page:  # the browser itself complains of the refused frame
        place.come(page)
        to_the_waiting_room(page)
        page.get_by_role("button", name="Begin the exam").click()
        page.get_by_role("timer").get_by_text("1:59:").wait_for()
        page.locator("[data-trouble] summary").click()
        with page.context.expect_page() as opened:
            page.locator("[data-trouble]").get_by_role("button", name="Open it in a window of its own").click()
        beside = opened.value
        beside.get_by_text("Proctored", exact=True).wait_for()
        assert page.locator("[data-left]").inner_text() != "-:--"
