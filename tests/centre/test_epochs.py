"""A restored or copied box begins a new epoch, and no key is given twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from appliance.centre.epoch_keeping import EpochKeeper
from appliance.centre.machine import machine_of
from appliance.centre.status import centre_status
from appliance.centre.witness import read_witness, witness_path
from appliance.outbox import lms_target, waiting
from tests.centre.box import Box, held_items

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hub_server import HubServer


def test_yesterdays_backup_gets_a_new_epoch_and_loses_nothing(box: Box, server: HubServer, tmp_path: Path) -> None:
    """After a restore the numbers go on in a new epoch; what happens afterwards arrives beside what arrived before."""
    box.put(1)
    box.round()
    first = box.epoch()
    box.backup(tmp_path / "yesterday.db")
    box.put(2)
    box.put(3)
    box.round()
    box.restore(tmp_path / "yesterday.db")
    assert box.epoch()[1] == "restored"
    assert box.epoch()[0] != first[0]
    box.put(4)
    box.round()
    assert [n for _, n in held_items(server, box.id)] == [1, 2, 3, 4]
    fact = centre_status(box.db, box.settings, box.clock).epoch
    assert fact is not None
    assert fact.reason == "restored"
    assert [one["reason"] for one in box.logged("epoch.begun")] == ["restored"]
    box.close()
    box.open()
    assert box.epoch()[0] == fact.name


def test_a_restore_without_the_witness_is_noticed_by_the_hub(box: Box, server: HubServer, tmp_path: Path) -> None:
    """With the whole folder of yesterday nothing on the box tells; the hub knows the higher number and says so."""
    box.put(1)
    box.round()
    box.close()
    shutil.copytree(box.settings.state_dir, tmp_path / "yesterday")
    box.open()
    for n in range(2, 6):
        box.put(n)
    box.round()
    before = box.epoch()[0]
    box.close()
    shutil.rmtree(box.settings.state_dir)
    shutil.copytree(tmp_path / "yesterday", box.settings.state_dir)
    box.open()
    assert box.epoch()[0] == before
    box.round()
    assert box.epoch()[1] == "restored"
    box.put(9)
    box.round()
    assert [n for _, n in held_items(server, box.id)] == [1, 2, 3, 4, 5, 9]


def test_an_item_under_a_key_that_is_taken_is_told_again(box: Box, server: HubServer, tmp_path: Path) -> None:
    """Numbers given again after an unseen restore conflict; the items get new keys of a new epoch and arrive."""
    box.put(1)
    box.round()
    box.close()
    shutil.copytree(box.settings.state_dir, tmp_path / "yesterday")
    box.open()
    for n in range(2, 5):
        box.put(n, stream="s")
    box.round()
    box.close()
    shutil.rmtree(box.settings.state_dir)
    shutil.copytree(tmp_path / "yesterday", box.settings.state_dir)
    box.open()
    for n in range(12, 15):  # given the numbers of 2 to 4 before the hub could be asked
        box.put(n, stream="s")
    box.round()
    box.round()
    found = [n for _, n in held_items(server, box.id)]
    assert sorted(found) == [1, 2, 3, 4, 12, 13, 14]
    assert found[-3:] == [12, 13, 14]
    assert box.states().get("waiting", 0) == 0


def test_a_copy_on_another_computer_is_told_apart(box: Box, server: HubServer, tmp_path: Path) -> None:
    """A copied box begins an epoch of its own before it says anything; both go on, and nothing is doubled or lost."""
    box.put(1)
    box.round()
    box.close()
    shutil.copytree(box.folder, tmp_path / "copy")
    box.open()
    copy = Box(tmp_path / "copy", box.clock)
    assert copy.epoch()[1] == "cloned"
    copy.put(20)
    box.put(2)
    copy.round()
    box.round()
    assert sorted(n for _, n in held_items(server, box.id)) == [1, 2, 20]
    assert box.epoch()[1] == "first"
    copy.close()


def test_what_a_copy_inherited_does_not_follow_what_came_since(box: Box, server: HubServer, tmp_path: Path) -> None:
    """A review that waited when the box was copied, and was superseded there, is history when the copy tells it."""
    lms, _ = server.lms()
    box.review("unknown")
    box.close()
    shutil.copytree(box.folder, tmp_path / "copy")
    box.open()
    box.clock.advance(60)
    box.review("accepted")
    assert box.states() == {"superseded": 1, "waiting": 1}
    box.round()
    copy = Box(tmp_path / "copy", box.clock)
    copy.round()
    assert copy.states().get("waiting", 0) == 0
    assert [one.body["conclusion"] for one in waiting(server.db, lms_target(lms.id))] == ["accepted"]
    assert server.db.conn.execute("SELECT COUNT(*) FROM hub_item WHERE kind = 'review'").fetchone() == (2,)
    copy.close()


def test_a_power_cut_between_the_two_writes_of_a_new_epoch_costs_none(box: Box) -> None:
    """An epoch that is in the database and not yet in the witness is kept at the next start."""
    path = witness_path(box.settings.state_dir)
    before = path.read_bytes()
    keeper = EpochKeeper(box.db, box.settings.state_dir, machine="another" + "m" * 36, clock=box.clock)
    assert keeper.check().new
    epoch = box.epoch()
    path.write_bytes(before)  # as if the second write had not been made
    again = EpochKeeper(box.db, box.settings.state_dir, machine="another" + "m" * 36, clock=box.clock)
    again.check()
    assert read_witness(path) is not None
    assert box.epoch()[1] == epoch[1]


def test_a_missing_witness_counts_as_a_restore(box: Box) -> None:
    """Where numbers were given and the witness is gone, the box is careful: a new epoch costs nothing."""
    box.put(1)
    box.round()
    box.close()
    witness_path(box.settings.state_dir).unlink()
    box.open()
    assert box.epoch()[1] == "restored"


def test_a_damaged_witness_counts_as_a_missing_one(box: Box) -> None:
    """A witness that cannot be read says nothing."""
    path = witness_path(box.settings.state_dir)
    path.write_bytes(b"{}")
    assert read_witness(path) is None


def test_nothing_leaves_before_it_is_witnessed(box: Box, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the witness cannot be written, no item is sent."""
    box.round()
    box.put(1)

    def refuses(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr("appliance.centre.epoch_keeping.write_witness", refuses)
    with pytest.raises(OSError, match="read-only"):
        box.round()
    assert held_items(server, box.id) == []


def test_the_machine_is_told_by_what_is_its_own(box: Box, tmp_path: Path) -> None:
    """Another machine id, serial number, network card or folder of state is another machine; a card on USB is none."""
    root = tmp_path / "root"
    card = root / "sys/class/net/eth0"
    (card / "device").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/machine-id").write_text("a\n")
    (card / "address").write_text("02:00\n")
    (card / "addr_assign_type").write_text("0\n")
    first = machine_of(box.settings, root)
    assert machine_of(box.settings, root) == first
    (card / "address").write_text("02:01\n")
    second = machine_of(box.settings, root)
    usb = root / "sys/devices/usb1/net"
    usb.mkdir(parents=True)
    other = root / "sys/class/net/usb0"
    other.mkdir()
    (other / "device").symlink_to(usb)
    (other / "address").write_text("02:09\n")
    (other / "addr_assign_type").write_text("0\n")
    assert machine_of(box.settings, root) == second
    (root / "etc/machine-id").write_text("b\n")
    third = machine_of(box.settings, root)
    assert len({first, second, third}) == 3
