"""USB: from the kernel's event to the alert on the invigilator's screen, while a room is recorded and watched.

The processes are the box's own (devices, capture, web), the page is the room's in headless Chromium, the devices are
umockdev's with the descriptors of real ones. What is missing on this machine leaves the figure null.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.cameras.wishes import start_recording
from appliance.errors import ApplianceError
from appliance.ipc.live import LiveClient
from appliance.usb.library import described
from appliance.vault.keys import init_keys
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE
from bench.page_cost import CHROMIUM, CHROMIUM_ARGUMENTS, percentile
from bench.rig import CLOCK, free_port, wait_for
from tests.devices.a_process import UsbBox, boot_us
from tests.sittings.a_sitting import Room
from tests.support.umock_usb import missing
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from appliance.usb.sysfs_device import Attributes

SCREEN: Final = "usb_event_to_screen_ms_p95"
GOAL_MS: Final = 250
EACH: Final = 16
"""So many sticks in a row are told one by one; a fresh process tells as many again."""
CAMERAS: Final = 2
PAUSE_S: Final = 0.4
PASSPHRASE: Final = "only for the bench"  # noqa: S105  of keys that are thrown away
SHOWN_AT: Final = "(words) => window.alertTimes.find(([said]) => said.includes(words))?.[1] ?? 0"
SHOWN: Final = """() => {
  window.alertTimes = [];
  const seen = new WeakSet();
  new MutationObserver(() => {
    for (const item of document.querySelectorAll("[data-alert]")) {
      if (seen.has(item)) continue;
      seen.add(item);
      const words = item.querySelector("[data-alert-title]").textContent;
      // On the screen once a frame with it has been drawn: the frame after the next.
      const drawn = () => window.alertTimes.push([words, performance.timeOrigin + performance.now()]);
      requestAnimationFrame(() => requestAnimationFrame(drawn));
    }
  }).observe(document.querySelector("[data-alert-list]"), { childList: true });
}"""


def measure(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Return the figure."""
    if missing():
        print(f"bench: no USB figure of the screen, {missing()}")
        return {SCREEN: {"value": None, "goal": GOAL_MS}}
    folder.mkdir(parents=True, exist_ok=True)
    with UsbBox(folder) as box:
        waits = _measured(box, starts=1 if quick else 4)
    return {
        SCREEN: {
            "value": round(percentile(waits), 1),
            "goal": GOAL_MS,
            "what": "a USB stick's event at the kernel until its alert is drawn on the room's page in headless Chromium"
            f", while a sitting runs and {CAMERAS} cameras are recorded and shown",
            "median": round(statistics.median(waits), 1),
            "max": round(max(waits), 1),
            "of": len(waits),
        }
    }


def _measured(box: UsbBox, *, starts: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    port = free_port()
    init_keys(box.settings, passphrase=PASSPHRASE, clock=CLOCK)
    for number in range(CAMERAS):
        camera = Camera(
            id=f"camera-{number}", name=f"Camera {number}", role="room", kind="pattern", address="1280x720@25"
        )
        add_camera(box.db, camera, None, clock=CLOCK, who="bench")
    Room(box.db, box.settings, "1").does("check_readiness")
    if box.db.conn.execute("SELECT 1 FROM recording_wish WHERE stopped_us IS NULL").fetchone() is None:
        start_recording(box.db, clock=CLOCK, who="bench")
    environ = {**os.environ, "EXAMBOX_WEB__PORT": str(port), "EXAMBOX_LOG__LEVEL": "error"}
    argv = [sys.executable, "-m", "appliance.cli", "--config", str(box.config)]
    others = [subprocess.Popen([*argv, name], env=environ) for name in ("capture", "web")]
    try:
        wait_for(lambda: _live(box) == CAMERAS, 40, "live pictures of all cameras")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            _open(page, box, port)
            found = [wait for start in range(starts) for wait in _sticks(box, page, start)]
            browser.close()
    finally:
        for process in others:
            process.terminate()
        for process in others:
            process.wait(20)
    return found


def _live(box: UsbBox) -> int:
    try:
        cameras = LiveClient(box.settings.live_socket).status()["cameras"]
    except ApplianceError:
        return 0
    return sum(camera["state"] == "live" for camera in cameras)


def _open(page: Page, box: UsbBox, port: int) -> None:
    account = create_account(box.db, "bench", "invigilator", "Quokka-7-violin!stove", clock=CLOCK, who="bench")
    token = open_session(box.db, account.id, address="127.0.0.1", clock=CLOCK)
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: _answers(page, address), 30, "the dashboard")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
    page.goto(f"{address}/live")
    page.wait_for_selector("[data-camera][data-state=live]", timeout=30_000)
    page.evaluate(SHOWN)


def _answers(page: Page, address: str) -> bool:
    from playwright.sync_api import Error

    try:
        return page.goto(f"{address}/healthz") is not None
    except Error:
        return False


def _sticks(box: UsbBox, page: Page, start: int) -> list[float]:
    """Plug sticks in one by one; return how long each took to the screen, in milliseconds."""
    ports = [f"1-{start * EACH + number + 1}" for number in range(EACH)]
    for number, port in enumerate(ports):
        box.machine.prepare(port, _stick(start * EACH + number, port))
    box.start()
    until(lambda: box.state.mode == "armed")
    found = []
    for port in ports:
        offset_ms = time.time_ns() / 1e6 - boot_us() / 1000
        began_ms = box.machine.appear(port) / 1000 + offset_ms
        words = f"port {port},"
        page.wait_for_function(SHOWN_AT, arg=words, timeout=10_000)
        found.append(float(page.evaluate(SHOWN_AT, words)) - began_ms)
        time.sleep(PAUSE_S)
    box.end()
    return found


def _stick(number: int, port: str) -> Attributes:
    return msgspec.structs.replace(described("stick-sandisk-ultra-fit"), serial=f"SCREEN{number}").attributes(port)
