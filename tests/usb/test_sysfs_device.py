"""A device is read from its folder in sysfs (`appliance.usb.sysfs_device`)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.usb import sysfs_device
from appliance.usb.cleaning import MARK
from appliance.usb.library import described, library
from appliance.usb.model import Device
from appliance.usb.sysfs_device import Attributes, device_of, hash_of, parent_of, read_device
from tests.support.usb_devices import ROOT_HUB_RAW, description, write_sysfs

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.library import Described

READ_ALL = """
import msgspec
from pathlib import Path
from appliance.usb.sysfs_device import read_device
found = {folder.name: read_device(folder) for folder in Path("/sys/bus/usb/devices").iterdir()}
print(msgspec.json.encode({name: device for name, device in found.items() if device}).decode())
"""
USBGUARD_RULE = re.compile(
    r'allow id (\S+) serial ".*?" name ".*?" hash "(.*?)" parent-hash "(.*?)" '
    r'(?:via-port ".*?" )?with-interface (.*?) with-connect-type'
)


@pytest.fixture(scope="module")
def machine() -> dict[str, Described]:
    """Return a hub with devices below it, and others beside it."""
    below = ("stick-sandisk-ultra-fit", "keyboard-microsoft-4000", "phone-iphone", "camera-logitech-c920")
    beside = ("bluetooth-csr", "network-ax88179", "badusb-circuitpython-pico")
    ports = {f"1-1.{number}": described(name) for number, name in enumerate(below, 1)}
    return {"1-1": described("hub-genesys"), **ports, **{f"1-{n}": described(name) for n, name in enumerate(beside, 2)}}


def test_each_device_of_the_library_is_read_from_its_folder(tmp_path: Path) -> None:
    """A folder as sysfs has it gives the device with its words, interfaces and hash, whichever way it is named."""
    ports = {f"1-{number}": one for number, one in enumerate(library(), 1)}
    flat = write_sysfs(tmp_path, ports)
    for port, one in ports.items():
        device = read_device(flat / port)
        assert device == read_device((flat / port).resolve())
        assert device is not None
        assert device == msgspec.structs.replace(one.at(port), parent_hash=hash_of(flat / "usb1"))
        assert device.whole


def test_a_device_knows_the_hub_it_hangs_on(tmp_path: Path, machine: dict[str, Described]) -> None:
    """A device below a hub names the hub's port and hash, and its port's kind of connection."""
    flat = write_sysfs(tmp_path, machine)
    hub, stick, root = (read_device(flat / port) for port in ("1-1", "1-1.1", "usb1"))
    assert hub is not None
    assert stick is not None
    assert root is not None
    assert (stick.parent, stick.parent_hash, stick.connect) == ("1-1", hub.hash, "hotplug")
    assert (hub.parent, hub.parent_hash) == ("usb1", root.hash)
    assert (root.parent, root.is_root_hub, len(root.parent_hash)) == ("", True, 44)


@pytest.mark.parametrize(
    ("port", "above"),
    [("usb1", ""), ("1-1", "usb1"), ("12-3", "usb12"), ("1-1.4", "1-1"), ("1-1.4.2", "1-1.4")],
)
def test_the_hub_above_follows_from_the_port(port: str, above: str) -> None:
    """The kernel's name of a port says which hub it is on."""
    assert parent_of(port) == above


def test_what_is_no_device_or_is_gone_is_none(tmp_path: Path, machine: dict[str, Described]) -> None:
    """An interface's folder, a folder without ids and one that is gone are no devices."""
    flat = write_sysfs(tmp_path, machine)
    (flat / "1-1:1.0").mkdir()
    (flat / "1-9").mkdir()
    assert read_device(flat / "1-1:1.0") is None
    assert read_device(flat / "1-9") is None
    assert read_device(flat / "1-77") is None
    assert hash_of(flat / "1-77") == ""
    (flat / "1-2" / "idVendor").write_text("zzzz\n")
    assert read_device(flat / "1-2") is None


@pytest.mark.parametrize("follows", [True, False], ids=["another follows", "gone"])
def test_a_device_that_goes_while_it_is_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, follows: bool
) -> None:
    """What was read of two devices, or of half of one, is no device: it would look as if one had changed."""
    folder = write_sysfs(tmp_path, {"1-1": described("stick-sandisk-ultra-fit")}) / "1-1"
    assert read_device(folder) is not None
    read = sysfs_device._raw

    def raw_and_gone(place: Path) -> bytes:
        found = read(place)
        if follows:
            (place / "devnum").write_text("99\n")
        else:
            shutil.rmtree(place.resolve())
        return found

    (folder / "devnum").write_text("98\n")
    monkeypatch.setattr(sysfs_device, "_raw", raw_and_gone)
    if follows:
        number = sysfs_device._text
        seen: list[Path] = []

        def before_and_after(path: Path) -> bytes:
            seen.append(path)
            first = path.name == "devnum" and seen.count(path) == 1
            return b"98" if first else number(path)

        monkeypatch.setattr(sysfs_device, "_text", before_and_after)
    assert read_device(folder) is None


def test_hostile_words_are_cleaned_and_the_hash_is_over_the_words_as_they_came(tmp_path: Path) -> None:
    """Control characters and broken UTF-8 are not in the device; two that differ only in them differ in the hash."""
    stick = described("stick-sandisk-ultra-fit").attributes("1-1")
    one = msgspec.structs.replace(stick, name=b"\x1b[31mUltra\xff" + b"x" * 9000, serial="\u202e1234".encode())
    other = msgspec.structs.replace(one, port="1-2", serial="\u202d1234".encode())
    flat = write_sysfs(tmp_path, {"1-1": one, "1-2": other})
    first, second = read_device(flat / "1-1"), read_device(flat / "1-2")
    assert first is not None
    assert second is not None
    assert first.name.startswith(f"{MARK}[31mUltra{MARK}xxx")
    assert first.serial == second.serial == f"{MARK}1234"
    assert first.hash != second.hash


def test_a_device_whose_descriptors_and_ids_differ_is_not_whole() -> None:
    """Descriptors that name another device than the kernel does are not trusted."""
    stick = described("stick-sandisk-ultra-fit").attributes("1-1")
    assert device_of(stick).whole
    assert not device_of(msgspec.structs.replace(stick, vendor=0x046D)).whole
    assert not device_of(msgspec.structs.replace(stick, raw=b"")).whole
    assert not device_of(msgspec.structs.replace(stick, raw=stick.raw[:-1])).whole


def test_a_changed_descriptor_changes_the_hash() -> None:
    """A device that comes back with another byte in its descriptors, name or serial number is another device."""
    stick = described("stick-sandisk-ultra-fit").attributes("1-1")
    changed = bytes([*stick.raw[:-1], stick.raw[-1] ^ 1])
    others = (
        msgspec.structs.replace(stick, raw=changed),
        msgspec.structs.replace(stick, name=stick.name + b"2"),
        msgspec.structs.replace(stick, serial=b"other"),
    )
    assert len({device_of(each).hash for each in (stick, *others)}) == 4
    assert device_of(msgspec.structs.replace(stick, port="2-3")).hash == device_of(stick).hash


def test_a_controllers_hub_keeps_its_hash_over_kernels() -> None:
    """The release of a controller's own hub, which is the kernel's version, is not in its hash."""
    newer = ROOT_HUB_RAW[:12] + b"\x02\x07" + ROOT_HUB_RAW[14:]
    hubs = [Attributes(port="usb1", vendor=0x1D6B, product=2, raw=raw) for raw in (ROOT_HUB_RAW, newer)]
    assert device_of(hubs[0]).hash == device_of(hubs[1]).hash
    assert device_of(hubs[0]).release != device_of(hubs[1]).release


def test_every_device_survives_being_kept(machine: dict[str, Described]) -> None:
    """A device read passes the checks of its own type when it comes back from JSON."""
    for port, one in machine.items():
        device = one.at(port)
        assert msgspec.json.decode(msgspec.json.encode(device), type=Device) == device


@pytest.mark.udev
@pytest.mark.skipif(shutil.which("umockdev-run") is None, reason="needs umockdev (Debian: umockdev)")
def test_the_same_is_read_through_a_mocked_kernel_and_usbguard_has_the_same_hashes(
    tmp_path: Path, machine: dict[str, Described]
) -> None:
    """Through umockdev's sysfs come the same devices; where USBGuard is installed, it finds the same hashes in them."""
    file = tmp_path / "machine.umockdev"
    file.write_text(description(machine))
    mocked = ["umockdev-run", "-d", str(file), "--"]
    told = subprocess.run([*mocked, sys.executable, "-c", READ_ALL], capture_output=True, check=True, timeout=60).stdout
    read = msgspec.convert(json.loads(told), dict[str, Device])
    assert set(read) == {"usb1", *machine}
    for port, one in machine.items():
        assert msgspec.structs.replace(read[port], parent_hash="") == one.at(port)
    if shutil.which("usbguard") is None:
        return
    policy = subprocess.run([*mocked, "usbguard", "generate-policy"], capture_output=True, check=True, timeout=60)
    rules = USBGUARD_RULE.findall(policy.stdout.decode())
    assert len(rules) == len(read)
    found = {ids: said for ids, *said in rules}
    for device in read.values():
        own, above, kinds = found[device.id]
        assert (own, above) == (device.hash, device.parent_hash)
        assert sorted(kinds.strip("{} ").split()) == sorted(str(one) for one in device.interfaces)
