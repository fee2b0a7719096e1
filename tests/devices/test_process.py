"""The real process, the real udev monitor, real device data: what is plugged in is judged and kept out."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.usb.library import described
from appliance.usb.orders import RECOVERY, standing
from appliance.usb.sysfs_device import hash_of
from tests.devices.a_process import UsbBox
from tests.devices.a_room import CAMERA, HUB, KEYBOARD, OTHER_STICK, STICK
from tests.support.umock_usb import missing
from tests.support.usb_devices import place_of
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.udev, pytest.mark.skipif(bool(missing()), reason=missing() or "umockdev")]


def test_devices_that_come_while_armed_are_judged_before_any_driver_has_them(tmp_path: Path) -> None:
    """A hub and a camera are let in, stick and keyboard are not for a moment; what goes is gone."""
    with UsbBox(tmp_path) as box:
        box.start().arms()
        assert not box.machine.is_open()
        for port, name in (("1-1", HUB), ("1-1.1", CAMERA), ("1-2", STICK), ("1-3", KEYBOARD)):
            box.plug(port, name)
        for port, state in (("1-1", "in"), ("1-1.1", "in"), ("1-2", "out"), ("1-3", "out")):
            box.stands_so(port, state)
            until(lambda port=port, state=state: box.machine.is_in(port) is (state == "in"))  # type: ignore[misc]
        box.machine.unplug("1-2")
        box.stands_so("1-2", "gone")
        assert [one.port for one in box.events("unplugged")] == ["1-2"]


def test_what_is_there_is_judged_when_arming_and_let_in_when_stood_down(tmp_path: Path) -> None:
    """A stick that came in maintenance loses its drivers."""
    with UsbBox(tmp_path) as box:
        box.start()
        box.plug("1-2", STICK)
        box.stands_so("1-2", "noted")
        box.arms()
        box.stands_so("1-2", "out")
        assert not box.machine.is_in("1-2")


def test_changed_descriptors_are_judged_anew(tmp_path: Path) -> None:
    """A camera that turns into a keyboard without being unplugged is out, and it is told as a change."""
    with UsbBox(tmp_path) as box:
        box.start().arms()
        box.plug("1-1", CAMERA)
        box.stands_so("1-1", "in")
        until(lambda: box.machine.is_in("1-1"))
        box.machine.set_attribute("1-1", "descriptors", described(KEYBOARD).raw)
        box.machine.event("1-1", "change")
        box.stands_so("1-1", "out")
        assert not box.machine.is_in("1-1")
        assert [one.kind for one in box.events()] == ["plugged", "changed"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_however_it_ends_while_armed_controllers_stay_closed(tmp_path: Path, number: int) -> None:
    """What is plugged in meanwhile is inert, and judged at the next start; nothing is told twice."""
    with UsbBox(tmp_path) as box:
        box.start().arms()
        box.plug("1-1", STICK)
        box.stands_so("1-1", "out")
        assert box.end(number) == (-number if number == signal.SIGKILL else 0)
        assert not box.machine.is_open()
        box.plug("1-2", OTHER_STICK)
        box.plug("1-3", CAMERA)
        assert not box.machine.is_in("1-3")
        box.start()
        for port, state in (("1-1", "out"), ("1-2", "out"), ("1-3", "in")):
            box.stands_so(port, state)
        assert [one.port for one in box.events("plugged")] == ["1-1", "1-2", "1-3"]


def test_the_sweep_finds_what_no_event_told(tmp_path: Path) -> None:
    """A device whose event was lost is judged within a sweep, and counted as missed."""
    with UsbBox(tmp_path, sweep=0.5) as box:
        box.start().arms()
        box.plug_unseen("1-1", STICK)
        box.stands_so("1-1", "out")
        until(lambda: box.state.missed == 1, what="it is counted as missed")
        box.machine.set_attribute("1-1", "authorized", "1")
        until(lambda: not box.machine.is_in("1-1"), what="the sweep takes it out again")


def test_a_storm_loses_no_distinct_device(tmp_path: Path) -> None:
    """Eight sticks come and go 250 times as fast as can be: each is known and out, repeats are counted, not told."""
    stick = described(STICK)
    ports = [f"1-{number}" for number in range(1, 9)]
    with UsbBox(tmp_path) as box:
        for port in ports:
            box.machine.prepare(port, msgspec.structs.replace(stick, serial=f"S{port}").attributes(port))
        box.start().arms()
        said = box.machine.ask(do="storm", places=[place_of(port) for port in ports], rounds=250)
        assert said["events"] == 8 * 499
        until(lambda: sum(one.times for one in box.events("plugged")) >= 8 * 250)
        assert sorted(one.port for one in box.events("plugged")) == ports
        assert len({one.hash for one in box.events("plugged")}) == 8
        assert {box.stands(port) for port in ports} == {"out"}
        assert box.state.overruns == 0


HOSTILE = b"\x1b[31m<script>alert(1)</script>\xe2\x80\xae\xff\xfe" + b"A" * 3000


def test_hostile_words_of_a_device_are_kept_safe_to_show(tmp_path: Path) -> None:
    """Control characters, direction overrides, invalid UTF-8 and thousands of letters become plain short text."""
    attributes = msgspec.structs.replace(described(STICK).attributes("1-1"), name=HOSTILE, serial=HOSTILE)
    with UsbBox(tmp_path) as box:
        box.start().arms()
        box.machine.plug("1-1", attributes)
        box.stands_so("1-1", "out")
        (event,) = box.events("plugged")
        assert event.device is not None
        for text in (event.device.name, event.device.serial):
            assert text.isprintable()
            assert len(text) <= 126
        assert event.hash == hash_of(box.machine.sys / place_of("1-1").lstrip("/"))


def test_a_recovery_file_opens_usb_at_the_start_until_a_person_arms(tmp_path: Path) -> None:
    """An armed box that finds the file opens, says who did it, and arms again when a person says so."""
    with UsbBox(tmp_path) as box:
        box.start().arms()
        box.plug("1-1", STICK)
        box.stands_so("1-1", "out")
        box.end()
        (tmp_path / "exambox-usb-open").touch()
        box.start()
        box.stands_so("1-1", "noted")
        until(lambda: box.machine.is_in("1-1"))
        assert (box.machine.is_open(), box.state.recovery) == (True, True)
        assert [(one.kind, one.made_by) for one in standing(box.db)] == [("stand_down", RECOVERY)]
        box.arms()
        box.end(signal.SIGKILL)
        box.start()  # in the same boot the file is not asked again
        box.stands_so("1-1", "out")
