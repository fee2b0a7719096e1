"""Every page, as people with different eyes, hands and screens meet it: WCAG 2.2 AA, and nothing out of place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.web.app import create_app
from tests.journeys.conftest import Box, first_run
from tests.journeys.crawl import pages
from tests.journeys.for_everybody import faults_of, told

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page
    from werkzeug.routing import Map

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture
def routes(tmp_path: Path) -> Map:
    """The dashboard's routes."""
    settings = Settings(paths=PathSettings(state=tmp_path / "routes"))
    return create_app(settings, SystemClock()).url_map


def test_every_page_is_for_everybody(page: Page, box: Box, routes: Map) -> None:
    """Light, dark, desk, tablet, narrow, printed, by keyboard, without motion: no page breaks WCAG 2.2 AA."""
    box.one_time_password()
    found = {name: faults_of(page, name) for name, _ in pages(page, box.address, routes)}
    first_run(page, box)
    page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
    page.wait_for_selector(".seal[data-seal=fresh]", timeout=20_000)
    found |= {name: faults_of(page, name) for name, _ in pages(page, box.address, routes)}
    assert not told(found), told(found)
