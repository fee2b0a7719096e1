"""A whole running box and a real Chromium, for every journey."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browsers import DESKTOP, chromium, started
from tests.support.kept_process import children
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Quiet-Room-42!"


class Box:
    """The whole box, started as a newcomer starts it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.state = folder / "state"
        self.output = folder / "output"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        environ = {**os.environ, "EXAMBOX_PATHS__STATE": str(self.state), "HOME": str(folder), **(settings or {})}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", "run", "--port", str(self.port)],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self.port}"

    def one_time_password(self) -> str:
        """Wait until it is printed."""

        def printed() -> str | None:
            text = self.output.read_text(encoding="utf-8", errors="replace")
            assert self.process.poll() is None, f"the box ended:\n{text}"
            found = re.search(r"One-time password\s+(\S+)", text)
            return found[1] if found else None

        return until(printed, 60, "the one-time password")

    def process_id(self, name: str) -> int:
        """Return the id of one of its processes: ``capture``, ``keyring`` or ``web``."""

        def found() -> int:
            for pid in children(self.process.pid):
                with suppress(FileNotFoundError):
                    if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                        return pid
            return 0

        return until(found, 10, f"the process {name}")

    def stop(self) -> None:
        """End it as Ctrl-C does, then make sure."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@pytest.fixture
def box_settings() -> Mapping[str, str]:
    """Environment variables the box is started with; a module overrides the fixture to start it otherwise."""
    return {}


@pytest.fixture
def screen() -> tuple[int, int]:
    """The size of the window; `@pytest.mark.parametrize("screen", [DESKTOP, TABLET], ids=SCREEN_NAMES)` tries both."""
    return DESKTOP


@pytest.fixture
def box(tmp_path: Path, box_settings: Mapping[str, str]) -> Iterator[Box]:
    """A box that was just unpacked."""
    running = Box(tmp_path, box_settings)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def driver() -> Playwright:
    """Playwright itself, for browsers that are started otherwise."""
    return started()


@pytest.fixture
def page(box: Box, screen: tuple[int, int]) -> Iterator[Page]:
    """A fresh profile, closed before the box; a page's own fault or a breach of its policy fails the test."""
    with chromium(screen) as opened:
        yield opened


@pytest.fixture
def other_page(box: Box, screen: tuple[int, int]) -> Iterator[Page]:
    """Another person's browser."""
    with chromium(screen) as opened:
        yield opened


def first_run(page: Page, box: Box) -> None:
    """Make the administrator and arrive at the live page."""
    one_time = box.one_time_password()
    page.goto(box.address)
    page.get_by_label("One-time password").fill(one_time)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/live")
