"""PROCESS seat agent: watches USB and the active window of a workstation, and reports to the box of the room."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance import __version__, log
from appliance.clock import SECOND_US, SystemClock, boot_id
from appliance.errors import UnavailableError
from appliance.exchange.seat.messages import State, Trouble
from appliance.ipc.notify import Notifier
from appliance.seat_agent.box_caller import BoxCaller
from appliance.seat_agent.policy import PolicyKeeper
from appliance.seat_agent.reporting import Reporter
from appliance.seat_agent.spool import Spool
from appliance.seat_agent.usb_watch import UsbWatch
from appliance.seat_agent.windows.watching import Receiver, WindowWatch, desktop_of, watch_desktop
from appliance.usb.agents.bodies import AgentWord, write_body
from appliance.usb.book import fold
from appliance.usb.sysfs import SYSFS, UsbBus
from appliance.usb.watching import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.seat_agent.home import Home
    from appliance.usb.agents.bodies import WindowChange

SWEEP_S: Final = 3.0
HUNG_US: Final = 90 * SECOND_US
"""A report takes less, whatever the network does: a reporter that is not back by then hangs."""
_RUNNING: Final = "running"
_LAST_S: Final = 12.0
_LOG = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How it runs: whether devices may be kept out, where sysfs is (a test's is elsewhere), seconds between looks."""

    may_enforce: bool = True
    sysfs: Path = SYSFS
    sweep_s: float = SWEEP_S


class Agent:
    """All parts of the process, made; `run` holds them until `stop` is set.

    Raises:
        NotEnrolledError, MissingKeyError: the workstation belongs to no box.
        DatabaseError: the spool cannot be used.
    """

    def __init__(self, home: Home, options: Options, clock: Clock) -> None:
        home.make()
        enrolment = home.enrolment()
        self.home, self.clock, self.enrolment = home, clock, enrolment
        self.stop = threading.Event()
        self._events: Watcher | None = None
        self._sweep_s = options.sweep_s
        self.spool = Spool(home.spool, clock, boot=boot_id())
        self.policy = PolicyKeeper(enrolment, self.spool)
        caller = BoxCaller(enrolment.address, enrolment.anchor, home.key(), clock)
        self.reporter = Reporter(caller, enrolment, self.spool, self.policy, state=self.state, clock=clock)
        self.usb = UsbWatch(
            UsbBus(options.sysfs), self.policy, frozenset(enrolment.own), self.spool, clock,
            without_box_us=lambda: self.reporter.without_box_us, may_enforce=options.may_enforce,
        )  # fmt: skip
        self.windows = WindowWatch(self._tell_window, clock)
        self._reported_us = clock.mono_us()
        self._troubles: dict[str, str] = {}

    def state(self) -> State:
        """Return what the agent says of itself."""
        troubles = {**self.usb.troubles, **self._troubles}
        return State(
            version=__version__,
            enforced=self.usb.enforces,
            mode=self.usb.mode if self.policy.version else "",
            devices=self.usb.devices,
            out=self.usb.out,
            windows=self.windows.desktop,
            troubles=tuple(Trouble(what=what, detail=detail[:500]) for what, detail in sorted(troubles.items())),
        )

    def request_stop(self) -> None:
        """Let `run` end; safe in a signal handler."""
        self.stop.set()
        self.reporter.wake()
        if self._events is not None:
            self._events.wake()

    def run(self, notifier: Notifier) -> None:
        """Watch and report until told to end.

        Raises:
            UnavailableError: the reporter hangs; whoever started the process starts it anew.
        """
        self._say_began()
        threads = [threading.Thread(target=self._report, name="reports", daemon=True), *self._window_threads()]
        watcher = self._events = self._watcher()
        self.usb.look()
        for thread in threads:
            thread.start()
        notifier.ready("watching")
        try:
            while not self.stop.is_set():
                batch = watcher.take(self._sweep_s) if watcher is not None else None
                if batch is None:
                    self.stop.wait(self._sweep_s)
                if self.usb.look(() if batch is None else fold(batch.events)):
                    self.reporter.wake()
                self.windows.tick()
                self._say_status()
                if self.clock.mono_us() - self._reported_us > HUNG_US:
                    raise UnavailableError("The reporter of the seat agent hangs.", hint="It is started anew.")
                notifier.watchdog()
        finally:
            if watcher is not None:
                watcher.close()
        notifier.stopping()
        self._end(threads[0])

    def _report(self) -> None:
        while not self.stop.is_set():
            try:
                seconds = self.reporter.round()
            except sqlite3.Error as problem:
                _LOG.error("what is to be told cannot be read", problem=str(problem))
                seconds = SWEEP_S
            self.windows.want(wanted=self.reporter.watched.windows)
            self._reported_us = self.clock.mono_us()
            if seconds:
                self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        """Wait for the next report; a long rest is not taken for a hang."""
        until_us = self.clock.mono_us() + round(seconds * SECOND_US)
        while not self.stop.is_set() and (left_us := until_us - self.clock.mono_us()) > 0:
            self._reported_us = self.clock.mono_us()
            if self.reporter.wait(min(left_us / SECOND_US, SWEEP_S)):
                return

    def _watcher(self) -> Watcher | None:
        """Return what reads the kernel's events; without it USB is looked at every few seconds all the same."""
        try:
            return Watcher(self.clock)
        except OSError as problem:
            _LOG.warning("the kernel's USB events cannot be read", problem=str(problem))
            self._troubles["no_events"] = "The kernel's USB events cannot be read; it is looked every few seconds."
            return None

    def _window_threads(self) -> list[threading.Thread]:
        """Return what brings the active window: this process's own desktop, or the socket for a session's helper."""
        desktop = desktop_of(os.environ)
        if desktop is not None:
            arguments = (self.windows.take, desktop, self.stop)
            return [threading.Thread(target=watch_desktop, args=arguments, name="windows", daemon=True)]
        try:
            receiver = Receiver(self.home.window_socket)
        except OSError as problem:
            _LOG.warning("nothing can say which window is active", problem=str(problem))
            return []
        return [threading.Thread(target=receiver.run, args=(self.windows.take, self.stop), name="windows", daemon=True)]

    def _tell_window(self, change: WindowChange) -> None:
        self.spool.add("window", write_body(change))
        self.reporter.wake()

    def _say_began(self) -> None:
        unclean = bool(self.spool.note(_RUNNING))
        detail = "the one before did not end in order" if unclean else ""
        self.spool.add("agent", write_body(AgentWord(what="started", detail=detail, count=int(unclean))))
        self.spool.keep(_RUNNING, boot_id())

    def _end(self, reports: threading.Thread) -> None:
        """Say goodbye, if the box answers; what it does not get now it gets at the next start."""
        self.spool.add("agent", write_body(AgentWord(what="stopped")))
        self.spool.keep(_RUNNING, "")
        self.reporter.wake()
        reports.join(_LAST_S)
        if not reports.is_alive():
            self.reporter.round()
            self.spool.close()
        self.home.status.unlink(missing_ok=True)

    def _say_status(self) -> None:
        try:
            self.home.say(self._status())
        except OSError as problem:
            _LOG.warning("status cannot be written", problem=str(problem))

    def _status(self) -> dict[str, Any]:
        one, reporter = self.enrolment, self.reporter
        return {
            "pid": os.getpid(), "boot": boot_id(), "mono_us": self.clock.mono_us(), "version": __version__,
            "agent": one.agent, "box": one.box, "room": one.room, "address": one.address, "seat": reporter.seat,
            "mode": self.usb.mode, "policy_version": self.policy.version, "enforced": self.usb.enforces,
            "troubles": {**self.usb.troubles, **self._troubles}, "devices": self.usb.devices, "out": self.usb.out,
            "windows": self.windows.desktop, "windows_wanted": reporter.watched.windows,
            "waiting": self.spool.waiting(), "answered_us": reporter.answered_us, "problem": reporter.problem,
            "hint": reporter.hint,
        }  # fmt: skip


def main(home: Home, options: Options) -> None:
    """Run until SIGTERM or SIGINT. While the box is armed controllers stay closed after the end.

    Raises:
        ApplianceError: the workstation belongs to no box, or its folder cannot be used.
    """
    agent = Agent(home, options, SystemClock())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.request_stop())
    agent.run(Notifier())
