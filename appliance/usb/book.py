"""What is plugged in as far as it is known, and what a batch of events makes of it. Pure.

A storm is folded: of a thousand events at one port there remains what is there now, and each distinct device that was
seen, with how often. What was gone before it could be read is known by what the event itself carried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.usb.model import Device
from appliance.usb.sysfs_device import parent_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.usb.watching import KernelEvent

CHANGED_WITHIN_US: Final = 5 * SECOND_US
"""A device that comes back as another one within this time has changed its descriptors."""


class Glimpse(msgspec.Struct, frozen=True):
    """A device as its event named it, ``times`` in one batch."""

    vendor: int
    product: int
    release: int
    times: int = 1

    def is_of(self, device: Device) -> bool:
        """Whether it can be this device."""
        return (self.vendor, self.product) == (device.vendor, device.product)

    def as_device(self, port: str) -> Device:
        """Return what is known of it: it was gone before its descriptors could be read."""
        parent = parent_of(port)
        named = Device(port=port, parent=parent, vendor=self.vendor, product=self.product, release=self.release)
        return msgspec.structs.replace(named, whole=False)


class PortNews(msgspec.Struct, frozen=True):
    """What a batch says of one port.

    Attributes:
        port: where.
        came: the distinct devices that came, in their order.
        again: whether what is there now came with this batch, and is not the one from before.
        first_us: when the first of the events was read (monotonic).
    """

    port: str
    came: tuple[Glimpse, ...]
    again: bool
    first_us: int


def fold(events: Iterable[KernelEvent]) -> tuple[PortNews, ...]:
    """Return what events say of each port, in the order in which ports were first named."""
    came: dict[str, dict[tuple[int, int, int], int]] = {}
    again: dict[str, bool] = {}
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(event.port, event.seen_us)
        seen = came.setdefault(event.port, {})
        again[event.port] = again.get(event.port, False) or event.action != "change"
        if event.action == "add" and event.vendor is not None and event.product is not None:
            key = (event.vendor, event.product, event.release)
            seen[key] = seen.get(key, 0) + 1
    return tuple(
        PortNews(port, tuple(Glimpse(*key, times) for key, times in seen.items()), again[port], first[port])
        for port, seen in came.items()
    )


def is_changed(before: Device | None, after: Device, *, apart_us: int) -> bool:
    """Return whether a device is one that was there before with other descriptors.

    Args:
        before: what was last at that port, None where nothing was.
        after: what is there now.
        apart_us: how long the one had been gone when the other was seen; 0 where it never went.
    """
    if before is None or before.hash == after.hash or not before.whole:
        return False
    if apart_us == 0:
        return True
    same_serial = before.serial == after.serial  # another stick of the same make is another device
    return same_serial and (bool(after.serial) or before.id == after.id) and apart_us <= CHANGED_WITHIN_US
