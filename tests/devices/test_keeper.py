"""What is kept out and let in, in every mode, and what is told of it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.sittings.warnings import get_warning
from appliance.usb.library import described
from appliance.usb.orders import arm, end_order, export, let_in, stand_down, standing
from appliance.usb.ports import name_port
from appliance.usb.seen import awaits_confirmation, confirm, proposed
from tests.devices.a_room import CAMERA, HUB, KEYBOARD, OTHER_STICK, STICK, Room
from tests.devices.fake_kernel import no_rights

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings


def armed(room: Room) -> Room:
    """Start with nothing plugged in, and let the sitting begin."""
    room.start()
    room.begins()
    assert not room.kernel.is_open()
    return room


def test_in_maintenance_a_stick_is_noted_and_stays_in(room: Room) -> None:
    """Without a sitting a new device is let in by the kernel, judged, and nobody is warned."""
    room.start()
    room.plug("1-1", STICK)
    assert (room.kernel.is_in("1-1"), room.stands("1-1")) == (True, "noted")
    assert [one.kind for one in room.events()] == ["plugged"]
    assert room.warnings == []
    assert room.state.mode == "maintenance"


def test_a_stick_plugged_while_armed_never_gets_a_driver(room: Room) -> None:
    """It is not authorised for a moment, the room is warned once, and the log has it."""
    armed(room)
    room.plug("1-1", STICK)
    assert room.stands("1-1") == "out"
    assert [value for name, value in room.kernel.written if name == "1-1/authorized"] == []
    assert not room.kernel.is_in("1-1")
    (warning,) = room.warnings
    assert warning.warning.kind == "forbidden_device"
    assert (warning.subject["what"], warning.subject["port"]) == ("usb-stick", "1-1")
    assert (warning.subject["verdict"], warning.subject["state"]) == ("block", "out")
    assert "usb.device_kept_out" in room.actions()
    assert room.events("plugged")[0].warning == warning.number


def test_what_the_policy_allows_is_let_in_while_armed(room: Room) -> None:
    """A camera is authorised, and nobody is warned."""
    armed(room)
    room.plug("1-2", CAMERA)
    assert (room.kernel.is_in("1-2"), room.stands("1-2")) == (True, "in")
    assert room.warnings == []


def test_devices_behind_a_hub_are_judged_one_by_one(room: Room) -> None:
    """The hub and the camera are in, the stick between them is out."""
    armed(room)
    for port, name in (("1-1", HUB), ("1-1.1", CAMERA), ("1-1.2", STICK)):
        room.plug(port, name)
    assert [room.stands(port) for port in ("1-1", "1-1.1", "1-1.2")] == ["in", "in", "out"]


def test_arming_judges_what_is_there_already(room: Room) -> None:
    """A stick that was plugged in before loses its drivers when the sitting begins, and the room hears of it."""
    room.start()
    room.plug("1-1", STICK)
    room.begins()
    assert (room.kernel.is_in("1-1"), room.stands("1-1")) == (False, "out")
    (warning,) = room.warnings
    assert warning.subject["event"] == "decided"


def test_controllers_close_before_devices_are_judged(room: Room) -> None:
    """When arming, the first thing written closes the controller to new devices."""
    room.start()
    room.plug("1-1", STICK)
    room.kernel.written.clear()
    room.begins()
    assert room.kernel.written[0] == ("usb1/authorized_default", "0")


def test_closing_the_sitting_opens_usb_again(room: Room) -> None:
    """What was kept out is let in, and new devices are let in by the kernel."""
    room.start()
    room.plug("1-1", STICK)
    room.the_day_comes()
    room.sittings.writes("1")
    room.round()
    assert not room.kernel.is_in("1-1")
    room.sittings.does("finish", "1")
    room.sittings.closes()
    room.round()
    assert room.kernel.is_open()
    assert (room.kernel.is_in("1-1"), room.stands("1-1")) == (True, "noted")
    assert room.actions().count("usb.mode_changed") == 3  # at the start, armed, open again


def test_a_planned_sitting_arms_from_its_lead_on(room: Room) -> None:
    """The time alone arms, without anybody doing anything."""
    with write(room.db):
        room.db.conn.execute("UPDATE sitting SET lead_us = ?", (600 * SECOND_US,))
    room.start()
    start = room.db.conn.execute("SELECT start_us FROM sitting").fetchone()[0]
    room.clock.advance((start - room.clock.wall_us()) / SECOND_US - 601)
    room.round()
    assert room.state.mode == "maintenance"
    room.clock.advance(1)
    room.round()
    assert (room.state.mode, room.state.why, room.state.sitting) == ("armed", "sitting", "monday")


def test_at_the_first_start_what_is_there_is_proposed_and_stays_in(room: Room) -> None:
    """Nobody is locked out: the keyboard stays in when armed, a second one does not."""
    room.kernel.plug("1-1", described(KEYBOARD))
    room.start()
    assert [one.device.port for one in proposed(room.db)] == ["1-1"]
    assert room.state.unconfirmed
    room.begins()
    assert (room.kernel.is_in("1-1"), room.at("1-1").decision.rule) == (True, "not-confirmed")
    room.plug("1-2", "keyboard-corsair-k95")
    assert room.stands("1-2") == "out"


def test_after_confirming_only_confirmed_devices_stay_in(room: Room) -> None:
    """Of two devices that were there the confirmed one is let in, the other judged by the policy."""
    room.kernel.plug("1-1", described(KEYBOARD))
    room.kernel.plug("1-2", described(STICK))
    room.start()
    room.begins()
    assert room.stands("1-2") == "in"
    keyboard = room.at("1-1").device.hash
    assert confirm(room.db, [keyboard], who="Ida", clock=room.clock) == 1
    room.round()
    assert (room.stands("1-1"), room.at("1-1").decision.rule) == ("in", "confirmed")
    assert (room.stands("1-2"), room.kernel.is_in("1-2")) == ("out", False)
    assert not awaits_confirmation(room.db)
    assert not room.state.unconfirmed


def test_a_second_start_proposes_nothing(room: Room) -> None:
    """What is plugged in later is no part of the proposal."""
    room.start()
    room.plug("1-1", STICK)
    room.restart()
    assert proposed(room.db) == ()


def test_standing_down_opens_usb_while_a_sitting_runs(room: Room) -> None:
    """Stood down, nothing is kept out, and arming again keeps out what is there."""
    armed(room)
    room.plug("1-1", STICK)
    stand_down(room.db, who="Ida", why="new keyboard", clock=room.clock, sitting="monday")
    room.round()
    assert (room.kernel.is_in("1-1"), room.kernel.is_open()) == (True, True)
    assert (room.state.why, room.state.sitting) == ("stood_down", "monday")
    arm(room.db, who="Ida", clock=room.clock)
    room.round()
    assert (room.kernel.is_in("1-1"), room.kernel.is_open()) == (False, False)


def test_one_device_is_let_in_by_a_person_at_its_port(room: Room) -> None:
    """The same stick at another port stays out, and ending it takes the stick out again."""
    armed(room)
    room.plug("1-1", STICK)
    order = let_in(
        room.db, room.at("1-1").device, words="stick", who="Ida", why="paper", clock=room.clock, sitting="monday"
    )
    room.round()
    assert (room.stands("1-1"), room.at("1-1").decision.rule) == ("in", "let-in")
    room.plug("1-2", STICK)
    assert room.stands("1-2") == "out"
    end_order(room.db, order.id, who="Ida", clock=room.clock)
    room.round()
    assert (room.stands("1-1"), room.kernel.is_in("1-1")) == ("out", False)


def test_an_export_is_over_by_itself_also_where_the_clock_is_set_back(room: Room) -> None:
    """One named stick is let in for minutes; its end is kept whatever the wall clock does."""
    room.start()
    room.plug("1-1", OTHER_STICK)
    until_us = room.clock.wall_us() + 600 * SECOND_US
    export(room.db, room.at("1-1").device, words="stick", who="Ida", why="marks", until_us=until_us, clock=room.clock)
    room.round()
    assert (room.state.mode, room.kernel.is_in("1-1")) == ("export", True)
    room.plug("1-2", STICK)
    assert room.stands("1-2") == "out"
    room.clock.step(-3600)
    room.clock.advance(601)
    room.round()
    assert room.state.mode == "maintenance"
    assert standing(room.db) == ()


def test_a_rejected_device_is_dropped_until_it_is_plugged_in_again(room: Room) -> None:
    """The kernel is told to forget it; it is listed as rejected, and judged anew when it comes back."""
    from appliance.usb.policies import keep_policy

    text = 'format = 1\n\n[[rule]]\nid = "no-sticks"\nverdict = "reject"\nmatch.interfaces.any = ["08:*:*"]\n'
    keep_policy(room.db, text, clock=room.clock, who="Ida")
    armed(room)
    room.plug("1-1", STICK)
    room.round()
    assert not room.kernel.is_there("1-1")
    assert room.stands("1-1") == "rejected"
    room.plug("1-1", STICK)
    assert not room.kernel.is_there("1-1")
    assert len(room.warnings) == 1


def test_a_device_that_follows_one_of_its_make_and_is_gone_at_once_is_not_lost(room: Room) -> None:
    """A stick that takes the place of another of the same make, and is gone before it could be read, is told too."""
    room.start()
    arm(room.db, who="Grace", clock=room.clock)
    room.round()
    room.plug("1-1", STICK)
    assert sum(one.times for one in room.events("plugged")) == 1
    room.kernel.unplug("1-1")
    room.kernel.plug("1-1", described(STICK))
    room.kernel.unplug("1-1")
    room.round()
    assert sum(one.times for one in room.events("plugged")) == 2
    assert [one.verdict for one in room.events("plugged")] == ["block", "block"]


def test_repeats_are_one_event_and_one_warning(room: Room) -> None:
    """A stick that is pulled and pushed five times in a minute is told once, with how often and until when."""
    armed(room)
    for _ in range(5):
        room.plug("1-1", STICK)
        room.unplug("1-1")
        room.clock.advance(2)
    (event,) = room.events("plugged")
    assert event.times == 5
    (warning,) = room.warnings
    assert warning.warning.end_us - warning.warning.start_us == 8 * SECOND_US
    room.clock.advance(61)
    room.plug("1-1", STICK)
    assert len(room.warnings) == 2


def test_changed_descriptors_are_judged_anew_and_told(room: Room) -> None:
    """A camera that says it is a keyboard too, without being unplugged, is out at once and the room hears."""
    armed(room)
    room.plug("1-1", CAMERA)
    assert room.kernel.is_in("1-1")
    room.kernel.change("1-1", described(KEYBOARD))
    room.round()
    assert (room.kernel.is_in("1-1"), room.stands("1-1")) == (False, "out")
    (warning,) = room.warnings
    assert warning.subject["event"] == "changed"
    assert "usb.device_changed" in room.actions()


def test_a_change_that_no_event_told_is_found_by_the_sweep(room: Room) -> None:
    """The sweep reads descriptors too."""
    armed(room)
    room.plug("1-1", CAMERA)
    room.kernel.change("1-1", described(KEYBOARD), told=False)
    room.sweep()
    assert (room.kernel.is_in("1-1"), [one.kind for one in room.events()]) == (False, ["plugged", "changed"])


def test_the_sweep_finds_what_no_event_told(room: Room) -> None:
    """A stick and its going are found, told, and counted as missed."""
    armed(room)
    room.kernel.plug("1-1", described(STICK), told=False)
    room.sweep()
    assert room.stands("1-1") == "out"
    assert len(room.warnings) == 1
    room.clock.advance(3)
    room.sweep()
    assert (room.state.missed, len(room.events("missed"))) == (1, 1)
    room.kernel.unplug("1-1", told=False)
    room.sweep()
    assert room.stands("1-1") == "gone"


def test_an_event_that_only_comes_after_the_sweep_is_not_missed(room: Room) -> None:
    """The kernel's word a moment later is the same plugging in, not a second one."""
    armed(room)
    room.kernel.plug("1-1", described(STICK))
    room.sweep()
    room.round()
    room.clock.advance(3)
    room.sweep()
    assert (room.state.missed, [one.times for one in room.events("plugged")]) == (0, [1])


def test_a_device_that_somebody_else_lets_in_is_taken_out_again(room: Room) -> None:
    """The sweep compares the kernel's state with the policy, and says so."""
    armed(room)
    room.plug("1-1", STICK)
    room.kernel.write(room.kernel.root / "bus/usb/devices/1-1/authorized", "1")
    room.sweep()
    assert not room.kernel.is_in("1-1")
    assert len(room.events("failed")) == 1


def test_a_controller_that_comes_while_armed_is_closed(room: Room) -> None:
    """So is one that somebody opened."""
    armed(room)
    room.kernel.write(room.kernel.root / "bus/usb/devices/usb1/authorized_default", "1")
    room.sweep()
    assert not room.kernel.is_open()


def test_killed_while_armed_it_leaves_controllers_closed_and_tells_nothing_twice(room: Room) -> None:
    """After the next start the stick is still out, without a second event or warning; a new one is judged."""
    armed(room)
    room.plug("1-1", STICK)
    room.enforcer.close()
    room.own.conn.close()
    assert not room.kernel.is_open()
    room.kernel.plug("1-2", described(OTHER_STICK))
    room.kernel.events.clear()  # nobody listened
    room.make()
    room.kernel.written.clear()
    room.start()
    assert [room.stands(port) for port in ("1-1", "1-2")] == ["out", "out"]
    assert [one.port for one in room.events("plugged")] == ["1-1", "1-2"]
    assert len(room.warnings) == 2


def test_killed_while_armed_and_started_when_nothing_is_on_it_opens(room: Room) -> None:
    """The sitting was closed meanwhile: controllers open, and what was kept out is let in."""
    room.start()
    room.the_day_comes()
    room.sittings.writes("1")
    room.round()
    room.plug("1-1", STICK)
    room.sittings.does("finish", "1")
    room.sittings.closes()
    room.restart()
    assert (room.kernel.is_open(), room.kernel.is_in("1-1")) == (True, True)


def test_what_a_kill_left_half_done_is_mended_at_the_start(room: Room) -> None:
    """Killed while a device was let in partly, the bus has a default that would leave every device without drivers."""
    default = room.kernel.root / "bus/usb/devices/usb1/interface_authorized_default"
    default.write_text("0\n")
    room.start()
    assert default.read_text().strip() == "1"


def test_what_it_was_not_that_closed_is_left_alone_in_maintenance(room: Room) -> None:
    """A device that IT has switched off is not switched on by a box that never armed."""
    room.kernel.plug("1-1", described(CAMERA))
    room.kernel.write(room.kernel.root / "bus/usb/devices/1-1/authorized", "0")
    room.start()
    room.sweep()
    assert not room.kernel.is_in("1-1")


def test_without_rights_it_judges_and_says_so(room: Room) -> None:
    """Where the kernel refuses, the device is noted as failed, in words, and the room is warned all the same."""
    armed(room)
    room.kernel.plug("1-1", described(STICK))
    room.kernel.write(room.kernel.root / "bus/usb/devices/1-1/authorized", "1")
    room.kernel.refuses["1-1/authorized"] = no_rights()
    room.round()
    assert room.stands("1-1") == "failed"
    assert "may not be told" in room.at("1-1").problem
    assert room.warnings[0].subject["state"] == "failed"
    del room.kernel.refuses["1-1/authorized"]
    room.sweep()
    assert room.stands("1-1") == "out"


def test_a_device_that_cannot_be_opened_is_told_and_tried_again(room: Room) -> None:
    """The kernel's refusal stands beside the device until it goes."""
    armed(room)
    room.kernel.refuses["1-1/authorized"] = OSError(errno.EIO, "Input/output error")
    room.plug("1-1", CAMERA)
    assert room.stands("1-1") == "failed"
    assert "Input/output error" in room.at("1-1").problem
    room.kernel.refuses.clear()
    room.sweep()
    assert room.stands("1-1") == "in"


def test_a_device_that_is_gone_while_it_is_taken_out_is_no_fault(room: Room) -> None:
    """ENODEV is an unplugging, not a failure."""
    room.start()
    room.plug("1-1", STICK)
    room.kernel.refuses["1-1/authorized"] = OSError(errno.ENODEV, "No such device")
    room.begins()
    assert room.stands("1-1") == "gone"
    assert room.events("failed") == []


@pytest.mark.parametrize(("enforce", "why"), [("never", "setting"), ("auto", "trial")])
def test_where_nothing_is_enforced_it_is_told_and_the_kernel_left_alone(
    settings: Settings, tmp_path: Path, enforce: str, why: str
) -> None:
    """It judges, warns, and writes nothing to the kernel."""
    room = Room(settings, tmp_path, enforce=enforce)
    room.start()
    room.begins()
    room.plug("1-1", STICK)
    assert (room.state.enforced, room.state.not_enforced) == (False, why)
    assert (room.kernel.written, room.kernel.is_in("1-1"), room.stands("1-1")) == ([], True, "noted")
    assert room.warnings[0].subject["state"] == "noted"
    room.close()


def test_the_seat_of_a_port_gives_the_session(room: Room) -> None:
    """A hub that belongs to a seat makes the warning one of whoever sits there, also after it was moved."""
    room.start()
    room.the_day_comes()
    session = room.sittings.hands_over("1")
    room.sittings.writes("1")
    name_port(room.db, "1-1", label="left row", seat="Seat 1", who="Ida", clock=room.clock)
    room.round()
    room.plug("1-1", HUB)
    room.plug("1-1.3", STICK)
    (warning,) = room.warnings
    assert (warning.warning.session, warning.seat, warning.subject["port"]) == (session.id, "Seat 1", "left row")


def test_a_storm_of_ever_new_devices_loses_none_and_does_not_flood_the_room(room: Room) -> None:
    """Of 60 distinct sticks each is an event; the room gets twenty warnings and one that says it is a flood."""
    import msgspec

    armed(room)
    stick = described(STICK)
    for number in range(60):
        port = f"1-{number % 4 + 1}"
        if room.kernel.is_there(port):
            room.kernel.unplug(port)
        room.kernel.plug(port, msgspec.structs.replace(stick, serial=f"S{number}").attributes(port))
        room.round()
    assert len({one.hash for one in room.events("plugged")}) == 60
    kinds = [one.subject["what"] for one in room.warnings]
    assert (kinds.count("usb-stick"), kinds.count("storm")) == (20, 1)


def test_devices_that_are_gone_before_they_are_read_are_told_too(room: Room) -> None:
    """In one batch two devices pass through a port; the one that stays is whole, the other known by its numbers."""
    armed(room)
    room.kernel.plug("1-1", described(OTHER_STICK))
    room.kernel.unplug("1-1")
    room.kernel.plug("1-1", described(STICK))
    room.round()
    found = [(one.device.whole, one.device.id) for one in room.events("plugged") if one.device]
    gone, here = described(OTHER_STICK).device, described(STICK).device
    assert found == [(False, gone.id), (here.whole, here.id)]


def test_a_full_disk_holds_the_rows_back_and_not_the_enforcement(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick stays out while the database takes nothing, and is written down once it does."""
    import sqlite3
    from contextlib import contextmanager

    from appliance.devices import ledger

    armed(room)
    real = ledger.write

    @contextmanager
    def full(_db: object):  # type: ignore[no-untyped-def]  # as `write`
        raise sqlite3.OperationalError("database or disk is full")
        yield

    monkeypatch.setattr(ledger, "write", full)
    room.plug("1-1", STICK)
    room.plug("1-2", CAMERA)
    assert (room.kernel.is_in("1-1"), room.kernel.is_in("1-2"), room.events()) == (False, True, [])
    assert not room.keeper.is_written
    monkeypatch.setattr(ledger, "write", real)
    room.clock.advance(2)
    room.round()
    assert room.keeper.is_written
    assert [one.port for one in room.events("plugged")] == ["1-1", "1-2"]
    assert len(room.warnings) == 1


def test_armed_by_hand_the_room_is_told_too(room: Room) -> None:
    """With no sitting on, a device that is kept out is a warning of the room, of no candidate, and in the log."""
    room.start()
    arm(room.db, who="ida", clock=room.clock)
    room.round()
    room.plug("1-1", STICK)
    number = room.events("plugged")[0].warning
    assert number is not None
    found = get_warning(room.db, number)
    assert (found.sitting, found.warning.session, found.subject["verdict"]) == ("", "", "block")
    assert "usb.device_kept_out" in room.actions()
