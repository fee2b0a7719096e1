"""An X server without a screen, and applications whose windows become active when a test says so."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from Xlib import X, Xatom, display

if TYPE_CHECKING:
    from collections.abc import Iterator


class XDesktop:
    """One display; the test is its window manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._there: Any = display.Display(name)
        self._root: Any = self._there.screen().root
        self._windows: dict[str, Any] = {}

    def activate(self, application: str, title: str = "secret title") -> None:
        """Make an application's window the active one."""
        if application not in self._windows:
            window = self._root.create_window(0, 0, 10, 10, 0, self._there.screen().root_depth)
            window.set_wm_class(application.lower(), application)
            window.set_wm_name(title)
            window.map()
            self._windows[application] = window
        self._say(self._windows[application].id)

    def close_active(self) -> None:
        """Have no window active."""
        self._say(0)

    def _say(self, window: int) -> None:
        active = self._there.intern_atom("_NET_ACTIVE_WINDOW")
        self._root.change_property(active, Xatom.WINDOW, 32, [window], X.PropModeReplace)
        self._there.sync()

    def close(self) -> None:
        """Leave."""
        self._there.close()


@contextmanager
def x_desktop() -> Iterator[XDesktop]:
    """Run an X server for the block."""
    reads, writes = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writes), "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(writes,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writes)
    with os.fdopen(reads) as told:
        number = told.readline().strip()
    try:
        assert number.isdecimal(), "Xvfb did not start"
        desktop = XDesktop(f":{number}")
        yield desktop
        desktop.close()
    finally:
        server.terminate()
        server.wait(20)
