"""What is known of a USB device, and what can be decided about it. Values only."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

TEXT_CHARACTERS: Final = 126
"""The most a USB string descriptor can hold (USB 2.0, 9.6.7)."""

Byte = Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
Word = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARACTERS)]
"""A device's own words, already made safe to show (`cleaning.py`): printable, in one line, valid Unicode."""

Connect = Literal["hotplug", "hardwired", "not used", "unknown"]
"""What the kernel says of the port (``connect_type``)."""

Verdict = Literal["allow", "block", "reject"]
"""``block`` can be taken back at once; a rejected device is dropped by the kernel until it is plugged in again."""

Mode = Literal["maintenance", "armed", "export"]
"""``maintenance`` judges and only notes; ``armed`` enforces; ``export`` enforces and lets one named stick in."""


class Interface(msgspec.Struct, frozen=True, order=True):
    """One interface (or alternate setting) of a configuration: class, subclass, protocol as USB has them."""

    cls: Byte
    subclass: Byte
    protocol: Byte
    number: Byte = 0
    alternate: Byte = 0
    configuration: Byte = 1

    def __str__(self) -> str:
        """Return it as ``08:06:50``."""
        return f"{self.cls:02x}:{self.subclass:02x}:{self.protocol:02x}"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A USB device as the kernel described it before any driver had it.

    ``port`` is the kernel's name of where it is plugged in (``1-1.4``; a root hub is ``usb1``), ``parent`` that of the
    hub above. ``interfaces`` are those of *all* configurations and alternate settings, so that nothing hides in one not
    chosen. ``hash`` is SHA-256 (base64) over the device's identity and raw descriptors, as USBGuard makes it;
    ``whole`` is false where the descriptors could not be read to their end, or contradict themselves.
    """

    port: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^(usb\d{1,3}|\d{1,3}-\d{1,3}(\.\d{1,3}){0,6})$")]
    parent: Annotated[str, msgspec.Meta(max_length=64)] = ""
    vendor: Word
    product: Word
    release: Word = 0
    cls: Byte = 0
    subclass: Byte = 0
    protocol: Byte = 0
    serial: Text = ""
    manufacturer: Text = ""
    name: Text = ""
    interfaces: tuple[Interface, ...] = ()
    connect: Connect = "unknown"
    hash: str = ""
    parent_hash: str = ""
    speed: Annotated[str, msgspec.Meta(max_length=16)] = ""
    whole: bool = True

    @property
    def id(self) -> str:
        """Return vendor and product as ``0781:5581``."""
        return f"{self.vendor:04x}:{self.product:04x}"

    @property
    def is_root_hub(self) -> bool:
        """Whether it is the controller's own hub, which is never judged."""
        return self.port.startswith("usb")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of a device: ``rule`` is the rule's id, empty where the implicit answer was given.

    ``interfaces`` narrows an ``allow`` to these interface numbers; None: all of them. ``why`` says in one plain
    English sentence which rule and what about the device made it match.
    """

    verdict: Verdict
    rule: str = ""
    why: str = ""
    interfaces: tuple[int, ...] | None = None
