"""A running box with a camera of its own and a real RTSP camera, and what the room's page shows of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.journeys.conftest import DESKTOP, PASSWORD, ROOT, Box, chromium, first_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page, Playwright

    from tests.support.rtsp_camera import RtspCamera

MADE = "test-picture"
REAL = "front-left"
DEAD_MS = 5000
# Notes, apart from the page's own scripts, when each camera last showed another picture and when its tile said what.
WITNESS = """() => {
  const seen = window.witness = {};
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

    def __init__(self, box: Box, camera: RtspCamera, folder: Path, driver: Playwright) -> None:
        self.box = box
        self.driver = driver
        self.camera = camera
        self._folder = folder
        self._browsers = 0

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

    @contextmanager
    def browser(self, screen: tuple[int, int] = DESKTOP) -> Iterator[Page]:
        """Open a fresh browser."""
        self._browsers += 1
        with chromium(self._folder, screen, f"profile-{self._browsers}", self.driver) as page:
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
    """Wait until a camera's tile is lost; return how long its last picture had stood there looking alive.

    Args:
        page: the room, with `bear_witness` at work.
        camera: which one.
        since: when the cause was set (`time.monotonic`): the whole must not take longer than `DEAD_MS` from there.
    """
    left = DEAD_MS / 1000 - (time.monotonic() - since)
    page.wait_for_selector(f"[data-camera={camera}][data-state=lost]", timeout=max(1, left * 1000))
    tile = page.locator(f"[data-camera={camera}]")
    assert tile.locator(".veil").is_visible()
    assert tile.locator("[data-veil-title]").inner_text()
    assert float(tile.locator("video").evaluate("v => getComputedStyle(v).opacity")) < 0.5
    changes = page.evaluate("(camera) => window.witness[camera].states", camera)
    at, _, frame, _ = next(change for change in reversed(changes) if change[1] == "lost")
    return float(at - frame)


def moving(page: Page, camera: str) -> None:
    """Wait until a camera's tile is live, and see for ourselves that its pictures change."""
    page.wait_for_selector(f"[data-camera={camera}][data-state=live]", timeout=20_000)
    before = page.evaluate("(camera) => window.witness[camera].frames", camera)
    page.wait_for_function(
        "([camera, before]) => window.witness[camera].frames > before + 10", arg=[camera, before], timeout=15_000
    )
