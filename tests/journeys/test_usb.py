"""A stick is plugged in during an exam: from the kernel's event to the word of a person and the LMS."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, closing
from socket import create_server
from typing import TYPE_CHECKING

import pytest

from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.clock import SystemClock
from appliance.errors import ApplianceError
from appliance.ipc.live import LiveClient
from appliance.sittings.warnings import warnings_of
from appliance.usb.orders import standing
from appliance.usb.ports import name_port
from appliance.vault.keys import init_keys
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE
from tests.devices.a_process import UsbBox
from tests.sittings.a_sitting import Room
from tests.support.browsers import DESKTOP, chromium
from tests.support.umock_usb import exambox_argv, missing
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.udev,
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(missing()), reason=missing() or "umockdev"),
]
CLOCK = SystemClock()
STICK, CAMERA = "stick-sandisk-ultra-fit", "camera-logitech-c920"


class Hall:
    """A box with its processes, a sitting in which one candidate writes, and a browser that is signed in."""

    def __init__(self, box: UsbBox, pages: ExitStack) -> None:
        self.box = box
        with closing(create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.room = Room(box.db, box.settings, "1")
        session = self.room.hands_over("1")
        self.room.writes("1")
        self.session = session.id
        name_port(box.db, "1-1", label="front left", seat="seat 1", who="test", clock=CLOCK)
        camera = Camera(id="front", name="Front", role="room", kind="pattern", address="320x240@5")
        add_camera(box.db, camera, None, clock=CLOCK, who="test")
        environ = {**os.environ, "EXAMBOX_WEB__PORT": str(self.port), "EXAMBOX_LOG__LEVEL": "error"}
        self.others = [
            subprocess.Popen(exambox_argv(name, config=box.config), env=environ) for name in ("capture", "web")
        ]
        until(self._is_live, 60, "the camera's picture")
        self.pages = pages

    def _is_live(self) -> bool:
        try:
            return LiveClient(self.box.settings.live_socket).status()["cameras"][0]["state"] == "live"
        except (ApplianceError, IndexError):
            return False

    def page(self, role: str, path: str) -> Page:
        """Open a page as somebody of a role."""
        account = create_account(self.box.db, role, role, "Quiet-Room-42!", clock=CLOCK, who="test")  # type: ignore[arg-type]
        token = open_session(self.box.db, account.id, address="127.0.0.1", clock=CLOCK)
        address = f"http://127.0.0.1:{self.port}"
        page = self.pages.enter_context(chromium(DESKTOP))
        page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
        page.goto(f"{address}{path}")
        return page

    def end(self) -> None:
        """End the processes."""
        for process in self.others:
            process.terminate()
        for process in self.others:
            process.wait(30)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A hall in which an exam is written."""
    with UsbBox(tmp_path) as box, ExitStack() as pages:
        init_keys(box.settings, passphrase="only of this test", clock=CLOCK)
        made = Hall(box, pages)
        box.start()
        until(lambda: box.state.mode == "armed", what="the sitting arms USB")
        try:
            yield made
        finally:
            pages.close()
            made.end()


def test_a_stick_in_an_exam(hall: Hall) -> None:
    """It stands above the day and the room with place, seat and picture, is judged with a reason, and the LMS hears."""
    day = hall.page("invigilator", f"/sittings/{hall.room.sitting}")
    day.wait_for_selector("#day")
    hall.box.plug("1-1", STICK)
    alert = day.locator("[data-alert]")
    alert.wait_for(timeout=15_000)
    words = alert.inner_text()
    assert "USB stick" in words
    assert "front left" in words
    assert "blocked" in words
    assert "Seat seat 1" in words
    assert not hall.box.machine.is_in("1-1")
    picture = alert.locator("[data-photos] img")
    picture.wait_for(timeout=15_000)
    until(lambda: picture.evaluate("image => image.naturalWidth") == 320, what="the picture of that second")
    assert day.title().startswith("(1) ")

    (warning,) = [one for one in warnings_of(hall.box.db, session=hall.session) if one.subject]
    assert warning.warning.kind == "forbidden_device"
    told = hall.box.db.conn.execute("SELECT body FROM delivery WHERE kind = 'warning'").fetchall()
    assert any("WARNING_FORBIDDEN_DEVICE" in body for (body,) in told)

    hall.box.plug("1-2", CAMERA)
    hall.box.stands_so("1-2", "in")
    alert.locator("[data-alert-more-acts] summary").click()
    alert.locator("input[name=why]").fill("The centre's own")
    alert.locator("[data-alert-dismiss] button").click()
    alert.wait_for(state="detached", timeout=15_000)
    (judged,) = [one for one in warnings_of(hall.box.db, session=hall.session) if one.subject]
    assert judged.warning.decision == "dismissed"
    day.locator("[data-alerts]").wait_for(state="hidden", timeout=15_000)

    hall.box.machine.unplug("1-1")
    hall.box.stands_so("1-1", "gone")
    usb = hall.page("centre_manager", "/admin/usb")
    assert "Armed" in usb.inner_text("#usb-mode")
    hall.box.plug("1-3", "mouse-microsoft-wheel")
    usb.reload()
    row = usb.locator("tr", has_text="Mouse")
    row.locator("summary", has_text="Let in").click()
    row.locator("input[name=why]").fill("The room's mouse is broken")
    row.get_by_role("button", name="Let it in").click()
    hall.box.stands_so("1-3", "in")
    assert hall.box.machine.is_in("1-3")
    assert [one.kind for one in standing(hall.box.db)] == ["let_in"]


def test_dimensions_of_the_alert_on_a_phone(hall: Hall) -> None:
    """On a screen of 320 pixels the alert needs no scrolling sideways."""
    page = hall.page("invigilator", "/live")
    page.set_viewport_size({"width": 320, "height": 640})
    page.wait_for_selector("[data-camera][data-state=live]", timeout=30_000)
    hall.box.plug("1-1", STICK)
    page.locator("[data-alert]").wait_for(timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
