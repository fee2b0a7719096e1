"""A legal hold from beginning to end: placed on a recording, it stays; released, it goes, and the log tells why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.config import PathSettings, Settings
from appliance.database import connect, write
from appliance.errors import UnavailableError
from appliance.ipc.live import LiveClient
from appliance.vault.part_rows import list_parts, part_path
from appliance.vault.retention import HOUR_US
from tests.journeys.conftest import ROOT, Box, first_run
from tests.support.browsers import EACH_SCREEN_IN_TURN
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page
    from sqlite_utils import Database

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
REASON = "Appeal 12/26 <b>of seat 14</b>"


@pytest.fixture
def box_settings() -> Mapping[str, str]:
    """A box on which a release counts at once: nothing has to wait for the grace."""
    return {"EXAMBOX_VAULT__RELEASE_GRACE_MINUTES": "0"}


def command(box: Box, *words: str) -> None:
    """Run the box's own command."""
    environ = {**os.environ, "EXAMBOX_PATHS__STATE": str(box.state), "HOME": str(box.state.parent)}
    subprocess.run(
        [sys.executable, "-m", "appliance.cli", *words],
        cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def aged(db: Database, hours: int) -> None:
    """Let all that was recorded have been recorded so much earlier, as far as retention looks."""
    with write(db):
        db.conn.execute("UPDATE part SET started_us = started_us - ?, ended_us = ended_us - ?", (hours * HOUR_US,) * 2)
        db.conn.execute(
            "UPDATE recording_wish SET wished_us = wished_us - ?, stopped_us = stopped_us - ?", (hours * HOUR_US,) * 2
        )


def house_is_kept(box: Box, settings: Settings) -> None:
    """Have the capture process begin anew, which keeps house first, and wait until it reports what it did."""

    def reported() -> bool:
        with suppress(UnavailableError):
            return "due" in LiveClient(settings.live_socket).status()["disk"]
        return False

    capture = box.process_id("capture")
    os.kill(capture, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{capture}").exists(), 30, "the end of capture")
    until(reported, 60, "a round of housekeeping")


@EACH_SCREEN_IN_TURN
def test_what_is_held_stays_and_what_is_released_goes(page: Page, box: Box) -> None:
    """A held recording outlives its retention; released it is deleted, certified, and the log has the whole story."""
    first_run(page, box)
    settings = Settings(paths=PathSettings(state=str(box.state)))
    db = connect(settings.database)
    sitting = until(lambda: [part.sitting for part in list_parts(db)], 60, "a part")[0]
    page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
    command(box, "recordings", "stop")
    until(lambda: all(part.state == "closed" for part in list_parts(db, sitting)), 30, "closed parts")
    files = [part_path(settings.vault_dir, part) for part in list_parts(db, sitting)]

    page.goto(f"{box.address}/recordings/{sitting}")
    page.get_by_role("link", name="Place a legal hold").click()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Place the hold").click()
    page.get_by_text("The hold keeps 1 part.").wait_for()
    assert page.get_by_text(REASON).first.is_visible(), "what was typed is shown as it was typed"

    aged(db, 100)
    house_is_kept(box, settings)
    assert all(file.exists() for file in files), "retention is over, the hold keeps it"
    page.goto(f"{box.address}/admin/holds")
    page.get_by_text("Without it, some of it would be gone.").wait_for()
    page.goto(f"{box.address}/recordings/{sitting}")
    page.get_by_role("link", name="On hold").click()

    page.get_by_role("link", name="Hold 1").click()
    page.get_by_role("link", name="Release…").click()
    page.get_by_text("its retention is over").first.wait_for()
    page.get_by_label("Reason").fill("Appeal decided")
    page.get_by_role("button", name="Release the hold").click()
    page.get_by_text("Say that you know it, or go back.").wait_for()
    page.get_by_label("I know that this is deleted").check()
    page.get_by_role("button", name="Release the hold").click()
    page.get_by_text("released by Ada").wait_for()

    house_is_kept(box, settings)
    assert not any(file.exists() for file in files)
    until(lambda: all(part.state == "deleted" for part in list_parts(db, sitting)), 30, "the certificate")
    page.goto(f"{box.address}/admin/holds/certificates?sitting={sitting}")
    assert page.get_by_role("row").filter(has_text=sitting).count() == len(files)
    page.get_by_role("link", name="Entry").first.click()
    page.get_by_text("a part was deleted: the deletion certificate").first.wait_for()

    page.goto(f"{box.address}/admin/log")
    page.get_by_label("Text").fill(sitting)
    page.get_by_role("button", name="Show", exact=True).click()
    told = page.locator(".log-what").all_inner_texts()
    story = [
        "a part was deleted: the deletion certificate",
        "a legal hold was released",
        "a legal hold was placed",
        "recording was ended",
        "recording was asked for",
    ]
    found = [words.lower() for words in told if words.lower() in story]
    assert found == story
    page.get_by_role("button", name="Check the log").click()
    page.get_by_text("The log is whole.").wait_for(timeout=30_000)
    db.conn.close()
