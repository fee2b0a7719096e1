"""A newcomer's first quarter of an hour, in a real browser against the whole running box."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.conftest import Box, first_run
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
# A small digest of what the video element shows now: equal pictures give equal digests.
PICTURE = """video => {
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 36);
  return Array.from(context.getImageData(0, 0, 64, 36).data).join();
}"""
# Counts the pictures shown until there are 20, for at most 10 s.
FRAMES = """video => new Promise(done => {
  let count = 0;
  const timer = setTimeout(() => done(count), 10000);
  const shown = () => {
    count += 1;
    if (count < 20) video.requestVideoFrameCallback(shown);
    else { clearTimeout(timer); done(count); }
  };
  video.requestVideoFrameCallback(shown);
})"""


def assert_moving(page: Page) -> None:
    """The first picture of the page changes, and its time runs."""
    video = page.locator("video").first
    page.wait_for_function("() => document.querySelector('video').readyState >= 3", timeout=20_000)
    shown = video.evaluate(PICTURE)
    until(lambda: video.evaluate(PICTURE) != shown, 10, "another picture")
    # Counted as they are shown: the time on the element begins anew where the page had to connect again.
    assert video.evaluate(FRAMES) >= 20


def assert_live_and_sealed(page: Page) -> None:
    """The live picture moves close to the present, and the page says that it was sealed a moment ago."""
    page.wait_for_selector(".tile[data-state=live]", timeout=30_000)
    assert_moving(page)
    behind = page.locator("video").first.evaluate("v => v.buffered.end(v.buffered.length - 1) - v.currentTime")
    assert behind < 1.6
    page.wait_for_selector(".seal[data-seal=fresh]", timeout=20_000)
    ages = [float(page.locator("[data-seal-words]").first.inner_text().split()[1]) for _ in range(3)]
    assert max(ages) < 5


def export_clip(page: Page, into: Path) -> Path:
    """Export what the page proposes and download all of its files; return the clip."""
    page.get_by_role("button", name="Export", exact=True).click()
    page.wait_for_selector("#export-done", timeout=60_000)
    shown = page.locator("#export-done .hash").first.inner_text()
    into.mkdir()
    for link in page.locator("#export-done .files a").all():
        with page.expect_download() as waiting:
            link.click()
        waiting.value.save_as(into / waiting.value.suggested_filename)
    clip = next(into.glob("*.mp4"))
    assert hashlib.sha256(clip.read_bytes()).hexdigest() == shown
    return clip


def verify_apart(*arguments: str) -> dict[str, Any]:
    """Run the independent verifier; return what it says."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "verify_standalone.py"), *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def frames_of(clip: Path) -> int:
    """Decode the whole clip and count its pictures."""
    import av

    with av.open(str(clip)) as film:
        return sum(1 for _ in film.decode(video=0))


def test_first_run_to_export_and_lock(page: Page, box: Box, tmp_path: Path) -> None:
    """A newcomer sees live, sealed, played back, exported, verified, locked and unlocked; the disk shows no picture."""
    first_run(page, box)
    assert_live_and_sealed(page)
    assert page.locator("[data-banner=trial]").is_visible()

    page.get_by_role("link", name="Recordings").click()
    assert "Recording now" in page.locator("tbody").inner_text()
    page.locator("tbody a").first.click()
    page.wait_for_selector("[data-review][data-ready=yes]", timeout=20_000)
    page.get_by_role("button", name="Play", exact=True).click()
    assert_moving(page)
    page.get_by_role("button", name="Go to now").click()
    assert_moving(page)

    page.get_by_role("tab", name="Export").click()
    clip = export_clip(page, tmp_path / "clip")
    assert frames_of(clip) > 25
    verify_apart("export", str(clip))
    page.get_by_role("tab", name="Verify").click()
    page.locator("#level").select_option("full")
    page.get_by_role("button", name="Verify", exact=True).click()
    page.wait_for_selector("#verify-done", timeout=60_000)
    assert "Nothing was altered" in page.locator("#verify-done").inner_text()
    verify_apart(str(box.state / "vault"))
    recording = page.url.partition("#")[0]

    page.get_by_role("link", name="Room", exact=True).click()
    page.get_by_role("button", name="Lock", exact=True).click()
    page.wait_for_selector("[data-banner=locked]:not([hidden])")
    assert_moving(page)
    page.goto(recording)
    assert page.get_by_role("heading", name="Playback is locked").is_visible()
    assert page.locator("video[src]").count() == 0
    refused = page.request.get(f"{box.address}/api{recording.removeprefix(box.address)}/test-picture/1/init")
    assert refused.status == 423
    page.get_by_role("button", name="Unlock").click()
    page.wait_for_selector("[data-locked-card]", state="hidden", timeout=20_000)
    page.get_by_role("button", name="Play", exact=True).click()
    assert_moving(page)


def test_stop_and_start_recording(page: Page, box: Box) -> None:
    """Stopping asks first; then nothing is sealed while the picture goes on; starting seals again."""
    first_run(page, box)
    assert_live_and_sealed(page)
    page.get_by_role("button", name="Stop recording").click()
    page.get_by_role("button", name="Keep recording").click()
    assert page.locator("[data-recording-words]").inner_text() == "Recording"
    page.get_by_role("button", name="Stop recording").click()
    page.locator("#ask-stop").get_by_role("button", name="Stop recording").click()
    page.wait_for_selector(".seal[data-seal=off]", timeout=15_000)
    assert_moving(page)
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(".seal[data-seal=fresh]", timeout=15_000)


def test_nothing_readable_lies_in_the_vault(page: Page, box: Box) -> None:
    """After pictures were recorded, no file of the vault holds a video's usual marks."""
    first_run(page, box)
    assert_live_and_sealed(page)
    files = [path for path in (box.state / "vault").rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 50_000 for path in files)
    for path in files:
        data = path.read_bytes()
        for mark in (b"moof", b"mdat", b"avcC", b"x264", b"JFIF"):
            assert mark not in data, (path.name, mark)
