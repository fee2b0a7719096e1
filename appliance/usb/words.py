"""What a device is and what became of it, in the words of people.

A device can lie about all of it. The words are for people who look; the policy decides by its own rules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from appliance.usb.kinds import KINDS, Kind
from appliance.usb.names import vendor_name
from appliance.usb.telling import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.usb.model import Device, Verdict

__all__ = ["KINDS", "VERDICTS", "Kind", "kind_of", "name_of", "say"]

VERDICTS: Final[Mapping[Verdict, str]] = {"allow": "allowed", "block": "blocked", "reject": "rejected"}

GENERIC: Final = re.compile(r"(generic|usb|usb ?device|usb\d\.0|unknown|n/?a|0+)?\W*", re.IGNORECASE)


def name_of(device: Device) -> str:
    """Return what the device calls itself, with its maker where that says more; else its numbers."""
    maker = "" if GENERIC.fullmatch(device.manufacturer) else device.manufacturer
    maker = maker or vendor_name(device.vendor)
    name = "" if GENERIC.fullmatch(device.name) else device.name
    if not name:
        return f"{maker} {device.id}" if maker else device.id
    first = maker.split(" ")[0].strip(",.").casefold()
    return name if not maker or first in name.casefold() else f"{maker} {name}"


def say(device: Device, *, port: str = "", verdict: Verdict | None = None) -> str:
    """Return one plain English line: ``USB stick, SanDisk Ultra, front left port, blocked``.

    ``port`` is the port's label; without one the kernel's name of it is said. Without a verdict none is said.
    """
    parts = [KINDS[kind_of(device)], name_of(device), port or f"port {device.port}"]
    return ", ".join([*parts, VERDICTS[verdict]] if verdict else parts)
