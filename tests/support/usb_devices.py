"""Devices of the library as a kernel would show them: descriptions for umockdev, or a plain folder like sysfs.

    text = description({"1-1": described("hub-genesys"), "1-1.2": described("stick-sandisk-ultra-fit")})

The text goes to ``umockdev-run -d FILE -- …`` or ``UMockdev.Testbed.add_from_string``. `plugged` alone is one device
more, to be added while the test runs. `write_sysfs` makes folders with the same files for tests that need no udev.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.usb.descriptors import read_descriptors
from appliance.usb.sysfs_device import Attributes, parent_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from appliance.usb.library import Described
    from appliance.usb.model import Interface

USB_MAJOR = 189
MINORS_A_BUS = 128
CONTROLLER = "/devices/pci0000:00/0000:00:14.0"
ROOT_HUB_RAW = bytes.fromhex("12010002090001406b1d020001060302010109021900010100e0000904000001090000000705810304000c")
PLAIN = re.compile(rb"[ -~]*")


def place_of(port: str) -> str:
    """Return a device's place under ``/sys``: ``/devices/…/usb1/1-1/1-1.2``."""
    above = parent_of(port)
    return f"{place_of(above)}/{port}" if above else f"{CONTROLLER}/{port}"


def description(devices: Mapping[str, Described | Attributes], *, authorized: bool = True, buses: int = 1) -> str:
    """Return a whole machine: the controller, its ``buses`` root hubs, and the devices by the ports they are in."""
    parts = [
        _block(CONTROLLER, properties={"SUBSYSTEM": "pci", "PCI_CLASS": "C0330"}, attributes={"class": "0x0c0330"})
    ]
    parts += [root_hub(bus) for bus in range(1, buses + 1)]
    parts += [plugged(port, devices[port], authorized=authorized) for port in sorted(devices, key=_depth)]
    return "".join(parts)


def root_hub(bus: int = 1, *, authorized_default: str = "1") -> str:
    """Return the description of a controller's own hub."""
    attributes = Attributes(
        port=f"usb{bus}",
        vendor=0x1D6B,
        product=2,
        manufacturer=b"Linux 6.1.0 xhci-hcd",
        name=b"xHCI Host Controller",
        serial=b"0000:00:14.0",
        speed=b"480",
        raw=ROOT_HUB_RAW,
    )
    return _device(
        attributes,
        number=1,
        own={
            "authorized_default": authorized_default,
            "interface_authorized_default": "1",
            "authorized": "1",
        },
    )


def plugged(
    port: str,
    what: Described | Attributes,
    *,
    number: int = 0,
    authorized: bool = True,
    interfaces: bool | None = None,
) -> str:
    """Return the description of one device in a port; its hub must be there already.

    The kernel shows interfaces only of a device that is authorised; ``interfaces`` says otherwise.
    """
    attributes = what if isinstance(what, Attributes) else what.attributes(port)
    own = {"authorized": "1" if authorized else "0", "bConfigurationValue": "1" if authorized else "", "remove": ""}
    text = _device(attributes, number=number or _number(port), own=own)
    if authorized if interfaces is None else interfaces:
        text += "".join(_interface(port, one) for one in _first_configuration(attributes.raw))
    return text


def write_sysfs(root: Path, devices: Mapping[str, Described | Attributes], *, buses: int = 1) -> Path:
    """Write folders and files as sysfs has them; return the folder of ports (``bus/usb/devices``)."""
    flat = root / "bus" / "usb" / "devices"
    flat.mkdir(parents=True)
    for bus in range(1, buses + 1):
        _write(root, flat, f"usb{bus}", _blocks(root_hub(bus)))
    for port in sorted(devices, key=_depth):
        write_device(root, port, devices[port])
    return flat


def write_device(root: Path, port: str, what: Described | Attributes, *, authorized: bool = True) -> None:
    """Add the folder of one device more to those of `write_sysfs`, without its interfaces."""
    text = plugged(port, what, authorized=authorized, interfaces=False)
    _write(root, root / "bus" / "usb" / "devices", port, _blocks(text))


def _write(root: Path, flat: Path, port: str, attributes: Mapping[str, bytes]) -> None:
    folder = root / place_of(port).lstrip("/")
    folder.mkdir(parents=True)
    for name, value in attributes.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(value if name == "descriptors" else value + b"\n")
    (flat / port).symlink_to(folder, target_is_directory=True)


def _blocks(text: str) -> dict[str, bytes]:
    """Return the attributes of a description's only block."""
    found: dict[str, bytes] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(": ")
        name, _, value = rest.partition("=")
        if kind == "A":
            found[name] = value.encode()
        elif kind == "H":
            found[name] = bytes.fromhex(value)
    return found


def _device(attributes: Attributes, *, number: int, own: Mapping[str, str]) -> str:
    said = read_descriptors(attributes.raw)
    bus = int(re.findall(r"\d+", attributes.port)[0])
    node = f"bus/usb/{bus:03d}/{number:03d}"
    kinds = (said.cls, said.subclass, said.protocol)
    properties = {
        "BUSNUM": f"{bus:03d}",
        "DEVNAME": f"/dev/{node}",
        "DEVNUM": f"{number:03d}",
        "DEVTYPE": "usb_device",
        "MAJOR": str(USB_MAJOR),
        "MINOR": str((bus - 1) * MINORS_A_BUS + number - 1),
        "PRODUCT": f"{attributes.vendor:x}/{attributes.product:x}/{said.release:x}",
        "SUBSYSTEM": "usb",
        "TYPE": "/".join(str(kind) for kind in kinds),
    }
    files: dict[str, bytes | str] = {
        "idVendor": f"{attributes.vendor:04x}",
        "idProduct": f"{attributes.product:04x}",
        "bcdDevice": f"{said.release:04x}",
        "bDeviceClass": f"{said.cls:02x}",
        "bDeviceSubClass": f"{said.subclass:02x}",
        "bDeviceProtocol": f"{said.protocol:02x}",
        "bNumConfigurations": str(said.configurations),
        "busnum": str(bus),
        "devnum": str(number),
        "speed": attributes.speed,
        **own,
    }
    strings = {"manufacturer": attributes.manufacturer, "product": attributes.name, "serial": attributes.serial}
    files |= {name: text for name, text in strings.items() if text}
    files |= {"port/connect_type": attributes.connect} if attributes.connect else {}
    place = place_of(attributes.port)
    return _block(
        place, node=node, properties=properties, attributes=files, tail=(f"H: descriptors={attributes.raw.hex()}",)
    )


def _interface(port: str, one: Interface) -> str:
    properties = {
        "DEVTYPE": "usb_interface",
        "INTERFACE": f"{one.cls}/{one.subclass}/{one.protocol}",
        "SUBSYSTEM": "usb",
    }
    files: dict[str, bytes | str] = {
        "authorized": "1",
        "bAlternateSetting": f"{one.alternate:2d}",
        "bInterfaceClass": f"{one.cls:02x}",
        "bInterfaceSubClass": f"{one.subclass:02x}",
        "bInterfaceProtocol": f"{one.protocol:02x}",
        "bInterfaceNumber": f"{one.number:02x}",
    }
    return _block(f"{place_of(port)}/{port}:{one.configuration}.{one.number}", properties=properties, attributes=files)


def _first_configuration(raw: bytes) -> Iterable[Interface]:
    found = read_descriptors(raw).interfaces
    return [one for one in found if one.configuration == found[0].configuration and one.alternate == 0]


def _block(
    place: str,
    *,
    properties: Mapping[str, str],
    attributes: Mapping[str, bytes | str],
    node: str = "",
    tail: tuple[str, ...] = (),
) -> str:
    lines = [f"P: {place}"]
    lines += [f"N: {node}"] if node else []
    lines += [f"E: {name}={value}" for name, value in properties.items()]
    lines += [_attribute(name, value) for name, value in attributes.items()]
    return "\n".join([*lines, *tail]) + "\n\n"


def _attribute(name: str, value: bytes | str) -> str:
    """Return the line of an attribute, in hexadecimal where plain text would not come through whole."""
    content = value.encode() if isinstance(value, str) else value
    if PLAIN.fullmatch(content) and b"\\" not in content:
        return f"A: {name}={content.decode()}"
    return f"H: {name}={content.hex()}"


def _number(port: str) -> int:
    """Return a device number of its own for each port of a test."""
    number = 1
    for part in re.findall(r"\d+", port.partition("-")[2]):
        number = (number * 7 + int(part)) % (MINORS_A_BUS - 2)
    return number + 2


def _depth(port: str) -> tuple[int, str]:
    return port.count("."), port
