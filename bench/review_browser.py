"""Seeks in headless Chromium: on a sitting's page, and in a plain MP4 with the browser's own player."""

from __future__ import annotations

import datetime as dt
import functools
import http.server
import json
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from appliance.clock import SECOND_US
from appliance.web.browser_session import SESSION_COOKIE
from bench.old_vault import CAMERAS, FIRST_S, LAST_S, Place, camera_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PEER_LOOPS = 15
MISSED_MS = 10_000.0
ALMOST_S = 0.15
# Watches every video element of the page: when did it first show a picture of the wanted moment after `begin`?
WATCH = """() => {
  window.bench = { wanted: 0, first: {}, since: 0 };
  document.querySelectorAll('video').forEach((video, number) => {
    const each = (_now, { mediaTime }) => {
      const { wanted, since, first } = window.bench;
      if (since && first[number] === undefined && Math.abs(mediaTime - wanted) < ALMOST_S) {
        first[number] = performance.now() - since;
      }
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
  });
}""".replace("ALMOST_S", str(ALMOST_S))
SEEK = """([wanted, hash]) => {
  Object.assign(window.bench, { wanted, first: {}, since: performance.now() });
  if (hash) location.hash = hash;
  else document.querySelector('video').currentTime = wanted;
}"""
ARRIVED = "count => Object.keys(window.bench.first).length >= count"
PEER_PAGE = "<!doctype html><title>Peer</title><video muted preload=auto src=film.mp4></video>"


def browse(
    browser: Browser, address: str, token: str, places: list[Place], *, cameras: int, run: int
) -> Iterator[tuple[float, float]]:
    """Open each sitting's page in a fresh browser, with so many cameras shown, and seek to each of its places once.

    Yields when the first and when the last camera's picture was on screen, in milliseconds.
    """
    chance = random.Random(100 + run)  # noqa: S311  a reproducible order
    for sitting in sorted({place.sitting for place in places}):
        moments = sorted({place.start_us for place in places if place.sitting == sitting})
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
        hidden = [camera_of(number) for number in range(cameras, CAMERAS)]
        layout = json.dumps({"layout": "grid", "main": camera_of(0), "hidden": hidden})
        context.add_init_script(f"sessionStorage.setItem('exambox:review:layout:{sitting}', '{layout}')")
        page = context.new_page()
        page.goto(f"{address}/recordings/{sitting}")
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=30_000)
        page.evaluate(WATCH)
        origin = page.evaluate("async path => (await (await fetch('/api' + path)).json()).start_us",
                               f"/recordings/{sitting}")  # fmt: skip
        page.wait_for_timeout(500)
        for start_us in chance.sample(moments, len(moments)):
            at_us = start_us + round(chance.uniform(FIRST_S, LAST_S) * SECOND_US)
            yield _sought(page, (at_us - origin) / SECOND_US, f"t={_iso(at_us)}", cameras)
        context.close()


def _sought(page: Page, wanted: float, hash_: str, cameras: int) -> tuple[float, float]:
    """Seek; return when the first and when the last camera's picture of that moment was on screen."""
    from playwright.sync_api import TimeoutError as LateError

    page.evaluate(SEEK, [wanted, hash_])
    try:
        page.wait_for_function(ARRIVED, arg=cameras, timeout=MISSED_MS, polling=100)
    except LateError:
        found = page.evaluate("() => Object.values(window.bench.first)")
        return (min(found) if found else MISSED_MS), MISSED_MS
    found = page.evaluate("() => Object.values(window.bench.first)")
    page.wait_for_timeout(400)  # what is read ahead is not to burden the next seek
    return min(found), max(found)


def browse_plain(browser: Browser, address: str, count: int) -> list[float]:
    """Seek in a plain MP4, to places that were not read yet, eight to a fresh page as for the box."""
    found: list[float] = []
    chance = random.Random(5)  # noqa: S311  a reproducible order
    while len(found) < count:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("() => document.querySelector('video').readyState >= 2", timeout=20_000)
        page.evaluate(WATCH)
        moments = [loop * 20 + chance.uniform(FIRST_S, LAST_S) for loop in chance.sample(range(1, PEER_LOOPS), 8)]
        found += [_sought(page, moment, "", 1)[0] for moment in moments]
        context.close()
    return found[:count]


def _iso(at_us: int) -> str:
    moment = dt.datetime.fromtimestamp(at_us // SECOND_US, dt.UTC) + dt.timedelta(microseconds=at_us % SECOND_US)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """A file server that knows ranges, which players need to seek."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, film: Path, **options: Any) -> None:
        self._film = film
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        """Send the page, or the asked-for bytes of the film."""
        if self.path != "/film.mp4":
            body = PEER_PAGE.encode()
            self._head(200, "text/html", len(body))
            self.wfile.write(body)
            return
        size = self._film.stat().st_size
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self._head(206, "video/mp4", size - begin, ("Content-Range", f"bytes {begin}-{size - 1}/{size}"))
        with self._film.open("rb") as file:
            file.seek(begin)
            try:
                while piece := file.read(1 << 18):
                    self.wfile.write(piece)
            except OSError:
                self.close_connection = True

    def _head(self, status: int, kind: str, length: int, *more: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(length)), ("Accept-Ranges", "bytes"), *more):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _Quiet(http.server.ThreadingHTTPServer):
    """A browser that leaves in the middle of a film is no news."""

    def handle_error(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def file_server(film: Path) -> Iterator[str]:
    """Serve a film and a page that plays it; gives the page's address."""
    handler: Callable[..., Any] = functools.partial(_Ranges, film=film)
    server = _Quiet(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
