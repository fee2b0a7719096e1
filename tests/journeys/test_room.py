"""The room in a real browser: pictures that move, cameras that die and come back, networks that are cut."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.journeys.conftest import Box, first_run
from tests.journeys.watched import (
    DEAD_MS,
    MADE,
    REAL,
    WatchedBox,
    all_live,
    bear_witness,
    milliseconds_dead_unseen,
    moving,
    sign_in,
)
from tests.support.browsers import BOTH_SCREENS, EACH_SCREEN_IN_TURN, TABLET, chromium
from tests.support.kept_process import children
from tests.support.rtsp_camera import RtspCamera
from tests.support.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Request

# Notes when the room's words about recording last changed to what.
TOLD = """() => {
  const words = document.querySelector('[data-recording-words]');
  window.told = {};
  new MutationObserver(() => { window.told[words.textContent] = Date.now(); })
    .observe(words, { childList: true, characterData: true, subtree: true });
}"""
pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedBox]:
    """One box for the whole module; each test leaves it as it found it."""
    folder = tmp_path_factory.mktemp("watched")
    with RtspCamera(fps=15, gop=15) as camera:
        box = Box(folder)
        try:
            made = WatchedBox(box, camera, folder)
            made.prepare()
            yield made
        finally:
            box.stop()


@BOTH_SCREENS
def test_pictures_move_and_one_camera_is_large(watched: WatchedBox, screen: tuple[int, int]) -> None:
    """All cameras move; one is shown large by a tap or a key, then its neighbours, and all again; its link opens it."""
    with watched.room(screen) as page:
        all_live(page)
        assert "All 2 cameras deliver." in page.locator("[data-summary]").inner_text()
        before = page.locator(f"[data-camera={MADE}] video").bounding_box()
        page.locator(f"[data-camera={MADE}] [data-open]").click()
        page.wait_for_url(f"**/live/{MADE}")
        all_live(page, 1)
        after = page.locator(f"[data-camera={MADE}] video").bounding_box()
        assert before
        assert after
        assert after["width"] > before["width"] or after["width"] > 0.9 * screen[0]
        assert page.get_by_role("heading", name="Test picture").is_visible()
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**/live/{REAL}")
        all_live(page, 1)
        page.keyboard.press("ArrowLeft")
        page.wait_for_url(f"**/live/{MADE}")
        page.locator("[data-strip] a", has_text="Front left").click()
        page.wait_for_url(f"**/live/{REAL}")
        page.reload()
        all_live(page, 1)
        page.keyboard.press("f")
        page.wait_for_function("() => document.fullscreenElement")
        page.keyboard.press("f")
        page.wait_for_function("() => !document.fullscreenElement")
        page.keyboard.press("Escape")
        page.wait_for_url("**/live")
        all_live(page)
        page.go_back()
        page.wait_for_url(f"**/live/{REAL}")
        all_live(page, 1)
        page.keyboard.press("?")
        assert page.get_by_role("heading", name="Keyboard").is_visible()


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_a_dead_camera_is_shown_as_dead_and_comes_back(watched: WatchedBox, how: str) -> None:
    """Its power cut, or its stream silent on an open connection: within 5 s it is shown as lost, others go on."""
    with watched.room() as page:
        all_live(page)
        bear_witness(page)
        watched.camera.kill() if how == "gone" else watched.camera.tell("stall")
        since = time.time()
        try:
            assert milliseconds_dead_unseen(page, REAL, since=since) < DEAD_MS
            first = page.locator("[data-cameras] > article").first
            first.and_(page.locator(f"[data-camera={REAL}]")).wait_for(timeout=5000)
            page.wait_for_function("() => document.querySelector('[data-summary]').dataset.kind === 'bad'")
            assert "Front left" in page.locator("[data-summary]").inner_text()
            moving(page, MADE)
        finally:
            watched.camera.start() if how == "gone" else watched.camera.tell("resume")
        moving(page, REAL)
        page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=fresh]", timeout=20_000)
        page.wait_for_function("() => document.querySelector('[data-summary]').dataset.kind === 'good'", timeout=15_000)


def test_a_capture_process_that_stands_still_is_seen(watched: WatchedBox) -> None:
    """With every process of capture stopped, no picture looks alive after 5 s; when they go on, pictures do."""
    with watched.room() as page:
        all_live(page)
        bear_witness(page)
        parent = watched.box.process_id("capture")
        _signal_tree(parent, signal.SIGSTOP)
        since = time.time()
        try:
            for camera in (REAL, MADE):
                assert milliseconds_dead_unseen(page, camera, since=since) < DEAD_MS
        finally:
            _signal_tree(parent, signal.SIGCONT)
        for camera in (REAL, MADE):
            moving(page, camera)


def _signal_tree(pid: int, number: int) -> None:
    for one in [pid, *children(pid)]:
        os.kill(one, number)


@EACH_SCREEN_IN_TURN
@pytest.mark.parametrize("how", ["cut", "fall_silent"])
def test_a_cut_network_is_seen_and_everything_resumes(watched: WatchedBox, screen: tuple[int, int], how: str) -> None:
    """Cable out: no picture looks alive after 5 s, and the page says so. Back: pictures and events without a gap."""
    with TcpProxy(watched.box.port) as proxy, watched.room(screen, proxy.address) as page:
        all_live(page)
        page.wait_for_selector("[data-banner=touch]", state="hidden")
        bear_witness(page)
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request) if "/api/events" in request.url else None)
        getattr(proxy, how)()
        since = time.time()
        for camera in (REAL, MADE):
            assert milliseconds_dead_unseen(page, camera, since=since) < DEAD_MS
        page.wait_for_selector("[data-banner=touch]:not([hidden])", timeout=8000)
        assert page.locator("[data-recording-words]").inner_text() == "Recording: state unknown"
        watched.exambox("recordings", "stop")  # somebody does, meanwhile, at the box itself
        proxy.restore()
        for camera in (REAL, MADE):
            moving(page, camera)
        page.wait_for_function(
            "() => document.querySelector('[data-recording-words]').textContent === 'Not recording'", timeout=15_000
        )
        page.wait_for_selector("[data-banner=touch]", state="hidden")
        resumed = [request for request in asked if request.headers.get("last-event-id")]
        assert resumed
        page.get_by_role("button", name="Start recording").click()
        page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=fresh]", timeout=20_000)


def test_a_decoder_that_stalls_is_seen(watched: WatchedBox) -> None:
    """Pictures arrive but the browser shows none of them: within 5 s the tile says so, and it recovers by itself."""
    with watched.room() as page:
        all_live(page)
        bear_witness(page)
        page.evaluate("""() => {
          window.append = SourceBuffer.prototype.appendBuffer;
          SourceBuffer.prototype.appendBuffer = function () {};
        }""")
        since = time.time()
        assert milliseconds_dead_unseen(page, REAL, since=since) < DEAD_MS
        page.evaluate("() => { SourceBuffer.prototype.appendBuffer = window.append; }")
        moving(page, REAL)


def test_what_one_does_the_other_sees(watched: WatchedBox) -> None:
    """Stopping asks first; another browser tells of stop and start within two seconds, without asking."""
    with watched.room() as page, watched.room(TABLET) as other:
        all_live(page)
        page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=fresh]", timeout=20_000)
        page.get_by_role("button", name="Stop recording").click()
        page.get_by_role("button", name="Keep recording").click()
        assert page.locator("[data-recording-words]").inner_text() == "Recording"
        page.keyboard.press("r")
        other.evaluate(TOLD)
        page.locator("#ask-stop").get_by_role("button", name="Stop recording").click()
        words = "() => document.querySelector('[data-recording-words]').textContent === "
        other.wait_for_function(f"{words} 'Not recording'", timeout=15_000)
        # From the moment it was so to the moment the other page said it, by that page's own clock.
        assert other.evaluate("() => window.told['Not recording']") - watched.stopped_us() / 1000 < 2000
        page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=off]")
        moving_without_recording = page.locator(f"[data-camera={REAL}]")
        assert moving_without_recording.get_attribute("data-state") == "live"
        other.get_by_role("button", name="Start recording").click()
        page.wait_for_function(f"{words} 'Recording'", timeout=10_000)
        page.wait_for_selector(f"[data-camera={REAL}] .seal[data-seal=fresh]", timeout=20_000)


@pytest.mark.long
def test_without_a_free_place_the_room_is_still_seen(watched: WatchedBox, tmp_path: Path) -> None:
    """Where every place is taken, still pictures and news come by asking; when one is free, pictures move again."""
    box = Box(tmp_path, {"EXAMBOX_WEB__THREADS": "4"})  # two places: one page's pictures and events
    try:
        with chromium() as page:
            first_run(page, box)
            page.wait_for_selector("[data-state=live]", timeout=30_000)
            page.wait_for_selector(".seal[data-seal=fresh]", timeout=20_000)
            with chromium(TABLET) as other:
                sign_in(other, box.address)
                other.wait_for_selector("[data-state=stills]", timeout=20_000)
                assert other.locator("[data-live-badge]").inner_text() == "Still pictures"
                other.wait_for_selector(".seal[data-seal=fresh]", timeout=10_000)
                page.goto("about:blank")
                other.wait_for_selector("[data-state=live]", timeout=20_000)
    finally:
        box.stop()


@pytest.mark.long
def test_eight_cameras_move_over_one_connection(watched: WatchedBox, tmp_path: Path) -> None:
    """More cameras than a browser opens connections all move at once."""
    box = Box(tmp_path)
    try:
        many = WatchedBox(box, watched.camera, tmp_path)
        with many.browser() as page:
            first_run(page, box)
            for number in range(7):
                many.exambox("cameras", "add", "pattern:320x180@10", "--name", f"Row {number}", "--no-test")
            page.wait_for_function("() => document.querySelectorAll('.tile').length === 8", timeout=30_000)
            opened: list[str] = []
            ended: list[str] = []
            at_once: list[int] = []

            def began(request: Request) -> None:
                if "/api/live" in request.url:
                    opened.append(request.url)
                    at_once.append(len(opened) - len(ended))

            def over(request: Request) -> None:
                ended.extend([request.url] if "/api/live" in request.url and request.url in opened else [])

            page.on("request", began)
            page.on("requestfinished", over)
            page.on("requestfailed", over)
            page.reload()
            all_live(page, 8)
            bear_witness(page)
            for tile in page.locator("[data-camera]").all():
                moving(page, tile.get_attribute("data-camera") or "")
            assert max(at_once) == 1, "a connection that broke is over before the next one begins"
            assert all(address.count("camera=") == 8 for address in opened), "none has a connection of its own"
    finally:
        box.stop()
