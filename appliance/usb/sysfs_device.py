"""Reads a USB device from its folder in sysfs, before any driver has it. Reads only, and never more than its caps."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final, get_args

import msgspec

from appliance.usb import descriptors
from appliance.usb.cleaning import clean
from appliance.usb.device_texts import TextMemory
from appliance.usb.model import Connect, Device

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PORT: Final = re.compile(r"(usb\d{1,3}|\d{1,3}-\d{1,3}(\.\d{1,3}){0,6})", re.ASCII)
"""How the kernel names a device: ``usb1`` (a root hub), ``1-1``, ``1-1.4``. An interface is ``1-1:1.0``."""

ATTRIBUTE_BYTES: Final = 4096
SPEED_CHARACTERS: Final = 16
HEX_DIGITS: Final = 4
# The Linux Foundation's root hubs carry the kernel's version as their release; it is left out of the hash.
ROOT_HUB_VENDOR: Final = 0x1D6B
ROOT_HUB_PRODUCTS: Final = frozenset({1, 2, 3})
RELEASE_AT: Final = slice(12, 14)
# What USBGuard drops from the end of an attribute.
TRAILING: Final = b"\0\n\r\t\b"

Connects: Final[Mapping[str, Connect]] = {connect: connect for connect in get_args(Connect)}


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """A device's attributes as sysfs has them: bytes of the device, not cleaned. ``raw`` are its descriptors."""

    port: str
    vendor: int
    product: int
    manufacturer: bytes = b""
    name: bytes = b""
    serial: bytes = b""
    speed: bytes = b""
    connect: bytes = b""
    raw: bytes = b""
    parent_hash: str = ""


def read_device(folder: Path) -> Device | None:
    """Return the device whose sysfs folder this is, or None where it is no device or is gone already.

    ``folder`` may be a link (``/sys/bus/usb/devices/1-1``) or the place itself. The device's words are cleaned;
    whatever its descriptors are, a device comes back, with ``whole`` false where they cannot be trusted.
    """
    attributes = read_attributes(folder)
    return device_of(attributes) if attributes else None


def read_attributes(folder: Path) -> Attributes | None:
    """Return a device's attributes as they stand in its sysfs folder; None where it is no device or is gone.

    One that goes, or is followed by another, while it is read counts as gone: what was read by then is of no device.
    """
    vendor, product = _hex(folder / "idVendor"), _hex(folder / "idProduct")
    if not PORT.fullmatch(folder.name) or vendor is None or product is None:
        return None
    raw, number = _raw(folder), _text(folder / "devnum")
    texts = _TEXTS.texts_of(folder, number, (vendor, product, raw))
    found = Attributes(
        port=folder.name,
        vendor=vendor,
        product=product,
        manufacturer=texts.manufacturer,
        name=texts.name,
        serial=texts.serial,
        speed=_text(folder / "speed"),
        connect=_text(folder / "port" / "connect_type"),
        raw=raw,
        parent_hash=_parent_hash(folder),
    )
    is_there = (_hex(folder / "idVendor"), _text(folder / "devnum")) == (vendor, number)
    return found if is_there else None


def device_of(attributes: Attributes) -> Device:
    """Return the device these attributes describe, safe to show, judged whole only where all of it agrees."""
    said = descriptors.read_descriptors(attributes.raw)
    return Device(
        port=attributes.port,
        parent=parent_of(attributes.port),
        vendor=attributes.vendor,
        product=attributes.product,
        release=said.release,
        cls=said.cls,
        subclass=said.subclass,
        protocol=said.protocol,
        serial=clean(attributes.serial),
        manufacturer=clean(attributes.manufacturer),
        name=clean(attributes.name),
        interfaces=said.interfaces,
        connect=Connects.get(attributes.connect.decode("ascii", "replace"), "unknown"),
        hash=_hash(attributes.vendor, attributes.product, attributes.name, attributes.serial, attributes.raw),
        parent_hash=attributes.parent_hash,
        speed=clean(attributes.speed)[:SPEED_CHARACTERS],
        whole=said.whole and (said.vendor, said.product) == (attributes.vendor, attributes.product),
    )


def parent_of(port: str) -> str:
    """Return the port of the hub above: ``1-1.4`` hangs on ``1-1``, ``1-1`` on ``usb1``, a root hub on nothing."""
    if port.startswith("usb"):
        return ""
    above, dot, _ = port.rpartition(".")
    return above if dot else f"usb{port.partition('-')[0]}"


def hash_of(folder: Path) -> str:
    """Return the hash of the device in this sysfs folder; empty where it is gone."""
    vendor, product = _hex(folder / "idVendor"), _hex(folder / "idProduct")
    if vendor is None or product is None:
        return ""
    raw = _raw(folder)
    texts = _TEXTS.texts_of(folder, _text(folder / "devnum"), (vendor, product, raw))
    return _hash(vendor, product, texts.name, texts.serial, raw)


def _hash(vendor: int, product: int, name: bytes, serial: bytes, raw: bytes) -> str:
    """Hash as USBGuard does: SHA-256 in base64 over name, ids, serial (not cleaned) and raw descriptors."""
    if vendor == ROOT_HUB_VENDOR and product in ROOT_HUB_PRODUCTS and len(raw) >= descriptors.DEVICE_BYTES:
        raw = raw[: RELEASE_AT.start] + b"\0\0" + raw[RELEASE_AT.stop :]
    content = b"".join((name, f"{vendor:04x}{product:04x}".encode(), serial, raw))
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _parent_hash(folder: Path) -> str:
    """Return the hash of the hub above, or of the controller's path where the device is a root hub."""
    try:
        above = folder.resolve().parent
    except OSError:
        return ""
    if not folder.name.startswith("usb"):
        beside = folder.parent / parent_of(folder.name)
        return hash_of(above if above.name == beside.name else beside)
    place = re.search(r"/devices/.+", str(above))
    return base64.b64encode(hashlib.sha256((place[0] if place else "").encode()).digest()).decode()


def _bytes(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return None


def _raw(folder: Path) -> bytes:
    return _bytes(folder / "descriptors", descriptors.READ_AT_MOST + 1) or b""


def _text(path: Path) -> bytes:
    return (_bytes(path, ATTRIBUTE_BYTES) or b"").rstrip(TRAILING)


def _hex(path: Path) -> int | None:
    text = _text(path)
    if len(text) != HEX_DIGITS or not re.fullmatch(rb"[0-9a-fA-F]+", text):
        return None
    return int(text, 16)


_TEXTS: Final = TextMemory(_text)
