"""A box with two cameras whose pictures carry their own clock, and what a reviewer's page shows of them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appliance.capture.sources import pattern_code
from tests.journeys.conftest import PASSWORD, ROOT, Box, first_run
from tests.support.browsers import DESKTOP, chromium
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CAMERAS = ("test-picture", "second-view")
ENOUGH_SECONDS = 24
ROOM_ZONE = "Europe/Berlin"
# Each shown camera's row of blocks, as luma, read from the very picture on screen; null where there is none.
STAMPS = """() => Object.fromEntries([...document.querySelectorAll('.tile:not([hidden])')].map(tile => {
  const video = tile.querySelector('video');
  if (video.readyState < 2) return [tile.dataset.camera, null];
  const [width, height] = [video.videoWidth, video.videoHeight];
  const canvas = new OffscreenCanvas(width, 1);
  const context = canvas.getContext('2d');
  const line = Math.floor(Math.max(16, Math.floor(height / 40 / 16) * 16) / 2);
  context.drawImage(video, 0, line, width, 1, 0, 0, width, 1);
  const data = context.getImageData(0, 0, width, 1).data;
  return [tile.dataset.camera, Array.from({length: width}, (_, x) => data[4 * x + 1])];
}))"""
SHOWN_AT = "() => Number(document.querySelector('[data-review]').dataset.shownAt)"


class ReviewedBox:
    """A whole running box that has recorded two cameras for a while, and goes on recording."""

    def __init__(self, box: Box, folder: Path) -> None:
        self.box = box
        self.folder = folder
        self.sitting = ""

    def prepare(self) -> None:
        """Make the administrator and the second camera, and wait until both have recorded enough."""
        with chromium() as page:
            first_run(page, self.box)
        environ = {**os.environ, "EXAMBOX_PATHS__STATE": str(self.box.state), "HOME": str(self.folder)}
        subprocess.run(
            [sys.executable, "-m", "appliance.cli", "cameras", "add", "pattern:640x360@25", "--name", "Second view",
             "--role", "auxiliary", "--no-test"],
            cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        part = until(lambda: list((self.box.state / "vault").glob(f"*/{CAMERAS[1]}/0001.sqlite")), 60, "a part")[0]
        self.sitting = part.parent.parent.name
        begun = part.stat().st_ctime
        until(lambda: time.time() - begun > ENOUGH_SECONDS, ENOUGH_SECONDS + 20, "enough recording")

    @property
    def address(self) -> str:
        """The sitting's page."""
        return f"{self.box.address}/recordings/{self.sitting}"

    @contextmanager
    def opened(self, screen: tuple[int, int] = DESKTOP, query: str = "") -> Iterator[Page]:
        """Open the sitting's page in a fresh profile, signed in, when its first pictures are there."""
        with chromium(screen) as page:
            self.sign_in(page)
            page.goto(self.address + query)
            ready(page)
            yield page

    def sign_in(self, page: Page) -> None:
        """Sign the administrator in."""
        page.goto(f"{self.box.address}/sign-in")
        page.get_by_label("Name", exact=True).fill("Ada")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/live")


def ready(page: Page) -> None:
    """Wait until the page knows the sitting."""
    page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)


def go_to(page: Page, seconds_before_end: float) -> None:
    """Go to a moment before the end by a link, as a colleague would send it; wait for all pictures."""
    page.evaluate(
        """async (before) => {
          const {end_us} = await (await fetch('/api' + location.pathname)).json();
          // The page keeps its own place in the address a while after it was moved; where that falls into the very
          // moment of the link, Chromium tells of neither, and a person clicks again.
          for (let times = 0; times < 5 && !performance.getEntriesByName('exambox:seek').length || !times; times += 1) {
            performance.clearMarks();  // those of this seek alone: an earlier one may still have been under way
            location.hash = 't=' + new Date(end_us / 1000 - before * 1000).toISOString();
            const began = performance.now();
            while (!performance.getEntriesByName('exambox:seek').length && performance.now() - began < 2000)
              await new Promise(done => setTimeout(done, 10));
          }
        }""",
        seconds_before_end,
    )
    page.wait_for_function(
        """() => {
          const first = (mark) => performance.getEntriesByName(`exambox:${mark}`)[0];
          const [sought, shown] = [first('seek'), first('all-frames')];
          return sought && shown && shown.startTime >= sought.startTime;
        }""",
        timeout=20_000,
    )


def stamps(page: Page) -> dict[str, int]:
    """Return the burnt-in wall clock (milliseconds) of each shown picture, read from one look at the screen."""
    found: dict[str, Any] = page.evaluate(STAMPS)
    read = {
        camera: pattern_code.decode(pattern_code.bits_of_row(row), near_wall_ms=time.time_ns() // 1_000_000)
        for camera, row in found.items()
        if row
    }
    return {camera: stamp.wall_ms for camera, stamp in read.items() if stamp}


def both_stamps(page: Page) -> dict[str, int]:
    """Return the stamps when both cameras' can be read (a picture may just be changing)."""
    return until(lambda: found if len(found := stamps(page)) == len(CAMERAS) else {}, 10, "both burnt-in clocks")


def recorded_stamps(page: Page, camera: str, from_ms: int, to_ms: int) -> list[int]:
    """Return the burnt-in clocks (milliseconds) of every picture recorded around a stretch, decoded apart."""
    import av

    base = f"{page.url.partition('#')[0].partition('?')[0].replace('/recordings/', '/api/recordings/')}/{camera}"
    window = page.request.get(f"{base}/segments?from_us={from_ms * 1000}&to_us={to_ms * 1000}").json()
    found = []
    for part in dict.fromkeys(row[0] for row in window["segments"]):
        data = page.request.get(f"{base}/{part}/init").body()
        data += b"".join(
            page.request.get(f"{base}/{row[0]}/{row[1]}").body() for row in window["segments"] if row[0] == part
        )
        with av.open(io.BytesIO(data), "r") as film:
            for picture in film.decode(video=0):
                rows: Any = picture.to_ndarray(format="gray")
                stamp = pattern_code.read(rows, picture.height, near_wall_ms=from_ms)
                found += [stamp.wall_ms] if stamp else []
    return found
