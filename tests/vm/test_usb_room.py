"""USB on a real kernel: what is plugged into the machine while armed is kept out, what belongs there stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vm.made_device import keyboard_with_storage
from tests.vm.usb_looks import is_out, judged, nodes, read, stands
from tests.vm.usb_room import CAMERA, camera, port_of

if TYPE_CHECKING:
    from tests.vm.usb_room import UsbRoom

pytestmark = pytest.mark.vm

NEW_DEVICES = {
    "usb-kbd": ("keyboards-and-mice", "Keyboard"),
    "usb-tablet": ("keyboards-and-mice", "Drawing tablet"),
    "usb-serial": ("", "Serial adapter"),
    "usb-audio": ("sound", "Headset or loudspeaker"),
    "usb-net": ("network", "Network adapter"),
    "usb-mtp": ("phones", "Photo camera or media player"),
}


def test_a_stick_in_maintenance_can_be_used_and_is_noted(room: UsbRoom) -> None:
    """A stick plugged in while nothing is on is a disk that can be read, and a row says what would become of it."""
    after = room.ask("last_event")
    room.plug_stick("maintenance", "hello")
    port, look = judged(room, "maintenance", "noted")
    room.until(lambda look: look["disks"], "its disk")
    assert read(room) == "hello"
    assert look["devices"][port]["rule"] == "storage"
    told = [event for event in room.look(after)["events"] if event["kind"] == "plugged"]
    assert [(event["serial"], event["mode"], event["warning"]) for event in told] == [
        ("maintenance", "maintenance", None)
    ]


def test_arming_takes_out_what_is_there_and_leaves_the_camera_alone(room: UsbRoom) -> None:
    """A stick that is plugged in and mounted is cut off when somebody arms; the camera shows on, never interrupted."""
    room.plug_stick("there", "the answers")
    room.until(lambda look: look["disks"], "its disk")
    room.run("sh", "-c", "mkdir -p /mnt/there && mount -o ro /dev/sd? /mnt/there")
    before = room.look()
    assert room.run("exambox", "usb", "arm", "--reason", "exam").startswith("USB is armed")
    port, look = judged(room, "there", "out")
    assert is_out(look, "there")
    assert look["disks"] == []
    assert "answers" not in room.run("sh", "-c", "cat /mnt/there/notes.txt; umount /mnt/there", ok=False)
    assert set(look["controllers"].values()) == {"0"}
    assert look["devices"][port]["why"] == "Rule “storage” blocks it: it has storage (08:06:50)."
    later = room.until(lambda look: look["pictures"] > before["pictures"] + 20, "pictures")
    assert later["ports"][port_of(later, CAMERA)] == before["ports"][port_of(before, CAMERA)]
    assert (later["openings"], stands(later, CAMERA)) == (before["openings"], "in")


def test_a_stick_plugged_in_while_armed_is_never_a_disk_and_the_room_is_told(armed: UsbRoom) -> None:
    """It gets no driver and no disk; the room is warned, and the status says in words what was kept out and why."""
    after, before = armed.ask("last_event"), armed.look()
    armed.plug_stick("armed", "the answers")
    port, look = judged(armed, "armed", "out")
    assert is_out(look, "armed")
    assert nodes(look) == nodes(before)
    [event] = [event for event in armed.look(after)["events"] if event["kind"] == "plugged"]
    assert (event["serial"], event["verdict"], event["rule"]) == ("armed", "block", "storage")
    told = armed.ask("warning", told=event["warning"])["subject"]
    assert (told["what"], told["port"], told["verdict"], told["state"]) == ("usb-stick", port, "block", "out")
    said = armed.run("exambox", "usb", "status")
    assert (
        f"  {port:10} USB stick, QEMU USB HARDDRIVE, port {port} (46f4:0001): kept out. Rule “storage” blocks it"
        in said
    )
    assert armed.run("dmesg").count("Attached SCSI") == armed.run("dmesg").count("Synchronizing SCSI cache")


@pytest.mark.parametrize("driver", NEW_DEVICES)
def test_what_else_is_plugged_in_while_armed_is_kept_out(armed: UsbRoom, driver: str) -> None:
    """A new keyboard, tablet, serial line, headset, network adapter or phone gives programs nothing to use."""
    before, rule = armed.look(), NEW_DEVICES[driver]
    armed.plug(driver, driver, **armed.what_hangs_on(driver))
    port, look = judged(armed, driver, "out")
    assert is_out(look, driver)
    assert nodes(look) == nodes(before)
    known = look["devices"][port]
    assert (known["verdict"], known["rule"], known["words"].partition(",")[0]) == ("block", *rule)


def test_a_hub_is_let_in_and_the_stick_on_it_is_not(armed: UsbRoom) -> None:
    """A hub plugged in while armed works, and what hangs on it is judged by itself."""
    armed.plug("usb-hub", "hub", port="7")
    port, _ = judged(armed, "hub", "in")
    armed.plug_stick("behind", "the answers", port="7.2")
    behind, look = judged(armed, "behind", "out")
    assert behind == f"{port}.2"
    assert is_out(look, "behind")
    assert look["disks"] == []


def test_a_stick_that_types_is_dropped(armed: UsbRoom) -> None:
    """A device that is storage and keyboard in one is removed by the kernel, before it was a disk or could type."""
    after, before = armed.ask("last_event"), armed.look()
    armed.plug_made("typist", keyboard_with_storage("typist"))
    look = armed.until(lambda look: len(look["events"]) == 1 and not port_of(look, "typist"), "dropped", after)
    [event] = look["events"]
    assert (event["serial"], event["verdict"], event["rule"]) == ("typist", "reject", "typing-storage")
    assert look["devices"][event["port"]]["state"] == "rejected"
    assert nodes(look) == nodes(before)


def test_a_camera_that_is_plugged_in_again_shows_again(armed: UsbRoom) -> None:
    """A loose camera that comes back while armed is let in by the policy, and shows pictures as before."""
    armed.unplug(CAMERA)
    armed.until(lambda look: not port_of(look, CAMERA) and "/dev/video0" not in look["nodes"], "the camera gone")
    before = armed.look()
    armed.plug_made(CAMERA, camera())
    port, look = judged(armed, CAMERA, "in")
    assert look["devices"][port]["verdict"] == "allow"
    after = armed.until(lambda look: look["pictures"] > before["pictures"] + 20, "pictures")
    assert after["openings"] == before["openings"] + 1
    assert len(after["ports"][port]["drivers"]) == 2
