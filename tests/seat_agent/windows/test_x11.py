"""The active window of a real X server: the application's class, at once, and never a title."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UnavailableError
from appliance.seat_agent.windows.x11 import active_applications
from tests.seat_agent.windows.desktop import x_desktop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.seat_agent.windows.desktop import XDesktop

pytestmark = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="xvfb is not installed")


@pytest.fixture(scope="module")
def desktop() -> Iterator[XDesktop]:
    """An X server."""
    with x_desktop() as desktop:
        yield desktop


def next_of(seen: Iterator[str], wanted: str) -> None:
    """Look until an application is active; it is within a few looks."""
    looked: list[str] = []
    while wanted not in looked and len(looked) < 5:
        looked.append(next(seen))
    assert wanted in looked


def test_each_change_of_the_active_window_is_seen(desktop: XDesktop) -> None:
    """The application's class is told, when it becomes active and when nothing is."""
    desktop.activate("Exam")
    seen = active_applications(desktop.name)
    assert next(seen) == "Exam"
    desktop.activate("Files")
    next_of(seen, "Files")
    desktop.close_active()
    next_of(seen, "")


def test_a_display_that_is_not_there_is_said(desktop: XDesktop) -> None:
    """Neither a wrong name nor a display that went away is more than an error in words."""
    with pytest.raises(UnavailableError, match="cannot be watched"):
        next(active_applications(":65000"))
    with x_desktop() as short:
        seen = active_applications(short.name)
        next(seen)
    with pytest.raises(UnavailableError):
        list(itertools.islice(seen, 5))
    assert desktop.name
