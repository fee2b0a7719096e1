"""From desktop to agent: a thread where the agent runs in the session itself, else datagrams of the session's helper.

The agent is a system service and has no display. The helper (`exambox seat-agent window`, a unit of the user's) says
every few seconds which application is active, on a socket of this machine; the agent drops it unless the box wants
windows watched.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance import log
from appliance.clock import SECOND_US
from appliance.errors import UnavailableError
from appliance.seat_agent.windows import sway, x11
from appliance.seat_agent.windows.episodes import Episodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.usb.agents.bodies import WindowChange

Desktop = Literal["x11", "sway"]
FRESH_US: Final = 15 * SECOND_US
"""A helper that said nothing for so long is gone."""
SAY_US: Final = 5 * SECOND_US
_MAX_DATAGRAM: Final = 1024
_AGAIN_S: Final = 5.0
_LOG = log.get(__name__)


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """What the helper says: which application is active, on what kind of desktop."""

    application: str
    desktop: Desktop


class WindowWatch:
    """Takes what the desktop says; safe between threads.

    Args:
        tell: keeps a change for the box.
        clock: times gathering.
    """

    def __init__(self, tell: Callable[[WindowChange], None], clock: Clock) -> None:
        self._tell, self._clock = tell, clock
        self._lock = threading.Lock()
        self._episodes = Episodes()
        self._wanted = False
        self._last: Active | None = None
        self._heard_us = 0

    @property
    def desktop(self) -> str:
        """How windows are seen now; empty: they are not."""
        with self._lock:
            fresh = self._last is not None and self._clock.mono_us() - self._heard_us < FRESH_US
            return self._last.desktop if fresh and self._last is not None else ""

    def want(self, *, wanted: bool) -> None:
        """Say whether the box wants windows watched; from the moment it does, not before."""
        with self._lock:
            if wanted and not self._wanted:
                self._episodes.begin(None if self._last is None else self._last.application)
            self._wanted = wanted

    def take(self, active: Active) -> None:
        """Take what is active now."""
        with self._lock:
            self._last, self._heard_us = active, self._clock.mono_us()
            change = self._episodes.see(active.application, self._heard_us) if self._wanted else None
        if change is not None:
            self._tell(change)

    def tick(self) -> None:
        """Tell what was gathered, if its time has come."""
        with self._lock:
            change = self._episodes.due(self._clock.mono_us()) if self._wanted else None
        if change is not None:
            self._tell(change)


def desktop_of(environ: Mapping[str, str]) -> Desktop | None:
    """Return the kind of desktop an environment belongs to, None where it is none that can be watched."""
    if environ.get("SWAYSOCK"):
        return "sway"
    return "x11" if environ.get("DISPLAY") else None


def watch_desktop(take: Callable[[Active], None], desktop: Desktop, stop: threading.Event) -> None:
    """Hand on what is active until told to stop; a desktop that goes is waited for."""
    while not stop.is_set():
        try:
            for application in _applications(desktop):
                take(Active(application=application, desktop=desktop))
                if stop.is_set():
                    return
        except UnavailableError as problem:
            _LOG.warning("the active window is not seen", reason=problem.message)
        stop.wait(_AGAIN_S)


class Receiver:
    """The socket the helper speaks to; for one thread.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._socket.settimeout(1.0)

    def run(self, take: Callable[[Active], None], stop: threading.Event) -> None:
        """Hand on what comes until told to stop."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError, msgspec.DecodeError):
                data = self._socket.recv(_MAX_DATAGRAM)
                take(msgspec.json.decode(data, type=Active))

    def close(self) -> None:
        """End."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Sender:
    """The helper's end: says a change at once, and what is active every few seconds."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._said: Active | None = None
        self._said_us = 0

    def take(self, active: Active) -> None:
        """Say it, if it is new or its time has come; an agent that is not there costs nothing."""
        now = self._clock.mono_us()
        if active == self._said and now - self._said_us < SAY_US:
            return
        try:
            self._socket.sendto(msgspec.json.encode(active), os.fspath(self._path))
        except OSError:
            self._said = None
        else:
            self._said, self._said_us = active, now


def _applications(desktop: Desktop) -> Iterator[str]:
    return sway.active_applications() if desktop == "sway" else x11.active_applications()
