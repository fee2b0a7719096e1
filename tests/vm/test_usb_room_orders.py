"""USB on a real kernel: what people and sittings order, and what nobody can take out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.vm.usb_looks import UNIT, is_out, judged, read, stands
from tests.vm.usb_room import KEYBOARD, port_of

if TYPE_CHECKING:
    from tests.vm.usb_room import UsbRoom

pytestmark = pytest.mark.vm


def test_the_rooms_own_keyboard_works_on_and_comes_back_once_it_is_confirmed(armed: UsbRoom) -> None:
    """What was there at the first start stays in when armed; confirmed, it is let in when it is plugged in anew."""
    port, look = judged(armed, KEYBOARD, "in")
    known = look["devices"][port]["rule"]
    listed = armed.run("exambox", "usb", "confirm")
    assert f"  {port:10} Keyboard, QEMU USB Keyboard, port {port} (0627:0001)" in listed
    if known == "not-confirmed":
        assert "proposed" in listed
        assert armed.run("exambox", "usb", "confirm", "--all").strip().endswith("confirmed.")
    armed.until(lambda look: look["devices"][port]["rule"] == "confirmed", "confirmed")
    assert "QEMU QEMU USB Keyboard" in str(armed.look()["inputs"])
    armed.unplug(KEYBOARD)
    armed.until(lambda look: "USB Keyboard" not in str(look["inputs"]), "the keyboard gone")
    armed.plug("usb-kbd", KEYBOARD)
    armed.until(lambda look: stands(look, KEYBOARD) == "in" and "USB Keyboard" in str(look["inputs"]), "it works")


def test_a_sitting_arms_and_its_warning_says_what_was_plugged_in(room: UsbRoom) -> None:
    """From a sitting's readiness check until it is over USB is armed, and the warning belongs to that sitting."""
    room.ask("begin_sitting")
    look = room.until_mode("armed")
    sitting = look["state"]["sitting"]
    assert sitting
    room.plug_stick("sitting")
    judged(room, "sitting", "out")
    [told] = room.ask("warnings")
    assert told["sitting"] == sitting
    assert (told["subject"]["what"], told["warning"]["kind"]) == ("usb-stick", "forbidden_device")
    room.ask("call_sitting_off")
    room.until_mode("maintenance")
    room.until(lambda look: look["disks"], "its disk")


def test_one_stick_is_let_in_by_a_person_and_out_again(armed: UsbRoom) -> None:
    """A stick let in at its port works while another of the same make stays out; it is cut off when that ends."""
    armed.plug_stick("wanted", "for the exam")
    armed.plug_stick("other", "the answers")
    port, _ = judged(armed, "wanted", "out")
    judged(armed, "other", "out")
    assert armed.run("exambox", "usb", "let-in", port, "--reason", "listening exam").startswith(f"Let in at {port}")
    _, look = judged(armed, "wanted", "in")
    look = armed.until(lambda look: look["disks"], "its disk")
    assert (len(look["disks"]), is_out(look, "other")) == (1, True)
    assert read(armed) == "for the exam"
    orders = json.loads(armed.run("exambox", "usb", "status", "--json"))["orders"]
    [order] = [one["id"] for one in orders if one["kind"] == "let_in"]
    armed.run("exambox", "usb", "end", str(order))
    _, look = judged(armed, "wanted", "out")
    assert (look["disks"], is_out(look, "wanted")) == ([], True)


def test_a_stick_for_export_is_let_in_for_minutes(armed: UsbRoom) -> None:
    """A named stick can be written to until its time is over, nothing else; then it is cut off by itself."""
    armed.plug_stick("office", "empty")
    port, _ = judged(armed, "office", "out")
    armed.run("exambox", "usb", "export", port, "--minutes", "30", "--reason", "to the office")
    judged(armed, "office", "in")
    look = armed.until(lambda look: look["disks"], "its disk")
    assert look["state"]["mode"] == "export"
    assert read(armed, "; echo results > /mnt/stick/out.txt; cat /mnt/stick/out.txt") == "emptyresults\n"
    armed.plug("usb-kbd", "other")
    judged(armed, "other", "out")
    armed.run("date", "--set", "+30 min")
    _, look = judged(armed, "office", "out")
    assert (look["disks"], is_out(look, "office")) == ([], True)
    armed.until_mode("armed")


def test_standing_down_opens_usb_and_arming_closes_it(armed: UsbRoom) -> None:
    """A person who stands USB down lets what was kept out in again; arming takes it out once more."""
    armed.plug_stick("kept", "hello")
    judged(armed, "kept", "out")
    armed.run("exambox", "usb", "stand-down", "--reason", "the box's keyboard is replaced")
    look = armed.until_mode("maintenance")
    assert look["state"]["why"] == "stood_down"
    look = armed.until(lambda look: look["disks"], "its disk")
    assert set(look["controllers"].values()) == {"1"}
    assert read(armed) == "hello"
    armed.run("exambox", "usb", "arm")
    _, look = judged(armed, "kept", "out")
    assert look["disks"] == []


def test_the_disk_of_the_recordings_and_the_way_to_the_box_are_never_taken_out(room: UsbRoom) -> None:
    """A USB disk mounted for the recordings and the USB adapter of the default route stay in, and are named."""
    room.plug_stick("disk")
    room.plug("usb-net", "adapter", **room.what_hangs_on("usb-net"))
    look = room.until(lambda look: look["disks"] and len(look["networks"]) == 2, "disk and adapter")
    [adapter] = set(look["networks"]) - {"lo"}
    way = f"ip link set {adapter} up; ip addr add 10.0.2.15/24 dev {adapter}; ip route add default via 10.0.2.2"
    room.run("sh", "-ec", f"mount /dev/sd? /var/lib/exambox/vault; {way}")
    room.run("systemctl", "restart", UNIT)  # its sandbox is made anew, as after a start of the machine
    try:
        room.ask("arm")
        look = room.until_mode("armed")
        ports = {port_of(look, "disk"), port_of(look, "adapter")}
        assert set(look["state"]["guarded"]) == ports
        look = room.until(
            lambda look: {look["devices"][port]["problem"][:12] for port in ports} == {"It stays in:"}, "told"
        )
        assert all(look["ports"][port]["authorized"] == "1" for port in ports)
        room.run("sh", "-ec", "echo recorded > /var/lib/exambox/vault/part; sync; ip route get 10.0.2.2")
        room.plug_stick("another")
        judged(room, "another", "out")
    finally:
        room.run("sh", "-c", "umount /var/lib/exambox/vault; ip route del default")
