"""A made-up sysfs in a folder: real devices are plugged in, and what an agent writes is seen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from appliance.usb.library import library

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.library import Described

DEVICES: dict[str, Described] = {one.id: one for one in library()}


class Desk:
    """USB of one workstation with one controller; what the kernel would do by itself is left out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        hub = root / "devices" / "usb1"
        hub.mkdir(parents=True)
        (hub / "authorized_default").write_text("1\n")
        (hub / "interface_authorized_default").write_text("1\n")
        (hub / "idVendor").write_text("1d6b\n")
        (hub / "idProduct").write_text("0002\n")
        (root / "drivers_probe").write_text("")

    @property
    def is_open(self) -> bool:
        """Whether new devices get drivers by themselves."""
        return (self.root / "devices/usb1/authorized_default").read_text().strip() == "1"

    def plug(self, device: str, port: str = "1-1") -> None:
        """Plug a device of the library in; it appears whole, as the kernel shows it."""
        one = DEVICES[device]
        new, folder = self.root / f"{port}.new", self.root / "devices" / port
        new.mkdir()
        for name, text in {
            "idVendor": one.vendor, "idProduct": one.product, "manufacturer": one.manufacturer, "product": one.name,
            "serial": one.serial, "speed": one.speed, "authorized": "1" if self.is_open else "0", "remove": "",
        }.items():  # fmt: skip
            if text or name in {"authorized", "remove"}:
                (new / name).write_text(f"{text}\n")
        (new / "descriptors").write_bytes(one.raw)
        new.rename(folder)

    def unplug(self, port: str = "1-1") -> None:
        """Pull it out."""
        shutil.rmtree(self.root / "devices" / port)

    def is_in(self, port: str = "1-1") -> bool:
        """Whether drivers may have the device at a port."""
        return (self.root / "devices" / port / "authorized").read_text().strip() == "1"

    def was_dropped(self, port: str = "1-1") -> bool:
        """Whether the kernel was told to forget it."""
        return (self.root / "devices" / port / "remove").read_text().strip() == "1"
