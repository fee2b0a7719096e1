"""Candidates', reviewers' and the central service's pages in every form: WCAG 2.2 AA, and nothing out of place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.exchange.exam_parameters import parse_exam
from appliance.sittings.exams import upsert_exam
from appliance.sittings.offers import Offer, offer_places
from appliance.web.account import accounts
from appliance.web.app import create_app
from tests.journeys.crawl import pages
from tests.journeys.for_everybody import faults_of, told
from tests.support.browsers import DESKTOP, chromium
from tests.support.hub_box import Answer, HubBox
from tests.support.hub_server import HubServer, serving_hub
from tests.web.candidate.handed import HOUR, a_room
from tests.web.candidate.served import OF_THE_CANDIDATE, served
from tests.web.conftest import PASSWORD
from tests.web.review.a_film import filmed_box

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page
    from werkzeug.routing import Map

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]


class Looked:
    """What is wrong with each step of a page, in every form; afterwards it stands as a person has it."""

    def __init__(self, page: Page) -> None:
        self.page, self.found = page, dict[str, list[str]]()

    def at(self, name: str) -> None:
        """Look at the page as it is now."""
        self.found[name] = faults_of(self.page, name)
        self.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        self.page.evaluate("document.activeElement.blur()")


def test_a_candidates_pages_are_for_everybody(tmp_path: Path) -> None:
    """Refused, who and which exam, rules, agreement, each wait, the exam, a pause, the last question, the end."""
    with served(tmp_path) as place, chromium() as page:
        look, room = Looked(page), place.room()
        place.page.token = "no-token"
        place.page.start = f"{place.box}/integration/simple/moodle/start/"
        page.goto(f"{place.page.address}/course")
        page.get_by_role("button", name="Start the exam").click()
        look.at("candidate-refused")
        page.goto(f"{place.box}/exam/nobody/")
        look.at("candidate-no-ticket")
        place.come(page, specialAccommodationsInfo="Large print")
        page.wait_for_url("**/exam/**")
        look.at("candidate-you")
        page.get_by_role("link", name="That is me").click()
        look.at("candidate-rules")
        page.get_by_role("link", name="I have read this").click()
        look.at("candidate-agreement")
        page.locator("form").first.evaluate("form => { form.noValidate = true; }")
        page.get_by_role("button", name="Agree and go on").click()
        look.at("candidate-not-agreed")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Agree and go on").click()
        page.get_by_role("heading", name="You have no seat yet").wait_for()
        look.at("candidate-waits-seat")
        who = place.lms.facts().candidate.id
        room.act("seat", who, seat="A4")
        page.get_by_role("heading", name="The exam has not started yet").wait_for()
        look.at("candidate-waits-start")
        room.act("start")
        page.get_by_role("button", name="Begin the exam").wait_for()
        look.at("candidate-may-begin")
        page.get_by_role("button", name="Begin the exam").click()
        page.frame_locator("[data-frame]").get_by_text("Proctored", exact=True).wait_for()
        look.at("candidate-exam")
        room.act("pause_all", why="Fire alarm")
        page.get_by_role("heading", name="The exam is paused for everybody").wait_for()
        look.at("candidate-paused")
        room.act("resume_all")
        page.get_by_role("heading", name="The exam is paused for everybody").wait_for(state="hidden")
        page.get_by_role("button", name="Finish", exact=True).click()
        page.get_by_role("button", name="Finish now").wait_for()
        look.at("candidate-finish-asked")
        address = page.url
        page.get_by_role("button", name="Finish now").click()
        page.wait_for_url(f"{place.page.address}/done")
        page.goto(address)
        page.get_by_role("heading", name="Your exam is finished").wait_for()
        look.at("candidate-finished")
    assert not told(look.found), told(look.found)


def test_booking_a_time_is_for_everybody(tmp_path: Path) -> None:
    """The list of times, the booked one, and what a second candidate sees when the last place is gone."""
    with served(tmp_path) as place, chromium() as page:
        lms, look = place.lms, Looked(page)
        assert lms.integration is not None
        said = {key: value for key, value in lms.said(schedule=True).items() if key not in OF_THE_CANDIDATE}
        exam = upsert_exam(lms.db, lms.integration, parse_exam(said), clock=lms.clock, who="moodle").exam
        for hours in (3, 6):
            room = a_room(lms, exam.id, start_us=lms.clock.wall_us() + hours * HOUR)
            offer_places(lms.db, room.id, Offer(1, 2 * HOUR), clock=lms.clock, who="Mia")
        place.come(page, schedule=True)
        page.get_by_role("radio").first.wait_for()
        look.at("candidate-booking")
        page.get_by_role("radio").last.check()
        page.get_by_role("button", name="Book this time").click()
        page.get_by_role("heading", name="You have booked a time").wait_for()
        page.locator("summary").click()
        look.at("candidate-booked")
        page.get_by_role("button", name="Give this time up").click()
        assert page.get_by_role("radio").count() == 2, "it can be chosen again"
        for _ in range(2):
            page.get_by_role("radio").first.check()
            page.get_by_role("button", name="Book this time").click()
            page.get_by_role("heading", name="You have booked a time").wait_for()
            place.come(page, schedule=True, userId="8", sessionId="s-2")
        place.come(page, schedule=True, userId="9", sessionId="s-3")
        page.get_by_text("No place is free at the moment").wait_for()
        look.at("candidate-no-place")
    assert not told(look.found), told(look.found)


def test_reviews_are_for_everybody(tmp_path: Path) -> None:
    """The queue, each list of it, and a session's page with pictures, warnings, verdicts and what the LMS knows."""
    with filmed_box(tmp_path) as box, chromium() as page:
        look = Looked(page)
        box.sign_in(page, "Mia")
        for name in ("waiting", "held", "decided"):
            page.goto(f"{box.address}/reviews?show={name}")
            look.at(f"reviews-{name}")
        page.goto(box.address + box.reviewed.page("3"))
        look.at("review-without-pictures")
        page.goto(box.address + box.reviewed.page("2"))
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
        for tab in ("warnings", "verdict", "session"):
            page.locator(f"#tab-{tab}").click()
            look.at(f"review-{tab}")
        sitting = box.reviewed.room.sitting
        for path in ("", "/register", "/warnings", "/incidents", "/history"):
            page.goto(f"{box.address}/sittings/{sitting}{path}")
            look.at(f"sitting{path.replace('/', '-')}")
        page.get_by_role("link", name="The day").click()
        page.locator(".people-table th a").first.click()
        page.locator("#candidate-acts, dialog[open]").first.wait_for()
        look.at("sitting-candidate")
    assert not told(look.found), told(look.found)


def _joined(hub: HubServer) -> HubBox:
    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        found = hub.app.test_client().open(path, method=method, headers=headers, data=body)
        return Answer(found.status_code, found.get_data(), found.headers)  # type: ignore[arg-type]  # a mapping of texts

    box = HubBox(send, SystemClock())
    from appliance.hub.codes import make_code

    assert box.enrol(make_code(hub.db, hub.hub.keys, room="Hall 2", clock=hub.clock, who="t").code.secret).status == 200
    assert box.report().status == 200
    return box


@pytest.fixture
def hub_routes(tmp_path: Path) -> Map:
    """The routes of a central service."""
    from appliance.config import BoxSettings

    settings = Settings(box=BoxSettings(role="hub"), paths=PathSettings(state=str(tmp_path / "routes")))
    return create_app(settings, SystemClock()).url_map


def test_the_central_services_pages_are_for_everybody(tmp_path: Path, hub_routes: Map) -> None:
    """Rooms, a room, codes, exams, assignments, results, LMSs: with a box that joined, an LMS and an exam."""
    with serving_hub(tmp_path, SystemClock()) as hub, chromium() as page:
        accounts.create_account(hub.db, "Ada", "administrator", PASSWORD, clock=hub.clock, who="test")
        page.goto(f"{hub.address}/sign-in")
        page.get_by_label("Name", exact=True).fill("Ada")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.locator("button[type=submit]").first.click()
        page.wait_for_selector("header.top")
        box, (lms, _secret) = _joined(hub), hub.lms()
        exam = hub.exam(lms, "algebra", startDate="2026-01-01T00:00:00Z", endDate="2099-01-01T00:00:00Z")
        hub.give("exam", exam, box.box)
        hub.code("Hall 9")
        hub.look()
        found = {
            name: faults_of(page, f"hub-{name}")
            for name, _ in pages(page, hub.address, hub_routes)
            if name.startswith(("hub.", "admin.index", "admin.integration"))  # the others are the box's as well
        }
    assert not told(found), told(found)
