"""One Chromium for the tests of a module; each test opens a context of its own in it, as a fresh profile would be."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright
    from playwright.sync_api._context_manager import PlaywrightContextManager

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = (1440, 900)
TABLET = (820, 1180)
SCREEN_NAMES = ("desktop", "tablet")
BOTH_SCREENS = pytest.mark.parametrize("screen", [DESKTOP, TABLET], ids=SCREEN_NAMES)
# Where the second screen shows the same work in another layout only, it is tried with the long journeys.
EACH_SCREEN_IN_TURN = pytest.mark.parametrize(
    "screen", [DESKTOP, pytest.param(TABLET, marks=pytest.mark.long)], ids=SCREEN_NAMES
)


class _Shared:
    """Playwright, which a thread may start once, and the browser in it: both are started when they are needed."""

    def __init__(self) -> None:
        self._manager: PlaywrightContextManager | None = None
        self._driver: Playwright | None = None
        self._browser: Browser | None = None

    @property
    def driver(self) -> Playwright:
        if self._driver is None:
            if not Path(CHROMIUM).exists():
                pytest.skip(f"there is no {CHROMIUM}; install Debian's package chromium")
            from playwright.sync_api import sync_playwright

            self._manager = sync_playwright()
            self._driver = self._manager.start()
        return self._driver

    @property
    def browser(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self._browser = self.driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        return self._browser

    def close(self) -> None:
        manager, self._manager, self._driver, self._browser = self._manager, None, None, None
        if manager is not None:
            manager.__exit__(None, None, None)  # ends the browsers it started, too


_SHARED = _Shared()


def close_browsers() -> None:
    """End what was started; the next test that needs it starts it again."""
    _SHARED.close()


def started() -> Playwright:
    """Return Playwright itself, for tests that start a browser of their own."""
    return _SHARED.driver


def is_fault(message: ConsoleMessage) -> bool:
    """Whether a console message tells of a fault; answers such as 503 while a camera starts are shown on the page."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@contextmanager
def chromium(screen: tuple[int, int] = DESKTOP) -> Iterator[Page]:
    """Open a page in a context of its own; a page's own fault or a breach of its policy fails the test."""
    faults: list[str] = []
    with quiet_chromium(screen) as opened:
        opened.on("pageerror", lambda fault: faults.append(f"{opened.url}: {fault.stack or fault}"))
        opened.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
        yield opened
    assert faults == [], faults


@contextmanager
def quiet_chromium(screen: tuple[int, int] = DESKTOP) -> Iterator[Page]:
    """Open a page in a context of its own; its console may tell of refusals: they are what is tested."""
    context = _SHARED.browser.new_context(viewport={"width": screen[0], "height": screen[1]}, accept_downloads=True)
    try:
        yield context.new_page()
    except Exception:
        with suppress(Exception):  # what the test failed of is told, not what follows from it
            context.close()
        raise
    except BaseException:  # out of time, in the middle of a call: nothing is known of the browser any more
        _SHARED.close()
        raise
    context.close()
