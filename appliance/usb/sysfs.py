"""What the kernel lets us see and say of USB in sysfs: controllers, devices, and who may be used.

The attributes are those of Documentation/usb/authorization.rst and Documentation/ABI/*/sysfs-bus-usb: a root hub's
``authorized_default`` (0: a new device at it gets no configuration, so no driver can bind) and
``interface_authorized_default``, a device's ``authorized`` and ``remove``, an interface's ``authorized``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from appliance.errors import ApplianceError
from appliance.usb.devices_rows import port_order
from appliance.usb.sysfs_device import PORT, read_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.usb.model import Device

SYSFS: Final = Path("/sys/bus/usb")
_ROOT_HUB: Final = re.compile(r"usb\d{1,3}", re.ASCII)
_RIGHTS: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_GONE: Final = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR})
_MOST_BYTES: Final = 256
Reason = Literal["gone", "rights", "failed"]


class SysfsError(ApplianceError):
    """The kernel could not be told; ``reason``: the thing is gone, this user may not, or the kernel refused."""

    code = "usb.sysfs"
    status = 502

    def __init__(self, message: str, *, reason: Reason, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class UsbBus:
    """USB as sysfs has it; every call is a look or a write of its own, nothing is remembered.

    Args:
        root: ``/sys/bus/usb``.
        write: writes an attribute; raises OSError as the kernel does.
    """

    def __init__(self, root: Path = SYSFS, *, write: Callable[[Path, str], None] | None = None) -> None:
        self._root = root
        self._write_attribute = write or write_attribute

    @property
    def exists(self) -> bool:
        """Whether this machine has USB at all."""
        return (self._root / "devices").is_dir()

    def controllers(self) -> tuple[str, ...]:
        """Return the root hubs, in order."""
        return tuple(name for name in self._names() if _ROOT_HUB.fullmatch(name))

    def ports(self) -> tuple[str, ...]:
        """Return where devices are plugged in, hubs before what hangs on them; without root hubs."""
        return tuple(name for name in self._names() if not _ROOT_HUB.fullmatch(name))

    def read(self, port: str) -> Device | None:
        """Return the device at a port, None where there is none."""
        return read_device(self.folder(port)) if PORT.fullmatch(port) else None

    def folder(self, port: str) -> Path:
        """Return a device's folder; it may be a link."""
        return self._root / "devices" / port

    def is_open(self, controller: str) -> bool | None:
        """Return whether new devices at a root hub are let in by the kernel at once; None where it cannot be asked.

        2 (only those at internal ports) counts as open: a person can reach some of them.
        """
        said = self._say(self.folder(controller) / "authorized_default")
        return None if said is None else said != "0"

    def set_open(self, controller: str, *, open: bool) -> None:  # noqa: A002  the word of the thing
        """Say whether new devices at a root hub are let in by the kernel at once.

        Raises:
            SysfsError: the kernel could not be told.
        """
        self._write(self.folder(controller) / "authorized_default", "1" if open else "0")

    def mend(self, controller: str) -> None:
        """Put a root hub's default for interfaces back, where a kill while a device was let in partly left it closed.

        Raises:
            SysfsError: the kernel could not be told.
        """
        default = self.folder(controller) / "interface_authorized_default"
        if self._say(default) == "0":
            self._write(default, "1")

    def may_write(self, controller: str) -> bool:
        """Return whether this process may tell a root hub anything; nothing is changed."""
        path = self.folder(controller) / "authorized_default"
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError:
            return False
        return True

    def is_in(self, port: str) -> bool | None:
        """Return whether the device at a port is authorised, None where there is none (or it cannot be asked)."""
        said = self._say(self.folder(port) / "authorized")
        return None if said is None else said != "0"

    def take_in(self, port: str) -> None:
        """Authorise a device with all its interfaces; the kernel configures it and finds drivers.

        Raises:
            SysfsError: the kernel could not be told.
        """
        if self.is_in(port) is False:
            self._write(self.folder(port) / "authorized", "1")
        self._set_interfaces(port, None)

    def take_in_partly(self, port: str, interfaces: tuple[int, ...]) -> None:
        """Authorise a device with only some of its interfaces (their numbers); the others get no driver at any moment.

        Raises:
            SysfsError: the kernel could not be told.
        """
        if self.is_in(port) is False:
            default = self.folder(f"usb{port.partition('-')[0]}") / "interface_authorized_default"
            self._write(default, "0")
            try:
                self._write(self.folder(port) / "authorized", "1")
            finally:
                self._write(default, "1")  # the kernel's own; one that was left at 0 by a kill is mended with it
        self._set_interfaces(port, interfaces)

    def interfaces_in(self, port: str) -> dict[int, bool]:
        """Return the numbers of a configured device's interfaces, and whether each is authorised."""
        found = {number: self._say(folder / "authorized") for number, folder in self._interfaces(port)}
        return {number: said != "0" for number, said in found.items()}

    def take_out(self, port: str) -> None:
        """De-authorise a device: its drivers let go of it, and it stays where it is.

        Raises:
            SysfsError: the kernel could not be told.
        """
        self._write(self.folder(port) / "authorized", "0")

    def drop(self, port: str) -> None:
        """Have the kernel forget a device until it is plugged in again.

        Raises:
            SysfsError: the kernel could not be told.
        """
        if self.is_in(port):
            self.take_out(port)  # drivers let go of it even where the port cannot be switched off
        self._write(self.folder(port) / "remove", "1")

    def peers(self) -> dict[str, str]:
        """Return ports that are one socket under two names (the second of USB 3), each by the other.

        The kernel knows this of root hubs' ports and of hubs' (``peer`` links of ``usb1-port1``).
        """
        found = {}
        for hub in (*self.controllers(), *self.ports()):
            with contextlib.suppress(OSError):
                for folder in (self.folder(hub) / f"{_first_interface(hub)}").glob("*-port*"):
                    peer = folder / "peer"
                    here, there = _port_of(folder.name), peer.exists() and _port_of(peer.resolve().name)
                    if here and there:
                        found[here] = there
        return found

    def _names(self) -> list[str]:
        try:
            names = [one.name for one in (self._root / "devices").iterdir() if PORT.fullmatch(one.name)]
        except OSError:
            return []
        return sorted(names, key=port_order)

    def _interfaces(self, port: str) -> list[tuple[int, Path]]:
        """Return the interfaces of the present configuration: number and folder."""
        found = []
        with contextlib.suppress(OSError):
            for folder in self.folder(port).iterdir():
                said = re.fullmatch(rf"{re.escape(port)}:\d{{1,3}}\.(\d{{1,3}})", folder.name, re.ASCII)
                if said:
                    found.append((int(said[1]), folder))
        return sorted(found)

    def _set_interfaces(self, port: str, wanted: tuple[int, ...] | None) -> None:
        """Authorise these interfaces (None: all) and no others; drivers are looked for once all are set."""
        fresh = []
        for number, folder in self._interfaces(port):
            said, let_in = self._say(folder / "authorized"), wanted is None or number in wanted
            if said is None or (said != "0") == let_in:
                continue
            self._write(folder / "authorized", "1" if let_in else "0")
            if let_in:
                fresh.append(folder.name)
        for name in fresh:
            # A driver that does not want it is no fault of ours: the interface is authorised all the same.
            with contextlib.suppress(SysfsError):
                self._write(self._root / "drivers_probe", name)

    def _say(self, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                return file.read(_MOST_BYTES).decode("ascii", "replace").strip()
        except OSError:
            return None

    def _write(self, path: Path, value: str) -> None:
        try:
            self._write_attribute(path, value)
        except OSError as problem:
            raise _refused(path, problem) from problem


def write_attribute(path: Path, value: str) -> None:
    """Write an attribute of sysfs in one call, as the kernel wants it; one that is not there is never made.

    Raises:
        OSError: the kernel refuses.
    """
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, value.encode())
    finally:
        os.close(file)


def _refused(path: Path, problem: OSError) -> SysfsError:
    name = f"{path.parent.name}/{path.name}"
    if problem.errno in _RIGHTS:
        hint = "The devices process needs the rights its unit gives it; a trial box has them only as root."
        return SysfsError(f"The kernel may not be told about USB by this user ({name}).", reason="rights", hint=hint)
    if problem.errno in _GONE:
        return SysfsError(f"The USB device is gone ({name}).", reason="gone")
    said = problem.strerror or str(problem)
    return SysfsError(f"The kernel refused ({name}: {said}).", reason="failed", hint="It is tried again.")


def _first_interface(hub: str) -> str:
    return f"{hub.removeprefix('usb')}-0:1.0" if hub.startswith("usb") else f"{hub}:1.0"


def _port_of(name: str) -> str:
    """Return the device's name at a port: ``usb1-port2`` is where ``1-2`` is plugged in, ``1-2-port3`` ``1-2.3``."""
    hub, _, number = name.rpartition("-port")
    if not number.isdigit():
        return ""
    return f"{hub.removeprefix('usb')}-{number}" if hub.startswith("usb") else f"{hub}.{number}"
