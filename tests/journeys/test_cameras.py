"""An administrator's work on cameras in a real browser: added, found, masked; hostile names do nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.conftest import Box, first_run
from tests.journeys.reviewed import ready
from tests.journeys.watched import sign_in
from tests.support.browsers import BOTH_SCREENS, DESKTOP, EACH_SCREEN_IN_TURN, TABLET, chromium
from tests.support.onvif_device import OnvifDevice
from tests.support.rtsp_camera import RtspCamera
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.timeout(300)]
USER, PASSWORD_THERE = "watcher", "pass wörd/1"
EVIL = "<script>window.evil=1</script><img src=x onerror='window.evil=1'>"
# Darkest and brightest luma in a rectangle (0..1) of a camera's moving picture on screen; null before there is one.
LOOK = """([camera, x1, y1, x2, y2]) => {
  const video = document.querySelector(`[data-camera="${camera}"] video`);
  if (!video || video.readyState < 2) return null;
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const [w, h] = [video.videoWidth, video.videoHeight];
  const {data} = context.getImageData(x1 * w, y1 * h, (x2 - x1) * w, (y2 - y1) * h);
  let [low, high] = [255, 0];
  for (let at = 1; at < data.length; at += 4) { low = Math.min(low, data[at]); high = Math.max(high, data[at]); }
  return [low, high];
}"""
# What is drawn: from a fifth to three fifths of the width, from two to four fifths of the height.
AREA = (0.2, 0.4, 0.6, 0.8)
INSIDE = (0.22, 0.43, 0.58, 0.77)
BESIDE = (0.68, 0.4, 0.95, 0.8)
BLACK, WHITE = 24, 200


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One box for all journeys of this module, with an administrator; it looks for cameras on loopback."""
    folder = tmp_path_factory.mktemp("cameras")
    box = Box(folder, {"EXAMBOX_CAPTURE__DISCOVERY_ADDRESSES": '["127.0.0.1"]'})
    try:
        with chromium() as page:
            first_run(page, box)
        yield box
    finally:
        box.stop()


@pytest.fixture
def opened(box: Box, screen: tuple[int, int]) -> Iterator[Page]:
    """A browser in which the administrator is signed in."""
    with chromium(screen) as page:
        sign_in(page, box.address)
        yield page


def add(page: Page, box: Box, name: str, address: str, password: str = PASSWORD_THERE) -> None:
    """Fill in the form of a new camera and try it."""
    page.goto(f"{box.address}/admin/cameras/add")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_label(re.compile("^User at the camera")).fill(USER)
    page.get_by_label(re.compile("^Password at the camera")).fill(password)
    page.get_by_role("button", name="Try the camera").click()


def number_of(page: Page, name: str) -> str:
    """Return the id of a camera in the list."""
    href = page.get_by_role("link", name=name, exact=True).get_attribute("href") or ""
    return href.rpartition("/")[2]


def look(page: Page, camera: str, place: tuple[float, ...]) -> tuple[int, int]:
    """Return the darkest and the brightest spot of a camera's picture on the screen."""
    found: Any = until(lambda: page.evaluate(LOOK, [camera, *place]), 30, "a picture")
    return found[0], found[1]


def draw_rectangle(page: Page, *, touch: bool) -> None:
    """Pull the area open on the picture, with the mouse or with a finger."""
    stage = page.locator("[data-mask-editor] [data-stage]")
    stage.scroll_into_view_if_needed()
    where = stage.bounding_box()
    assert where
    x1, y1, x2, y2 = (
        where["x"] + where["width"] * AREA[0], where["y"] + where["height"] * AREA[1],
        where["x"] + where["width"] * AREA[2], where["y"] + where["height"] * AREA[3],
    )  # fmt: skip
    if not touch:
        page.mouse.move(x1, y1)
        page.mouse.down()
        page.mouse.move(x2, y2, steps=6)
        page.mouse.up()
        return
    finger = page.context.new_cdp_session(page)
    steps = [(x1 + (x2 - x1) * part / 6, y1 + (y2 - y1) * part / 6) for part in range(7)]
    for index, (x, y) in enumerate(steps):
        kind = "touchMove" if index else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@BOTH_SCREENS
def test_a_camera_is_added_masked_and_blank_live_and_in_the_recording(
    box: Box, opened: Page, screen: tuple[int, int]
) -> None:
    """Wrong password said, picture seen, stored; a mask that was drawn blanks the live picture and the recording."""
    page = opened
    name = f"Front {screen[0]}"
    with RtspCamera(user=USER, password=PASSWORD_THERE, pattern="white") as camera:
        add(page, box, name, camera.url, "wrong")
        page.wait_for_selector("[data-failed=unauthorised]", timeout=8_000)
        page.get_by_label(re.compile("^Password at the camera")).fill(PASSWORD_THERE)
        page.get_by_role("button", name="Try the camera").click()
        page.get_by_text("It works.").wait_for(timeout=8_000)
        picture = page.locator("img.camera-picture")
        page.wait_for_function("(one) => one.complete && one.naturalWidth === 640", arg=picture.element_handle())
        assert PASSWORD_THERE not in page.content()
        page.get_by_role("button", name="Add camera").click()
        number = number_of(page, name)
        # The list follows by itself: live, then recorded.
        row = page.locator(f"[data-state-of={number}]")
        row.get_by_text("live").wait_for(timeout=30_000)
        row.get_by_text("recording").wait_for(timeout=30_000)
        page.goto(f"{box.address}/live/{number}")
        until(lambda: look(page, number, INSIDE)[0] > WHITE, 30, "the white picture")

        page.goto(f"{box.address}/admin/cameras/{number}/masks")
        page.wait_for_selector("[data-stage][data-ready=yes]")
        draw_rectangle(page, touch=screen == TABLET)
        assert 0.155 < float(page.locator("[data-share]").inner_text().removesuffix(" %")) / 100 < 0.165
        page.get_by_role("button", name="Save masks").click()
        page.get_by_text("Masks are saved").wait_for()

        page.goto(f"{box.address}/live/{number}")
        until(lambda: look(page, number, INSIDE)[1] < BLACK, 30, "the masked picture, live")
        assert look(page, number, BESIDE)[0] > WHITE
        page.wait_for_timeout(6_000)  # so long the masked picture is recorded

        page.goto(f"{box.address}/recordings")
        sitting = page.locator("a[href*='/recordings/']").first.get_attribute("href")
        page.goto(f"{box.address}{sitting}?camera={number}")
        ready(page)
        go_near_the_end(page)
        until(lambda: look(page, number, INSIDE)[1] < BLACK, 30, "the masked picture, played back")
        assert look(page, number, BESIDE)[0] > WHITE

        # Only the administrator, and only when asked for, sees what lies under it; the log says so.
        page.goto(f"{box.address}/admin/cameras/{number}/masks")
        page.get_by_role("button", name="Show without masks").click()
        page.locator("dialog").get_by_role("button", name="Show without masks").click()
        page.get_by_text("You see the picture without masks.").wait_for()
        assert uncovered_luma(page) > WHITE
        page.goto(f"{box.address}/admin/log")
        assert "without its masks" in page.locator("main").inner_text()


def go_near_the_end(page: Page) -> None:
    """Go there by a link; a camera of another journey may be lost by then, so not every picture is waited for."""
    page.evaluate(
        """async () => {
          const {end_us} = await (await fetch('/api' + location.pathname)).json();
          location.hash = 't=' + new Date(end_us / 1000 - 3000).toISOString();
        }"""
    )


def uncovered_luma(page: Page) -> int:
    """Return the darkest spot under the mask in the editor's picture."""
    script = """async ([x1, y1, x2, y2]) => {
      const picture = document.querySelector('[data-picture]');
      await picture.decode();
      const [w, h] = [picture.naturalWidth, picture.naturalHeight];
      const context = new OffscreenCanvas(w, h).getContext('2d');
      context.drawImage(picture, 0, 0);
      const {data} = context.getImageData(x1 * w, y1 * h, (x2 - x1) * w, (y2 - y1) * h);
      let low = 255;
      for (let at = 0; at < data.length; at += 4) low = Math.min(low, data[at + 1]);
      return low;
    }"""
    return int(page.evaluate(script, list(INSIDE)))


@pytest.mark.parametrize("screen", [DESKTOP], ids=["desktop"])
def test_masks_are_drawn_with_the_keyboard_alone(box: Box, opened: Page) -> None:
    """New area, corners moved and added, undone, redone, removed, saved: no pointer is touched."""
    page = opened
    page.goto(f"{box.address}/admin/cameras/test-picture/masks")
    page.wait_for_selector("[data-stage][data-ready=yes]")
    text = page.locator("#masks")
    page.get_by_role("button", name="New area").focus()
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    assert text.input_value() == "0.4,0.4 0.6,0.4 0.6,0.6 0.4,0.6"
    assert "Area 1, corner 1" in (page.evaluate("document.activeElement.getAttribute('aria-label')") or "")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert text.input_value() == "0.375,0.395 0.6,0.4 0.6,0.6 0.4,0.6"
    page.keyboard.press("Tab")
    page.keyboard.press("Alt+ArrowRight")
    assert text.input_value() == "0.375,0.395 0.601,0.4 0.6,0.6 0.4,0.6"
    page.keyboard.press("a")
    assert len(text.input_value().split()) == 5
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert text.input_value() == "0.375,0.395 0.6,0.4 0.6,0.6 0.4,0.6"
    page.keyboard.press("Control+y")
    page.keyboard.press("Delete")
    assert len(text.input_value().split()) == 3
    page.keyboard.press("Shift+Delete")
    assert text.input_value() == ""
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Save masks").press("Enter")
    page.get_by_text("Masks are saved").wait_for()
    page.get_by_text("As coordinates").click()
    page.locator("#masks").fill("")
    page.get_by_role("button", name="Save masks").press("Enter")
    page.get_by_text("No area is masked any more.").wait_for()


@pytest.mark.parametrize("screen", [TABLET], ids=["tablet"])
def test_a_camera_is_found_on_the_network_and_added(box: Box, opened: Page) -> None:
    """Search, sign-in, choice of a stream, picture, stored: all of it by tapping what is offered."""
    page = opened
    with (
        RtspCamera(user=USER, password=PASSWORD_THERE) as camera,
        OnvifDevice(
            name="Found%20one", user=USER, password=PASSWORD_THERE, streams={"main": camera.url, "sub": camera.url}
        ),
    ):
        page.goto(f"{box.address}/admin/cameras")
        page.get_by_role("link", name="Find on the network").click()
        page.get_by_role("button", name="Look for cameras").click()
        page.get_by_role("heading", name="Found one").wait_for(timeout=15_000)
        page.get_by_label("User at the camera").fill(USER)
        page.get_by_label("Password at the camera").fill(PASSWORD_THERE)
        page.get_by_role("button", name="Show its streams").click()
        page.get_by_text("Which stream is recorded?").wait_for(timeout=20_000)
        page.get_by_text("sub", exact=True).click()
        page.get_by_role("button", name="Try the camera").click()
        page.get_by_text("It works.").wait_for(timeout=10_000)
        page.get_by_role("button", name="Add camera").click()
        assert number_of(page, "Found one") == "found-one"
        page.locator("[data-state-of=found-one]").get_by_text("live").wait_for(timeout=30_000)


@EACH_SCREEN_IN_TURN
def test_markup_in_every_text_of_a_camera_does_nothing_anywhere(
    box: Box, opened: Page, screen: tuple[int, int]
) -> None:
    """Name, purpose, basis and reason full of markup are shown as typed on every page a camera is shown on."""
    page = opened
    name = f"{EVIL} {screen[0]}"
    page.goto(f"{box.address}/admin/cameras/add")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_text("Test picture", exact=True).click()
    page.get_by_role("button", name="Try the camera").click()
    page.get_by_text("It works.").wait_for(timeout=10_000)
    page.get_by_label("Purpose").fill(EVIL)
    page.get_by_label("Lawful basis").fill(EVIL)
    page.get_by_label(re.compile("Keep recordings")).fill("100")
    page.get_by_label(re.compile("Why longer")).fill(EVIL)
    page.get_by_role("button", name="Add camera").click()
    number = number_of(page, name)
    paths = [
        "/live",
        f"/live/{number}",
        "/admin/cameras",
        "/recordings",
        "/admin/storage",
        "/admin/holds",
        "/admin/health",
    ]
    paths += [f"/admin/cameras/{number}{more}" for more in ("", "/masks", "/connection")]
    for path in paths:
        page.goto(box.address + path)
        page.wait_for_timeout(600)  # scripts show the name as well
        assert page.evaluate("window.evil") is None, path
        assert page.locator("img[src='x']").count() == 0, path
    page.goto(f"{box.address}/admin/cameras/{number}")
    assert page.get_by_role("heading", name=name).is_visible()
    page.get_by_role("button", name="Remove").click()
    page.locator("dialog").get_by_role("button", name="Remove").click()
    page.wait_for_url(f"{box.address}/admin/cameras")
    page.get_by_text("can be brought back").first.wait_for()
    assert page.evaluate("window.evil") is None
    page.locator("li", has_text=name).get_by_role("button", name="Bring back").click()
    page.get_by_role("heading", name=name).wait_for()
