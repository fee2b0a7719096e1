"""The archive in a real Chromium: opened from the LMS it plays, and in a frame without cookies it shows the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exchange.token import issue_token
from tests.support.browsers import chromium, quiet_chromium
from tests.support.waiting import until
from tests.vault.recorded import Recorder, clock_at, movie
from tests.web.candidate.handed import Candidate
from tests.web.candidate.served import Place, served
from tests.web.conftest import StandInKeyring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def with_a_recording(found: Place) -> None:
    """Record a session of six seconds inside a recording of twelve."""
    lms = found.lms
    Candidate(lms.app.test_client(), lms).arrive(sessionUrl=f"{found.page.address}/quiz")
    begun = lms.clock.wall_us() - 3600 * SECOND_US
    Recorder(lms.settings.vault_dir, clock_at(wall_us=begun - 3 * SECOND_US), sitting="exam").part(movie(12))
    with write(lms.db):
        lms.db.conn.execute(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
            " VALUES ('a', 'exam', 'front', 1, ?, ?, 'closed')",
            (begun - 3 * SECOND_US, begun + 9 * SECOND_US),
        )
        lms.db.conn.execute("DELETE FROM recording_wish")
        lms.db.conn.execute(
            "INSERT INTO recording_wish (sitting, wished_us, wished_by, stopped_us) VALUES ('exam', ?, 'x', ?)",
            (begun - 5 * SECOND_US, begun + 60 * SECOND_US),
        )
        lms.db.conn.execute("UPDATE session SET begun_us = ?, finished_us = ?", (begun, begun + 6 * SECOND_US))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A box with a recorded session, and an LMS."""
    with served(tmp_path, StandInKeyring()) as found:
        with_a_recording(found)
        yield found


def link(place: Place) -> str:
    """The address the LMS opens for its reviewer."""
    claims = {"userId": "5", "firstName": "Rita", "lastName": "Ek", "sessionId": "s-4711"}
    token = issue_token(place.lms.secret, now_us=place.lms.clock.wall_us(), claims=claims)
    return f"{place.box}/integration/simple/moodle/archive/s-4711/?token={token}"


def test_the_recording_plays_within_its_range(place: Place) -> None:
    """Pictures move, the token has left the address, and there is nothing to mark or take away."""
    with chromium() as page:
        page.goto(link(place))
        page.wait_for_url("**/archive/**")
        assert "token" not in page.url
        page.locator("[data-review][data-ready=yes]").wait_for()
        page.get_by_role("button", name="Play", exact=True).click()
        until(lambda: page.evaluate("document.querySelector('video').currentTime > 1"), 20, "pictures that move")
        page.keyboard.press("m")
        page.keyboard.press("e")
        assert page.locator("dialog[open]").count() == 0
        assert page.get_by_text("Export").count() == 0
        page.get_by_role("button", name="Close", exact=True).click()
        page.get_by_role("heading", name="The recording is closed in this browser").wait_for()


def test_a_frame_without_cookies_opens_a_window(place: Place) -> None:
    """Inside the LMS's page by plain HTTP no cookie is kept: the button opens the player beside it."""
    with quiet_chromium() as page:  # the browser complains of what is refused
        page.goto(f"{place.page.address}/archive")
        page.evaluate("address => { document.querySelector('iframe').src = address; }", link(place))
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="window of its own").wait_for()
        with page.context.expect_page() as opened:
            frame.get_by_role("button", name="Open the recording").click()
        opened.value.locator("[data-review][data-ready=yes]").wait_for()
