"""A kernel's side of USB in plain folders: what is plugged in, and what writing to its attributes does.

As in Documentation/usb/authorization.rst: a device that comes while its controller is closed has ``authorized`` 0 and
no interfaces; authorising it makes them, each authorised as the controller's default says; ``remove`` takes it away
until it is plugged in again; de-authorising takes its interfaces away.
"""

from __future__ import annotations

import errno
import itertools
import shutil
from typing import TYPE_CHECKING

from appliance.usb.descriptors import read_descriptors
from appliance.usb.sysfs import UsbBus, write_attribute
from appliance.usb.sysfs_device import Attributes, parent_of
from appliance.usb.watching import Action, Batch, KernelEvent
from tests.support.usb_devices import write_device, write_sysfs

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.usb.library import Described


class FakeKernel:
    """USB below a folder.

    Attributes:
        written: what was written, in order: port and attribute, and the value.
        refuses: what writing to an attribute fails with, by its name in ``written``.
        events: what the kernel tells, until `batch` takes it.
    """

    def __init__(self, root: Path, clock: Clock, *, buses: int = 1) -> None:
        self.root = root
        self._clock = clock
        self._flat = write_sysfs(root, {}, buses=buses)
        (root / "bus/usb/drivers_probe").write_text("")
        self._plugged: dict[str, Attributes] = {}
        self.written: list[tuple[str, str]] = []
        self.refuses: dict[str, OSError] = {}
        self.events: list[KernelEvent] = []
        self.probed: list[str] = []
        self._numbers = itertools.count(1)

    @property
    def bus(self) -> UsbBus:
        """USB as the box sees it."""
        return UsbBus(self.root / "bus/usb", write=self.write)

    def plug(self, port: str, what: Described | Attributes, *, told: bool = True) -> None:
        """Plug a device in; not ``told``: its event is lost."""
        attributes = what if isinstance(what, Attributes) else what.attributes(port)
        open_ = (self._flat / f"usb{port.partition('-')[0]}/authorized_default").read_text().strip() != "0"
        self._write(port, attributes)
        self._plugged[port] = attributes
        if open_:
            self._configure(port)
        if told:
            self._tell("add", port, attributes)

    def unplug(self, port: str, *, told: bool = True) -> None:
        """Take a device out, and what hangs on it."""
        for one in sorted(self._plugged, reverse=True):
            if one == port or one.startswith(f"{port}."):
                self._forget(one, told=told)

    def change(self, port: str, what: Described | Attributes, *, told: bool = True) -> None:
        """Have a device say something else of itself, without being unplugged."""
        attributes = what if isinstance(what, Attributes) else what.attributes(port)
        was_in = self.is_in(port)
        shutil.rmtree((self._flat / port).resolve())
        (self._flat / port).unlink()
        self._write(port, attributes)
        self._plugged[port] = attributes
        if was_in:
            self._configure(port)
        if told:
            self._tell("change", port, attributes)

    def is_in(self, port: str) -> bool:
        """Whether a device is authorised."""
        return (self._flat / port / "authorized").read_text().strip() == "1"

    def is_there(self, port: str) -> bool:
        """Whether the kernel knows a device at a port."""
        return (self._flat / port).exists()

    def is_open(self, bus: int = 1) -> bool:
        """Whether new devices of a controller are authorised at once."""
        return (self._flat / f"usb{bus}/authorized_default").read_text().strip() != "0"

    def batch(self, *, missed: bool = False) -> Batch:
        """Return the events since the last call."""
        events, self.events = tuple(self.events), []
        return Batch(events, missed)

    def write(self, path: Path, value: str) -> None:
        """Take a write to an attribute, and do as the kernel does."""
        name = f"{path.parent.name}/{path.name}"
        if name in self.refuses:
            raise self.refuses[name]
        write_attribute(path, value)
        self.written.append((name, value))
        port = path.parent.name
        if path.name == "drivers_probe":
            self.probed.append(value)
        elif path.name == "remove":
            self._forget(port, told=True)
        elif path.name == "authorized" and port in self._plugged:
            if value == "1":
                self._configure(port)
            else:
                self._unconfigure(port)
                for below in [one for one in self._plugged if parent_of(one) == port]:
                    self.unplug(below)

    def _write(self, port: str, attributes: Attributes) -> None:
        """Write a device's folder; as of the kernel, no two devices have the same number."""
        write_device(self.root, port, attributes, authorized=False)
        (self._flat / port / "devnum").write_text(f"{next(self._numbers)}\n", encoding="ascii")

    def _configure(self, port: str) -> None:
        (self._flat / port / "authorized").write_text("1\n")
        default = self._flat / f"usb{port.partition('-')[0]}/interface_authorized_default"
        found = read_descriptors(self._plugged[port].raw).interfaces
        for one in found:
            if one.configuration == found[0].configuration and one.alternate == 0:
                folder = self._flat / port / f"{port}:{one.configuration}.{one.number}"
                folder.mkdir(exist_ok=True)
                (folder / "authorized").write_text(default.read_text().strip() + "\n")

    def _unconfigure(self, port: str) -> None:
        for folder in (self._flat / port).glob(f"{port}:*"):
            shutil.rmtree(folder)

    def _forget(self, port: str, *, told: bool) -> None:
        attributes = self._plugged.pop(port)
        shutil.rmtree((self._flat / port).resolve(), ignore_errors=True)
        (self._flat / port).unlink()
        if told:
            self._tell("remove", port, attributes)

    def _tell(self, action: Action, port: str, attributes: Attributes) -> None:
        release = read_descriptors(attributes.raw).release
        self.events.append(
            KernelEvent(action, port, self._clock.mono_us(), attributes.vendor, attributes.product, release)
        )


def no_rights() -> OSError:
    """What a user without rights gets."""
    return PermissionError(errno.EACCES, "Permission denied")
