"""Real devices as people bring them, each with what the default exam policy is expected to say of it.

One file a device in ``library/``. The facts are from public sources (``source``); serial numbers are replaced, since
the devices belong to somebody. ``exact`` says that the descriptors are the device's own bytes. Where they are not, they
were made from a readable dump: every configuration, interface, alternate setting and endpoint, but class-specific
descriptors (audio, video, smart card, CDC) may be left out, and lengths fit what is there; ``note`` says more.

To add a device: take the attributes from ``/sys/bus/usb/devices/<port>/``, and ``descriptors`` with ``xxd -p -c0``.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from appliance.usb.model import Verdict
from appliance.usb.sysfs_device import Attributes, device_of
from appliance.usb.words import Kind

if TYPE_CHECKING:
    from appliance.usb.model import Device


class Described(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A real device. ``verdict`` and ``why``: what the default exam policy is expected to say while armed, and why.

    ``interfaces`` are class:subclass:protocol in the order the source has them, taken from there and not from
    ``descriptors``, so that the one is a test of the other. ``kind`` is what it is to be called.
    """

    id: str = ""
    title: str
    kind: Kind
    verdict: Verdict
    why: str
    source: str
    vendor: str
    product: str
    descriptors: str
    interfaces: tuple[str, ...]
    speed: str
    exact: bool
    manufacturer: str = ""
    name: str = ""
    serial: str = ""
    note: str = ""

    @property
    def raw(self) -> bytes:
        """Return its descriptors as sysfs has them."""
        return bytes.fromhex(self.descriptors)

    @property
    def expected(self) -> Verdict:
        """Return ``verdict``."""
        return self.verdict

    @property
    def device(self) -> Device:
        """Return it as plugged in at the first port of the first controller."""
        return self.at("1-1")

    def at(self, port: str) -> Device:
        """Return it as plugged in at that port."""
        return device_of(self.attributes(port))

    def attributes(self, port: str, *, parent_hash: str = "") -> Attributes:
        """Return what sysfs would say of it at that port."""
        return Attributes(
            port=port,
            vendor=int(self.vendor, 16),
            product=int(self.product, 16),
            manufacturer=self.manufacturer.encode(),
            name=self.name.encode(),
            serial=self.serial.encode(),
            speed=self.speed.encode(),
            connect=b"hotplug",
            raw=self.raw,
            parent_hash=parent_hash,
        )


@functools.cache
def library() -> tuple[Described, ...]:
    """Return all devices of the library, in the order of their ids."""
    folder = resources.files("appliance.usb") / "library"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    return tuple(_read(name.removesuffix(".json"), (folder / name).read_bytes()) for name in names)


def described(device_id: str) -> Described:
    """Return the one of that id.

    Raises:
        KeyError: there is none.
    """
    for one in library():
        if one.id == device_id:
            return one
    raise KeyError(device_id)


def _read(device_id: str, content: bytes) -> Described:
    return msgspec.structs.replace(msgspec.json.decode(content, type=Described), id=device_id)
