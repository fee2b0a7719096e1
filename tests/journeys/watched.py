"""A running box with a camera of its own and a real RTSP camera, and what the room's page shows of them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.journeys.conftest import PASSWORD, ROOT, Box, first_run
from tests.support.browsers import DESKTOP, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.rtsp_camera import RtspCamera

MADE = "test-picture"
REAL = "front-left"
DEAD_MS = 5000
MOST_STANDSTILL_MS = 1000
# Notes, apart from the page's own scripts, when each camera last showed another picture and when its tile said what.
WITNESS = """() => {
  const seen = window.witness = {};
  // How long at most this page itself stood still: what nobody could have shown then is not held against it.
  window.standstill = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.standstill = Math.max(window.standstill, now - last - 50);
    last = now;
  }, 50);
  for (const tile of document.querySelectorAll('[data-camera]')) {
    const one = seen[tile.dataset.camera] = { frame: performance.now(), frames: 0, states: [] };
    const video = tile.querySelector('video');
    const shown = () => { one.frame = performance.now(); one.frames += 1; video.requestVideoFrameCallback(shown); };
    video.requestVideoFrameCallback(shown);
    new MutationObserver(() => one.states.push([performance.now(), tile.dataset.state, one.frame, one.frames]))
      .observe(tile, { attributes: true, attributeFilter: ['data-state'] });
  }
}"""


class WatchedBox:
    """The box, signed in to by as many browsers as a test needs."""

    def __init__(self, box: Box, camera: RtspCamera, folder: Path) -> None:
        self.box = box
        self.camera = camera
        self._folder = folder

    def prepare(self) -> None:
        """Make the administrator, add the real camera, wait until both are sealed."""
        with self.browser() as page:
            first_run(page, self.box)
            self.exambox("cameras", "add", self.camera.url, "--name", "Front left", "--no-test")
            page.wait_for_selector(f"[data-camera={REAL}][data-state=live]", timeout=40_000)
            page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=fresh]", timeout=20_000)

    def exambox(self, *arguments: str) -> None:
        """Run the command of the box."""
        environ = {**os.environ, "EXAMBOX_PATHS__STATE": str(self.box.state), "HOME": str(self._folder)}
        command = [sys.executable, "-m", "appliance.cli", *arguments]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60)

    def stopped_us(self) -> int:
        """Return when recording was last stopped, wall time in microseconds, as the box's database has it."""
        with closing(sqlite3.connect(f"file:{self.box.state}/db/exambox.db?mode=ro", uri=True)) as database:
            (stopped,) = database.execute("SELECT stopped_us FROM recording_wish ORDER BY id DESC LIMIT 1").fetchone()
        return int(stopped)

    @contextmanager
    def browser(self, screen: tuple[int, int] = DESKTOP) -> Iterator[Page]:
        """Open a fresh profile."""
        with chromium(screen) as page:
            yield page

    @contextmanager
    def room(self, screen: tuple[int, int] = DESKTOP, address: str = "", path: str = "/live") -> Iterator[Page]:
        """Open the room signed in, with both pictures moving."""
        with self.browser(screen) as page:
            address = address or self.box.address
            sign_in(page, address)
            if path != "/live":
                page.goto(address + path)
            yield page


def sign_in(page: Page, address: str) -> None:
    """Sign the administrator in; the room opens."""
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/live")


def all_live(page: Page, count: int = 2) -> None:
    """Wait until so many cameras move."""
    page.wait_for_function(
        "(count) => [...document.querySelectorAll('.tile[data-state=live]')].filter(t => t.checkVisibility())"
        ".length === count",
        arg=count,
        timeout=30_000,
    )


def bear_witness(page: Page) -> None:
    """Begin to note what is shown, and wait until pictures were seen to move."""
    page.evaluate(WITNESS)
    page.wait_for_function("() => Object.values(window.witness).some(one => one.frames > 5)", timeout=15_000)


def milliseconds_dead_unseen(page: Page, camera: str, *, since: float) -> float:
    """Wait until a camera's tile is lost; return how long it had looked alive: since its last picture, or the cause.

    The page itself tells when; the time it stood still on a busy machine (a second at most) does not count.

    Args:
        page: the room, with `bear_witness` at work.
        camera: which one.
        since: when the cause was there (`time.time`).
    """
    page.wait_for_selector(f"[data-camera={camera}][data-state=lost]", timeout=15_000)
    tile = page.locator(f"[data-camera={camera}]")
    assert tile.locator(".veil").is_visible()
    assert tile.locator("[data-veil-title]").inner_text()
    assert float(tile.locator("video").evaluate("v => getComputedStyle(v).opacity")) < 0.5
    changes, began_ms, standstill = page.evaluate(
        "(camera) => [window.witness[camera].states, performance.timeOrigin, window.standstill]", camera
    )
    at, _, frame, _ = next(change for change in reversed(changes) if change[1] == "lost")
    dead_ms = max(at - frame, began_ms + at - since * 1000)
    return float(dead_ms - min(standstill, MOST_STANDSTILL_MS))


def moving(page: Page, camera: str) -> None:
    """Wait until a camera's tile is live, and see for ourselves that its pictures change."""
    page.wait_for_selector(f"[data-camera={camera}][data-state=live]", timeout=20_000)
    before = page.evaluate("(camera) => window.witness[camera].frames", camera)
    page.wait_for_function(
        "([camera, before]) => window.witness[camera].frames > before + 10", arg=[camera, before], timeout=15_000
    )
