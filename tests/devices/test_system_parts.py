"""What the system hangs on is found, however it hangs, and stays in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.devices.guard import SystemParts
from tests.devices.a_room import STICK, Room

if TYPE_CHECKING:
    from pathlib import Path

USB = "sys/devices/pci0000:00/usb2/2-1/2-1.4"


class FakeSystem:
    """``/proc`` and ``/sys`` of a machine whose parts hang on USB."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/net").mkdir()
        self.write("proc/self/mountinfo", "")

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def link(self, path: str, target: str) -> None:
        """Make a link inside the root."""
        (self.root / target).mkdir(parents=True, exist_ok=True)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).symlink_to(self.root / target)

    def mount(self, point: str, number: str, source: str = "/dev/root") -> None:
        """Mount a file system."""
        known = (self.root / "proc/self/mountinfo").read_text()
        self.write("proc/self/mountinfo", f"{known}22 1 {number} / {point} rw,relatime shared:1 - ext4 {source} rw\n")

    def ports(self, state_dir: str = "/var/lib/exambox") -> frozenset[str]:
        """Return what is found."""
        from pathlib import Path

        return SystemParts(Path(state_dir), self.root).ports()


def test_a_root_disk_on_usb_is_found_with_the_hubs_above_it(tmp_path: Path) -> None:
    """By the number of the mounted file system."""
    system = FakeSystem(tmp_path)
    system.mount("/", "8:2")
    system.link("sys/dev/block/8:2", f"{USB}/2-1.4:1.0/host0/block/sda/sda2")
    assert system.ports() == {"2-1", "2-1.4"}


def test_a_disk_below_device_mapper_is_found(tmp_path: Path) -> None:
    """An encrypted disk for the recordings, mounted at the state folder alone."""
    system = FakeSystem(tmp_path)
    system.mount("/", "179:2")
    system.mount("/var/lib/exambox", "253:0", "/dev/mapper/vault")
    system.mount("/media/stick", "8:17")
    system.link("sys/dev/block/253:0", "sys/devices/virtual/block/dm-0")
    system.link("sys/devices/virtual/block/dm-0/slaves/sda1", f"{USB}/2-1.4:1.0/host0/block/sda/sda1")
    system.link("sys/dev/block/8:17", "sys/devices/pci0000:00/usb1/1-3/1-3:1.0/host1/block/sdb/sdb1")
    assert system.ports() == {"2-1", "2-1.4"}


def test_a_file_system_over_several_disks_and_swap_are_found_by_name(tmp_path: Path) -> None:
    """Btrfs has a number of no disk; swap is no mount."""
    system = FakeSystem(tmp_path)
    system.mount("/", "0:31", "/dev/sda2")
    system.link("sys/class/block/sda2", f"{USB}/2-1.4:1.0/host0/block/sda/sda2")
    system.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n")
    system.link("sys/class/block/sdb1", "sys/devices/pci0000:00/usb1/1-3/1-3:1.0/host1/block/sdb/sdb1")
    assert system.ports() == {"2-1", "2-1.4", "1-3"}


def test_the_adapter_of_the_default_route_is_found_through_a_bridge(tmp_path: Path) -> None:
    """And no other adapter."""
    system = FakeSystem(tmp_path)
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    system.write(
        "proc/net/route",
        f"{head}br0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\neth1 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n",
    )
    system.link("sys/class/net/br0/lower_eth0", "sys/class/net/eth0")
    system.link("sys/class/net/eth0/device", f"{USB}/2-1.4:1.0")
    system.link("sys/class/net/eth1/device", "sys/devices/pci0000:00/usb1/1-3/1-3:1.0")
    assert system.ports() == {"2-1", "2-1.4"}


def test_an_adapter_that_is_reached_by_ipv6_alone_is_found(tmp_path: Path) -> None:
    """The default route of IPv6 counts too."""
    system = FakeSystem(tmp_path)
    zeros = "0" * 32
    line = f"{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003 wlan0\n"
    system.write("proc/net/ipv6_route", line)
    system.link("sys/class/net/wlan0/device", f"{USB}/2-1.4:1.0")
    assert system.ports() == {"2-1", "2-1.4"}


def test_where_nothing_can_be_read_nothing_is_guarded(tmp_path: Path) -> None:
    """A missing or wrong file is no failure."""
    system = FakeSystem(tmp_path)
    system.write("proc/self/mountinfo", "no mount\n\n22 1\n")
    system.write("proc/net/route", "x\ny z\n")
    assert system.ports() == frozenset()


def test_the_systems_own_disk_stays_in_when_armed_and_that_is_told(room: Room) -> None:
    """It would be blocked; it stays, nobody is warned, and the state names its port."""
    system = FakeSystem(room.system)
    system.mount("/", "8:2")
    system.link("sys/dev/block/8:2", "sys/devices/pci0000:00/usb1/1-1/1-1:1.0/host0/block/sda/sda2")
    room.start()
    room.plug("1-1", STICK)
    room.begins()
    assert (room.kernel.is_in("1-1"), room.stands("1-1")) == (True, "in")
    assert "system" in room.at("1-1").problem
    assert room.state.guarded == ("1-1",)
    assert room.warnings == []
    room.plug("1-2", STICK)
    assert room.stands("1-2") == "out"
