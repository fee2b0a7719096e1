"""From the moment a picture is drawn to the pixel in a browser: how long, and does it grow while one watches."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources import pattern_code
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE
from bench.page_cost import CHROMIUM, CHROMIUM_ARGUMENTS, percentile
from bench.rig import CLOCK, BenchBox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

GOAL_MS = 300
SETTLE_SECONDS = 10.0
PEER_SECONDS = 15.0
POLL_SECONDS = 5.0
# Of every fifth picture shown: when it is on the screen (wall clock, ms) and the middles of its blocks as bits.
SAMPLE = """(blocks) => {
  const samples = window.samples = [];
  const video = document.querySelector('.is-large video');
  const canvas = new OffscreenCanvas(16, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let count = 0;
  const shown = (now, { expectedDisplayTime }) => {
    count += 1;
    if (count % 5 === 0) {
      const [width, height] = [video.videoWidth, video.videoHeight];
      const at = performance.timeOrigin + Math.max(now, expectedDisplayTime);
      canvas.width = width;
      const line = Math.floor(Math.max(16, Math.floor(height / 40 / 16) * 16) / 2);
      context.drawImage(video, 0, line, width, 1, 0, 0, width, 1);
      const { data } = context.getImageData(0, 0, width, 1);
      let bits = '';
      for (let n = 0; n < blocks; n += 1) bits += data[4 * Math.floor((n + 0.5) * width / blocks) + 1] > 126 ? 1 : 0;
      samples.push([at, bits]);
    }
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}"""
TAKE = "() => window.samples.splice(0)"
MEMORY = "() => performance.memory ? performance.memory.usedJSHeapSize : 0"
BUFFERED = """() => {
  const { buffered } = document.querySelector('.is-large video');
  return buffered.length ? buffered.end(0) - buffered.start(0) : 0;
}"""


def measure(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Watch one RTSP camera with a burnt-in clock in headless Chromium, while it is recorded."""
    with clock_camera() as address:
        peer = _direct(address)
        shown, notes = _in_browser(folder, address, seconds)
    delays = [delay for _, delay in shown]
    stretch = min(60.0, seconds / 3)
    first = [delay for at, delay in shown if at < stretch]
    last = [delay for at, delay in shown if at > seconds - stretch]
    growth = statistics.median(last) - statistics.median(first)
    return {
        "live_latency_ms_p95": {
            "value": round(percentile(delays), 1),
            "goal": GOAL_MS,
            "what": "from drawing a picture (burnt-in wall clock, RTSP camera 1280x720 at 25/s) to its display on the "
            "room's page in headless Chromium, while it is recorded; every fifth picture",
            "median": round(statistics.median(delays), 1),
            "worst": round(max(delays), 1),
            "pictures": len(delays),
            "seconds": seconds,
            "peer": "the same camera read directly and decoded by FFmpeg (PyAV, nobuffer), without a box or browser",
            "peer_value": round(percentile(peer), 1),
            **notes,
        },
        "live_latency_growth_ms": {
            "value": round(growth, 1),
            "goal": 20,
            "what": f"median of the last {stretch:.0f} s less that of the first, over {seconds:.0f} s of watching",
        },
    }


@contextmanager
def clock_camera() -> Iterator[str]:
    """Run the camera as a process of its own; yield its address."""
    camera = subprocess.Popen(
        [sys.executable, "-m", "bench.clock_camera"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if camera.stdout is None:
            raise SystemExit("bench: the camera's output is missing")
        yield camera.stdout.readline().strip()
    finally:
        camera.kill()
        camera.wait(10)


def _direct(address: str) -> list[float]:
    """Return the delays (ms) when FFmpeg alone reads and decodes the camera."""
    delays: list[float] = []
    end = time.monotonic() + PEER_SECONDS

    def read() -> None:
        with av.open(address, options={"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay"}) as stream:
            for number, picture in enumerate(stream.decode(video=0)):
                now_ms = time.time_ns() / 1e6
                stamp = pattern_code.read(picture.to_ndarray()[:20], picture.height, near_wall_ms=round(now_ms))
                if stamp and number > 50:
                    delays.append(now_ms - stamp.wall_ms)
                if time.monotonic() > end:
                    return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PEER_SECONDS + 15)
    return delays


def _in_browser(folder: Path, address: str, seconds: float) -> tuple[list[tuple[float, float]], dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    box = BenchBox(folder / "latency", [address])
    box.record()
    box.start("keyring", "capture", "web")
    try:
        box.wait_sealing(2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            _open(page, box)
            found = _samples(page, seconds)
            notes = {"buffered_s_at_end": round(page.evaluate(BUFFERED), 1), "heap_mb_at_end": _megabytes(page)}
            browser.close()
    finally:
        box.stop()
    return found, notes


def _open(page: Page, box: BenchBox) -> None:
    account = create_account(box.db, "latency", "administrator", "Quokka-7-violin!stove", clock=CLOCK, who="bench")
    token = open_session(box.db, account.id, address="127.0.0.1", clock=CLOCK)
    address = f"http://127.0.0.1:{box.settings.web.port}"
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
    page.goto(f"{address}/live/camera-0")
    page.wait_for_selector(".is-large[data-state=live]", timeout=30_000)


def _samples(page: Page, seconds: float) -> list[tuple[float, float]]:
    """Return (seconds since the beginning, delay in ms) of the sampled pictures."""
    time.sleep(SETTLE_SECONDS)
    page.evaluate(SAMPLE, pattern_code.BLOCKS)
    raw: list[Any] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(POLL_SECONDS, max(0.1, end - time.monotonic())))
        raw += page.evaluate(TAKE)
    begun = raw[0][0] if raw else 0
    found = []
    for at, bits in raw:
        stamp = pattern_code.decode([int(bit) for bit in bits], near_wall_ms=round(at))
        if stamp:
            found.append(((at - begun) / 1000, at - stamp.wall_ms))
    if len(found) < seconds:
        raise SystemExit(f"bench: only {len(found)} pictures with a readable clock were seen in {seconds:.0f} s")
    return found


def _megabytes(page: Page) -> float:
    return round(float(page.evaluate(MEMORY)) / 1e6, 1)
