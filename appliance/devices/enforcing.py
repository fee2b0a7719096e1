"""Tells the kernel what was planned: closes at once, opens in threads of their own.

To open a device can take seconds, because the kernel configures it and probes drivers in that call, and a broken device
holds it up. A device that is not open yet is in nobody's way, so that can wait beside everything else; what is closed
is closed before anything is written down.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.usb.state import Controller
from appliance.usb.sysfs import SysfsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from appliance.config import Settings
    from appliance.usb.enforcement import Plan
    from appliance.usb.state import NotEnforced
    from appliance.usb.sysfs import UsbBus

AT_ONCE: Final = 4
_LOG = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Able:
    """Whether devices can be kept out on this machine by this process; ``why`` and ``words`` where not."""

    why: NotEnforced = ""
    words: str = ""

    def __bool__(self) -> bool:
        """Return whether they can."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Told:
    """What became of telling the kernel; ``problem`` in words, empty where it did as told; ``gone``: the device is."""

    problem: str = ""
    gone: bool = False


class Enforcer:
    """Tells the kernel.

    Args:
        bus: USB in sysfs.
        wake: is called from another thread when something that was being opened is done.
    """

    def __init__(self, bus: UsbBus, wake: Callable[[], None]) -> None:
        self._bus = bus
        self._wake = wake
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="usb-open")
        self._buses: dict[str, threading.Lock] = {}
        self._opening: dict[str, Future[Told]] = {}

    def close(self) -> None:
        """End; what is being opened is waited for no longer."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def mend(self) -> None:
        """Put right what a process that was killed may have left half done; before anything is opened."""
        for name in self._bus.controllers():
            with contextlib.suppress(SysfsError):  # told by what follows
                self._bus.mend(name)

    def set_controllers(self, *, open: bool) -> str:  # noqa: A002  the word of the thing
        """Open or close every root hub to new devices; return what went wrong, in words."""
        problems = [self.set_controller(name, open=open) for name in self._bus.controllers()]
        return next((problem for problem in problems if problem), "")

    def set_controller(self, name: str, *, open: bool) -> str:  # noqa: A002  as above
        """Open or close one root hub to new devices; return what went wrong, in words."""
        if self._bus.is_open(name) is open:
            return ""
        try:
            self._bus.set_open(name, open=open)
        except SysfsError as problem:
            if problem.reason == "gone":
                return ""
            _LOG.error("a USB controller could not be told", controller=name, open=open, problem=problem.message)
            return problem.message
        return ""

    def controllers(self) -> tuple[Controller, ...]:
        """Return the root hubs as they are."""
        return tuple(Controller(name, self._bus.is_open(name)) for name in self._bus.controllers())

    def shut(self, port: str, plan: Plan) -> Told:
        """Carry a plan out that closes, or does nothing."""
        try:
            if plan.step == "take_out":
                self._bus.take_out(port)
            elif plan.step == "drop":
                self._bus.drop(port)
        except SysfsError as problem:
            return _told(port, problem)
        return Told()

    def begin_opening(self, port: str, plan: Plan) -> None:
        """Begin to carry out a plan that opens; `opened` tells when that is done. One a port at a time."""
        if port in self._opening:
            return
        future = self._pool.submit(self._open, port, plan)
        self._opening[port] = future
        future.add_done_callback(lambda _: self._wake())

    @property
    def is_opening(self) -> bool:
        """Whether a device is being opened at the moment."""
        return not all(future.done() for future in self._opening.values())

    def opened(self) -> dict[str, Told]:
        """Return what has been opened since the last call, by port."""
        done = {port: future for port, future in self._opening.items() if future.done()}
        for port in done:
            del self._opening[port]
        return {port: future.result() for port, future in done.items() if not future.cancelled()}

    def _open(self, port: str, plan: Plan) -> Told:
        # One at a time on a bus: that its interfaces stay closed while a device is opened is said of the whole bus.
        with self._buses.setdefault(port.partition("-")[0], threading.Lock()):
            try:
                if plan.step == "take_in_partly":
                    self._bus.take_in_partly(port, plan.interfaces)
                else:
                    self._bus.take_in(port)
            except SysfsError as problem:
                return _told(port, problem)
        return Told()


def able_to_enforce(settings: Settings, bus: UsbBus) -> Able:
    """Return whether this process can keep devices out here."""
    if not bus.exists:
        told = "This machine has no USB."
        return Able("no_usb", told)
    if settings.usb.enforce == "never":
        told = "The settings say so: usb.enforce is never."
        return Able("setting", told)
    if settings.box.trial and settings.usb.enforce == "auto":
        told = "This is a trial box: only usb.enforce = always keeps devices out here."
        return Able("trial", told)
    if not any(bus.may_write(name) for name in bus.controllers()):
        told = "The kernel does not let this user decide about USB devices."
        return Able("rights", told)
    return Able()


def _told(port: str, problem: SysfsError) -> Told:
    if problem.reason == "gone":
        return Told(gone=True)
    _LOG.error("the kernel could not be told of a USB device", port=port, problem=problem.message)
    return Told(problem.message)
