"""The reader of the kernel's events: in order, bounded, and honest about what it missed."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.clock import SystemClock
from appliance.usb.book import fold, is_changed
from appliance.usb.library import described
from appliance.usb.watching import KernelEvent, Watcher, event_of
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Told:
    """An event as pyudev has it."""

    def __init__(self, action: str, name: str, product: str = "781/5583/100") -> None:
        self.action, self.sys_name, self._product = action, name, product

    def get(self, name: str) -> str | None:
        """Return a property."""
        return self._product if name == "PRODUCT" else None


class Source:
    """Events that a test gives, through a pipe that can be waited for."""

    def __init__(self) -> None:
        self.reads, self.writes = os.pipe()
        self.waiting: deque[Told | OSError] = deque()

    def fileno(self) -> int:
        """Return what is waited for."""
        return self.reads

    def poll(self, timeout: float | None = None) -> Told | None:
        """Return the next."""
        del timeout
        if not self.waiting:
            return None
        os.read(self.reads, 1)
        found = self.waiting.popleft()
        if isinstance(found, OSError):
            raise found
        return found

    def give(self, *told: Told | OSError) -> None:
        """Have events waiting."""
        self.waiting.extend(told)
        os.write(self.writes, b"." * len(told))


@pytest.fixture
def source() -> Iterator[Source]:
    """A source."""
    made = Source()
    yield made
    os.close(made.reads)
    os.close(made.writes)


def test_events_come_in_their_order_and_wake_the_reader(source: Source) -> None:
    """Interfaces and other things that are no device at a port are left out."""
    with Watcher(SystemClock(), source=source) as watcher:
        source.give(Told("add", "1-1"), Told("add", "1-1:1.0"), Told("bind", "1-1"), Told("remove", "1-1"))
        found: list[KernelEvent] = []
        until(lambda: found.extend(watcher.take(1.0).events) or len(found) == 3)
        assert [one.action for one in found] == ["add", "change", "remove"]
        assert (found[0].vendor, found[0].product, found[0].release) == (0x781, 0x5583, 0x100)


def test_of_more_than_may_wait_the_rest_is_missed_and_said_so(source: Source) -> None:
    """Nothing grows without end."""
    with Watcher(SystemClock(), source=source, most=10) as watcher:
        source.give(*(Told("add", f"1-{number}") for number in range(1, 200)))
        until(lambda: not source.waiting)
        batch = watcher.take(1.0)
        assert (len(batch.events), batch.missed) == (10, True)
        assert not watcher.take(0.0).missed


def test_what_the_kernel_dropped_is_said_and_reading_goes_on(source: Source) -> None:
    """ENOBUFS is no end."""
    with Watcher(SystemClock(), source=source) as watcher:
        source.give(OSError(errno.ENOBUFS, "No buffer space"), Told("add", "1-1"))
        until(lambda: not source.waiting)
        events: list[KernelEvent] = []
        until(lambda: (batch := watcher.take(1.0)) and (events.extend(batch.events) or True) and bool(events))
        source.give(OSError(errno.ENOBUFS, "No buffer space"))
        until(lambda: watcher.take(1.0).missed)
        assert [one.port for one in events] == ["1-1"]


def test_any_other_failure_is_raised_where_events_are_taken(source: Source) -> None:
    """Whoever started the process starts it anew."""
    with Watcher(SystemClock(), source=source) as watcher:
        source.give(OSError(errno.EBADF, "Bad file descriptor"))
        with pytest.raises(OSError, match="Bad file descriptor"):
            until(lambda: watcher.take(1.0).missed)


@pytest.mark.parametrize("product", ["", "x/y/z", "12345/1/1", "781/5583", "\u0667/1/1"])
def test_an_event_without_a_readable_product_is_still_an_event(product: str) -> None:
    """Only the port is known then."""
    event = event_of(Told("add", "1-1", product), 5)
    assert event == KernelEvent("add", "1-1", 5)


def test_a_storm_is_folded_to_each_distinct_device_and_how_often() -> None:
    """Of events at two ports there remain what came at each, in order, and whether it came anew."""
    events = [KernelEvent("add", "1-1", 1, 1, 2), KernelEvent("remove", "1-1", 2, 1, 2)] * 500
    events += [KernelEvent("add", "1-1", 3, 1, 3), KernelEvent("change", "1-2", 4, 9, 9)]
    first, second = fold(events)
    assert [(one.product, one.times) for one in first.came] == [(2, 500), (3, 1)]
    assert (first.again, second.again, second.came) == (True, False, ())


def test_a_device_has_changed_where_it_never_went_or_came_back_with_its_own_serial_number() -> None:
    """Another stick of the same make is another device, and one that comes back as it was has not changed."""
    camera, keyboard = described("camera-logitech-c920").device, described("keyboard-corsair-k95").device
    assert is_changed(camera, keyboard, apart_us=0)
    assert not is_changed(camera, camera, apart_us=0)
    assert not is_changed(None, camera, apart_us=0)
    assert is_changed(camera, keyboard, apart_us=1_000)  # the serial numbers of the library are all the same
    other = msgspec.structs.replace(keyboard, serial="another")
    assert not is_changed(camera, other, apart_us=1_000)
    assert not is_changed(camera, keyboard, apart_us=6_000_000)
