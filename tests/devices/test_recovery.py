"""The way back in without a keyboard: a file on the boot partition, a word of the kernel's command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.devices.recovery import recover, recovery_asked
from appliance.usb.library import described
from appliance.usb.orders import arm, standing
from tests.devices.a_room import STICK, Room

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock


def test_recovery_is_asked_by_a_file_or_by_a_word_of_the_kernels_command_line(tmp_path: Path) -> None:
    """Which one it was is said in words."""
    file, cmdline = tmp_path / "open", tmp_path / "cmdline"
    assert recovery_asked([str(file)], cmdline) == ""
    cmdline.write_text("root=/dev/sda1 exambox.usb=opened quiet\n")
    assert recovery_asked([str(file)], cmdline) == ""
    cmdline.write_text("root=/dev/sda1 exambox.usb=open quiet\n")
    assert "exambox.usb=open" in recovery_asked([str(file)], cmdline)
    file.touch()
    assert str(file) in recovery_asked([str(file)], cmdline)


def test_recovery_opens_once_a_boot(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    """A process that is started again in the same boot does not undo what a person armed; the next boot does."""
    file = tmp_path / "open"
    assert not recover(db, [str(file)], clock=clock, cmdline=tmp_path / "none", boot="a")
    file.touch()
    assert recover(db, [str(file)], clock=clock, cmdline=tmp_path / "none", boot="a")
    assert [one.kind for one in standing(db)] == ["stand_down"]
    arm(db, who="Ida", clock=clock)
    assert recover(db, [str(file)], clock=clock, cmdline=tmp_path / "none", boot="a")
    assert [one.kind for one in standing(db)] == ["arm"]
    assert recover(db, [str(file)], clock=clock, cmdline=tmp_path / "none", boot="b")
    assert [one.kind for one in standing(db)] == ["stand_down"]


def test_a_box_that_was_armed_and_is_recovered_opens_at_its_start(room: Room) -> None:
    """What was kept out is let in, although the sitting still runs."""
    room.start()
    room.begins()
    room.plug("1-1", STICK)
    file = room.system.parent / "open"
    file.touch()
    recover(room.db, [str(file)], clock=room.clock, cmdline=room.system / "none", boot="next")
    room.kernel.plug("1-2", described(STICK))
    room.restart()
    assert (room.kernel.is_open(), room.kernel.is_in("1-1"), room.kernel.is_in("1-2")) == (True, True, True)
    assert room.state.why == "stood_down"
