"""The kernel's USB events, read in a thread of its own: bounded, and it says when something was missed.

The monitor is pyudev's, on the kernel's own netlink group: it tells of a device before udev has handled it, and does
not need udev to run. What comes faster than it is taken is not queued without end: the reader drops it and says so,
and whoever takes events compares sysfs with what they know (`Batch.missed`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

import msgspec
import pyudev

from appliance import log
from appliance.usb.sysfs_device import PORT

if TYPE_CHECKING:
    from appliance.clock import Clock

Action = Literal["add", "remove", "change"]
BUFFER_BYTES: Final = 8 << 20
"""Asked of the kernel for its side of the queue; a process without CAP_NET_ADMIN gets what it may."""
MOST_WAITING: Final = 16_384
_PRODUCT: Final = re.compile(r"([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})", re.ASCII)
_LOG = log.get(__name__)


class KernelEvent(msgspec.Struct, frozen=True):
    """What the kernel told of a device.

    Attributes:
        action: it came, it went, or something about it changed (``bind`` and ``unbind`` too).
        port: the kernel's name of its place.
        seen_us: when it was read (monotonic).
        vendor, product, release: as the event carries them, so that one that is gone already is still known; None
            where it carries none.
    """

    action: Action
    port: str
    seen_us: int
    vendor: int | None = None
    product: int | None = None
    release: int = 0


class Batch(msgspec.Struct, frozen=True):
    """Events in their order; ``missed``: there were more, which nobody can tell any more."""

    events: tuple[KernelEvent, ...] = ()
    missed: bool = False


class Told(Protocol):
    """The part of pyudev's device that is looked at."""

    @property
    def action(self) -> str | None:
        """What happened to it."""
        ...

    @property
    def sys_name(self) -> str:
        """Its name in sysfs."""
        ...

    def get(self, name: str) -> str | None:
        """Return one of the event's properties."""
        ...


class Source(Protocol):
    """Where events come from: pyudev's monitor, or a test's."""

    def fileno(self) -> int:
        """Return what can be waited for."""
        ...

    def poll(self, timeout: float | None = None) -> Told | None:
        """Return the next event, None where none waits.

        Raises:
            OSError: ``ENOBUFS`` where the kernel dropped events.
        """
        ...


class Watcher:
    """Reads events from the moment it is made; give it to `with`, or call `close`.

    Args:
        clock: dates events (monotonic).
        source: the kernel's monitor if None.
        most: events that may wait to be taken; of more the newest are dropped.

    Raises:
        OSError: the kernel's events cannot be listened to.
    """

    def __init__(self, clock: Clock, *, source: Source | None = None, most: int = MOST_WAITING) -> None:
        self._clock = clock
        self._source = source or kernel_monitor()
        self._most = most
        self._waiting: deque[KernelEvent] = deque()
        self._missed = self._woken = False
        self._news = threading.Condition()
        self._problem: OSError | None = None
        self._end_reads, self._end_writes = os.pipe()
        self._thread = threading.Thread(target=self._read, name="usb-events", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def take(self, seconds: float) -> Batch:
        """Return what came, as soon as something did, else nothing after ``seconds``; safe in one thread at a time.

        Raises:
            OSError: the kernel's events cannot be read any more.
        """
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._missed or self._woken or self._problem, seconds)
            if self._problem is not None:
                raise self._problem
            batch = Batch(tuple(self._waiting), self._missed)
            self._waiting.clear()
            self._missed = self._woken = False
        return batch

    def wake(self) -> None:
        """Let `take` return at once, with nothing or with what came; safe from any thread."""
        with self._news:
            self._woken = True
            self._news.notify_all()

    def close(self) -> None:
        """End the reader."""
        with contextlib.suppress(OSError):
            os.write(self._end_writes, b".")
        self._thread.join(5.0)
        if not self._thread.is_alive():
            os.close(self._end_reads)
            os.close(self._end_writes)

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._source.fileno(), select.POLLIN)
        poll.register(self._end_reads, select.POLLIN)
        while True:
            ready = [file for file, _ in poll.poll()]
            if self._end_reads in ready:
                return
            try:
                self._read_all()
            except OSError as problem:
                with self._news:
                    self._problem = problem
                    self._news.notify_all()
                return

    def _read_all(self) -> None:
        """Read what waits in the kernel's queue."""
        while True:
            try:
                told = self._source.poll(0)
            except OSError as problem:
                if problem.errno != errno.ENOBUFS:
                    raise
                self._note(None)
                continue
            if told is None:
                return
            event = event_of(told, self._clock.mono_us())
            if event is not None:
                self._note(event)

    def _note(self, event: KernelEvent | None) -> None:
        with self._news:
            if event is None or len(self._waiting) >= self._most:
                self._missed = True
            else:
                self._waiting.append(event)
            self._news.notify_all()


def event_of(told: Told, seen_us: int) -> KernelEvent | None:
    """Return an event as it concerns us; None where it is not of a device at a port (pure)."""
    port = told.sys_name
    if not PORT.fullmatch(port):
        return None
    action: Action = "add" if told.action == "add" else "remove" if told.action == "remove" else "change"
    said = _PRODUCT.fullmatch((told.get("PRODUCT") or "").lower())
    if said is None:
        return KernelEvent(action, port, seen_us)
    vendor, product, release = (int(one, 16) for one in said.groups())
    return KernelEvent(action, port, seen_us, vendor, product, release)


def kernel_monitor() -> Source:
    """Return a monitor of the kernel's own events of USB devices, receiving already.

    Raises:
        OSError: the kernel's events cannot be listened to.
    """
    monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
    monitor.filter_by("usb", "usb_device")
    try:
        monitor.set_receive_buffer_size(BUFFER_BYTES)
    except OSError as problem:  # a smaller queue is noticed when it overflows, and swept
        _LOG.info("the kernel's queue of USB events stays as it is", problem=str(problem))
    monitor.start()
    source: Source = monitor
    return source
