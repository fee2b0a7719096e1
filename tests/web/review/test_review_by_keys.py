"""A session reviewed in a real browser with the keyboard alone, over real pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.sittings.reviews import review_of
from appliance.sittings.warnings import warnings_of
from tests.support.browsers import chromium
from tests.web.review.a_film import Box, filmed_box

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One running dashboard."""
    with filmed_box(tmp_path_factory.mktemp("filmed")) as made:
        yield made


def test_a_session_is_reviewed_by_keys_alone(box: Box) -> None:
    """From the queue to the session, from warning to warning with the pictures there, judged, concluded, onwards."""
    with chromium() as page:
        page.on("pageerror", lambda problem: pytest.fail(str(problem)))
        box.sign_in(page, "Rita")
        page.goto(f"{box.address}/reviews")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{box.reviewed.page('2')}")
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
        assert page.locator("[data-clock]").inner_text().startswith("11:00:00"), "where the session begins"
        page.keyboard.press("n")
        page.locator("[data-group][aria-current]", has_text="Looks away").wait_for()
        page.wait_for_function("document.querySelector('[data-clock]').textContent.startsWith('11:00:10')")
        page.keyboard.press("c")
        page.locator("[data-group][aria-current][data-state=confirmed]").wait_for()
        page.keyboard.press("n")
        page.locator("[data-group][aria-current]", has_text="A telephone").wait_for()
        page.wait_for_function("document.querySelector('[data-clock]').textContent.startsWith('11:00:04')")
        page.keyboard.press("d")
        page.keyboard.type("A calculator")
        page.keyboard.press("Enter")
        page.locator("[data-group][aria-current][data-state=dismissed]").wait_for()
        page.locator("#part-tags", has_text="score 3").wait_for()
        page.keyboard.press("n")
        page.keyboard.type("Looked at the neighbour's sheet")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("Failed. The conclusion is kept.").wait_for()
        page.locator("[data-next-session]:focus").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{box.reviewed.page('1')}")
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
        page.keyboard.press("u")
        page.wait_for_url(f"**{box.reviewed.page('3')}")
    task = review_of(box.reviewed.db, box.reviewed.session("2"))
    assert (task.status, task.verdicts[-1].why) == ("failed", "Looked at the neighbour's sheet")
    said = [one.warning.decision for one in warnings_of(box.reviewed.db, session=box.reviewed.session("2"))]
    assert sorted(said) == ["confirmed"] * 3 + ["dismissed"] * 2


def test_who_may_not_play_reads_the_review(box: Box) -> None:
    """An auditor has warnings and verdicts without pictures and without buttons, by the same keys."""
    with chromium() as page:
        page.on("pageerror", lambda problem: pytest.fail(str(problem)))
        box.sign_in(page, "Bob")
        page.goto(box.address + box.reviewed.page("2"))
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
        page.get_by_text("Your role sees what was recorded, not the pictures").wait_for()
        page.keyboard.press("Alt+ArrowDown")
        page.locator("[data-group][aria-current]").wait_for()
        assert page.locator("[data-judge-form], [data-verdict]").count() == 0
