"""A reviewer's work in a real browser: scrub, play in step, step, mark, export, verify; locks and cuts survived."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.journeys.conftest import Box
from tests.journeys.reviewed import CAMERAS, ROOM_ZONE, SHOWN_AT, ReviewedBox, both_stamps, go_to, recorded_stamps
from tests.journeys.test_first_page import frames_of, verify_apart
from tests.support.browsers import EACH_SCREEN_IN_TURN
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
FRAME_MS = 40


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewedBox]:
    """One box for all of this module's journeys; each has a browser of its own."""
    folder = tmp_path_factory.mktemp("reviewed")
    box = Box(folder, {"EXAMBOX_BOX__TIMEZONE": ROOM_ZONE})
    try:
        made = ReviewedBox(box, folder)
        made.prepare()
        yield made
    finally:
        box.stop()


def clock_seconds(page: Page) -> float:
    """Return the shown time of day in seconds."""
    hours, minutes, seconds = page.locator("[data-clock]").inner_text().split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def skew(page: Page) -> int:
    """Return how far the burnt-in clocks of the two pictures on screen are apart, in milliseconds."""
    found = both_stamps(page)
    return abs(found[CAMERAS[0]] - found[CAMERAS[1]])


def skew_at(page: Page, seconds_before_end: float) -> int:
    """Return how far the clocks are apart where the page stands at a moment before the end."""
    go_to(page, seconds_before_end)
    return skew(page)


def come_in_step(page: Page, what: str) -> None:
    """Wait until the cameras play in step.

    They are when at most looks they are: one look may fall on a moment at which a busy machine has kept a picture
    back, but cameras that drift apart are apart at most looks. Between two pictures of one look one may change.
    """
    until(lambda: median(skew(page) for _ in range(9)) <= 2 * FRAME_MS, 20, what)


@EACH_SCREEN_IN_TURN
def test_the_cameras_play_in_step_at_every_speed(reviewed: ReviewedBox, screen: tuple[int, int]) -> None:
    """Both pictures show the same moment by their own burnt-in clocks, standing and playing, at each speed."""
    with reviewed.opened(screen) as page:
        # At one moment a busy machine may have drawn a camera's picture late; the player is in step at most moments.
        assert median(skew_at(page, seconds) for seconds in (18, 17.3, 16.6, 15.9, 15.2)) < 1.5 * FRAME_MS
        page.keyboard.press("Space")
        for speed in ("0.5", "1", "2"):
            page.locator(f"[data-speed='{speed}']").click()
            begun = clock_seconds(page)
            come_in_step(page, f"playing in step at speed {speed}")
            until(lambda begun=begun: clock_seconds(page) > begun + 0.5, 20, "a clock that runs")  # type: ignore[misc]  # bound on purpose
            come_in_step(page, f"staying in step at speed {speed}")
        page.locator("[data-speed='8']").click()
        page.keyboard.press("Home")
        page.locator("[data-play]").wait_for()
        begun = clock_seconds(page)
        until(lambda: clock_seconds(page) - begun > 6, 20, "eight times the speed")


@EACH_SCREEN_IN_TURN
def test_scrubbing_shows_small_pictures_and_lands_where_it_was_let_go(
    reviewed: ReviewedBox, screen: tuple[int, int]
) -> None:
    """Small pictures of both cameras follow the pointer; letting go shows exactly that moment."""
    with reviewed.opened(screen) as page:
        go_to(page, 10)
        box = page.locator("[data-timeline-canvas]").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40, steps=12)
        page.wait_for_function(
            """() => [...document.querySelectorAll('.scrub-thumb:not([hidden])')].length === 2
              && [...document.querySelectorAll('.scrub-thumb')]
                .every(one => one.dataset.none === 'no' && !('old' in one.dataset))""",
            timeout=15_000,
        )
        assert re.search(r"\d\d:\d\d:\d\d", page.locator(".scrub-time").inner_text())
        page.mouse.up()
        wanted = clock_seconds(page)
        until(
            lambda: abs(both_stamps(page)[CAMERAS[0]] - page.evaluate(SHOWN_AT) / 1000) <= FRAME_MS, 10, "the picture"
        )
        assert clock_seconds(page) == wanted


def test_every_step_shows_the_next_picture(reviewed: ReviewedBox) -> None:
    """A step on shows exactly the next picture of the camera, a step back the one before, also over segments' edges."""
    with reviewed.opened(query=f"?camera={CAMERAS[0]}") as page:
        go_to(page, 15)

        def stamp() -> int:
            return both_stamps(page)[CAMERAS[0]]

        seen = [stamp()]
        for _ in range(60):
            page.keyboard.press(".")
            before = seen[-1]
            until(lambda before=before: stamp() != before, 5, "the next picture")  # type: ignore[misc]  # bound on purpose
            seen.append(stamp())
        recorded = recorded_stamps(page, CAMERAS[0], seen[0] - 1000, seen[-1] + 2000)
        begun = recorded.index(seen[0])
        assert seen == recorded[begun : begun + len(seen)]
        page.keyboard.press(",")
        until(lambda: stamp() == seen[-2], 5, "the picture before")


def test_a_time_is_typed_in_the_rooms_zone(reviewed: ReviewedBox) -> None:
    """G goes to a typed time; what lies outside the sitting is refused with its times, and Escape changes nothing."""
    with reviewed.opened() as page:
        go_to(page, 12)
        shown = page.locator("[data-clock]").inner_text()[:8]
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("g")
        page.get_by_label("Time", exact=True).last.fill(shown)
        page.get_by_role("button", name="Go", exact=True).click()
        until(lambda: page.locator("[data-clock]").inner_text()[:8] == shown, 5, "the typed time")
        page.keyboard.press("g")
        page.locator("[name=time]").fill("2001-01-01 10:00")
        page.keyboard.press("Enter")
        assert "was recorded from" in page.locator("[data-jump-words]").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("[data-clock]").inner_text()[:8] == shown
        assert "CE" in page.locator("[data-date]").inner_text()


def test_a_bookmark_is_made_edited_deleted_and_brought_back(reviewed: ReviewedBox) -> None:
    """Notes are kept as typed, markup and all; deleting can be undone; a bookmark leads back to its moment."""
    with reviewed.opened() as page:
        go_to(page, 14)
        marked = page.locator("[data-clock]").inner_text()
        page.keyboard.press("m")
        page.locator("#mark-note").fill("<img src=x onerror=alert(1)> paper on the floor")
        page.get_by_role("button", name="Save").click()
        item = page.locator(".mark")
        item.wait_for()
        assert "<img src=x onerror=alert(1)> paper on the floor" in item.inner_text()
        item.get_by_role("button", name="Edit").click()
        page.locator("#mark-note").fill("paper on the floor")
        page.locator("#mark-note").press("Control+Enter")
        until(lambda: "<img" not in page.locator("[data-bookmarks]").inner_text(), 10, "the edited note")
        page.get_by_role("button", name="Delete").click()
        page.wait_for_selector(".mark", state="detached")
        page.get_by_role("button", name="Undo").click()
        page.wait_for_selector(".mark")
        page.keyboard.press("Home")
        page.locator(".mark-go").click()
        until(lambda: page.locator("[data-clock]").inner_text() == marked, 5, "the marked moment")
        page.reload()
        page.wait_for_selector(".mark", timeout=20_000)


@EACH_SCREEN_IN_TURN
def test_a_range_is_exported_and_verified_apart(reviewed: ReviewedBox, tmp_path: Path, screen: tuple[int, int]) -> None:
    """A marked range of both cameras becomes two clips that the independent verifier and openssl accept."""
    with reviewed.opened(screen) as page:
        go_to(page, 12)
        page.keyboard.press("i")
        page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("o")
        page.keyboard.press("e")
        assert "3 s" in page.locator("[data-export-words]").inner_text()
        page.locator("[data-export]").get_by_role("button", name="Export").click()
        page.wait_for_selector("#export-done", timeout=60_000)
        into = tmp_path / "clips"
        into.mkdir()
        for link in page.locator("#export-done .files a").all():
            with page.expect_download() as waiting:
                link.click()
            waiting.value.save_as(into / waiting.value.suggested_filename)
        hashes = {text.strip() for text in page.locator("#export-done .hash").all_inner_texts()}
        commands = page.locator(".verify-how pre").first.text_content() or ""
        clips = sorted(into.glob("*.mp4"))
        assert len(clips) == len(CAMERAS)
        assert {hashlib.sha256(clip.read_bytes()).hexdigest() for clip in clips} == hashes
        for clip in clips:
            verify_apart("export", str(clip))
            facts = json.loads(next(into.glob(f"{clip.stem}.manifest.json")).read_text())
            # All that was recorded then: how many pictures that is hangs on how busy the machine was that recorded it.
            camera = max((one for one in CAMERAS if one in clip.name), key=len)
            begin_ms, end_ms = (facts["range"][name] // 1000 for name in ("from_us", "to_us"))
            recorded = [
                stamp for stamp in recorded_stamps(page, camera, begin_ms, end_ms)
                if begin_ms + FRAME_MS <= stamp <= end_ms - FRAME_MS
            ]  # fmt: skip
            assert frames_of(clip) >= len(recorded) >= 25
            assert facts["range"]["to_us"] - facts["range"]["from_us"] <= 4_000_000
        done = subprocess.run(["/bin/sh", "-ec", commands], cwd=into, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Verified Successfully" in done.stdout
        page.get_by_role("button", name="Delete from the box now").click()
        page.wait_for_selector("#export-done", state="detached")


def test_a_cut_network_is_said_and_playing_goes_on_by_itself(reviewed: ReviewedBox) -> None:
    """Without the network what is there plays on, then the page waits and says why; with it, it goes on from there."""
    with reviewed.opened() as page:
        go_to(page, 20)
        page.keyboard.press("Space")
        page.context.set_offline(True)
        page.wait_for_selector("[data-connection]:not([hidden])", timeout=20_000)
        stopped = until(
            lambda: clock_seconds(page) if page.locator("[data-state]").inner_text() == "Loading…" else 0.0,
            30,
            "the wait",
        )
        page.context.set_offline(False)
        until(lambda: clock_seconds(page) > stopped + 1, 20, "playing again")
        page.wait_for_selector("[data-connection]", state="hidden", timeout=10_000)
        come_in_step(page, "playing in step again")


def test_a_locked_key_keeps_the_place(reviewed: ReviewedBox) -> None:
    """When playback is locked no picture stays, the page asks for the key, and goes on where it was."""
    with reviewed.opened() as page:
        go_to(page, 15)
        page.evaluate("async () => (await import('/static/api.js')).post('/api/keyring/lock')")
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("Home")
        page.wait_for_selector("[data-locked-card]:not([hidden])", timeout=20_000)
        before = page.locator("[data-clock]").inner_text()
        until(
            lambda: not any(page.evaluate("() => [...document.querySelectorAll('video')].map(v => v.buffered.length)")),
            5,
            "nothing kept",
        )
        assert page.locator("[data-export] [type=submit]").is_disabled()
        page.get_by_role("button", name="Unlock").click()
        page.wait_for_selector("[data-locked-card]", state="hidden", timeout=20_000)
        assert page.locator("[data-clock]").inner_text() == before
        go_to(page, 15)  # at its very beginning a sitting may have no pictures yet
        page.wait_for_function("() => document.querySelector('video').readyState >= 2", timeout=20_000)


def test_a_running_sitting_is_followed(reviewed: ReviewedBox) -> None:
    """Go to now plays close behind the present, and stays there while the recording grows."""
    with reviewed.opened() as page:
        page.get_by_role("button", name="Go to now").click()
        first = until(
            lambda: both_stamps(page)[CAMERAS[0]] if page.locator("[data-state]").inner_text() == "Live edge" else 0,
            20,
            "now",
        )
        until(lambda: both_stamps(page)[CAMERAS[0]] > first + 6000, 30, "the recording to grow")
        behind = page.evaluate("() => Date.now()") - both_stamps(page)[CAMERAS[0]]
        assert 0 < behind < 15_000


def test_layouts_by_keyboard(reviewed: ReviewedBox) -> None:
    """Number keys make a camera large, 0 shows all alike, a hidden camera is brought back, and a reload keeps it so."""
    with reviewed.opened() as page:
        page.keyboard.press("2")
        assert page.locator(".stage").get_attribute("data-layout") == "focus"
        second = page.locator(".tile[data-main=yes]").get_attribute("data-camera")
        page.reload()
        page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
        assert page.locator(".tile[data-main=yes]").get_attribute("data-camera") == second
        page.keyboard.press("0")
        assert page.locator(".stage").get_attribute("data-layout") == "grid"
        tile = page.locator(".tile").first
        tile.hover()
        tile.get_by_role("button", name="Hide").click()
        assert page.locator(".tile:visible").count() == 1
        page.locator("[data-hidden-cameras] button").click()
        assert page.locator(".tile:visible").count() == len(CAMERAS)
        page.keyboard.press("?")
        assert page.get_by_role("heading", name="Keyboard").is_visible()
        page.keyboard.press("Escape")


def test_the_list_finds_a_sitting_by_keyboard(reviewed: ReviewedBox) -> None:
    """Slash goes to the search, arrows to the line, Enter opens it; a search without a hit says so."""
    with reviewed.opened() as page:
        page.goto(f"{reviewed.box.address}/recordings")
        page.keyboard.press("/")
        page.keyboard.type("second")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=second*")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/recordings/{reviewed.sitting}*")
        page.goto(f"{reviewed.box.address}/recordings?q=nothing-like-it")
        assert page.get_by_role("heading", name="No sitting fits").is_visible()
