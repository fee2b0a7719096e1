"""A small real file system that fills up while the box records, with the box's database on it too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from appliance.cameras.wishes import start_recording
from appliance.config import VaultSettings
from tests.faults.tally import Line, count
from tests.support.examination import Examined, examine
from tests.support.fault_box import CLOCK, TINY, BoxCamera, FaultBox, Witness
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.small_disk import SmallDisk

CAMERAS = [BoxCamera("left", "pattern", TINY), BoxCamera("right", "pattern", TINY)]
DAY_US = 24 * 3600 * 1_000_000
# Housekeeping looks every 20 s; a disk's return is seen by the next look, or by the next try to write.
NOTICED_SECONDS = 35.0


def begin(box: FaultBox) -> Witness:
    """Start and record."""
    box.start("capture")
    witness = box.record()
    box.wait_all_recorded(0, 60)
    return witness


def finish(box: FaultBox, witness: Witness, disk: SmallDisk, work: Path, line: Line) -> Examined:
    """Stop everything, examine everything, count."""
    box.finish_recording()
    box.stop()
    witness.stop()
    lost = witness.lost()
    examined = examine(box.settings, box.sitting, [camera.id for camera in CAMERAS], work)
    line.acknowledged, line.lost, line.gaps = witness.acknowledged, len(lost), len(examined.holes)
    count(line)
    assert lost == []
    box.db.conn.close()
    disk.check()
    return examined


def alarmed(box: FaultBox) -> bool:
    """Whether the status tells of every camera that nothing is sealed, and why."""
    status = box.status()
    lines = status.get("cameras", [])
    stopped = bool(status.get("disk", {}).get("stopped"))
    return len(lines) == len(CAMERAS) and (stopped or all(line["alarm"] for line in lines))


def held_until(moment_us: int) -> None:
    """Wait until a moment (monotonic) has passed: what is tested is how a real disk's fullness lasts."""
    until(lambda: CLOCK.mono_us() >= moment_us, 60, "the moment")


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_a_disk_that_fills_up_to_the_last_block(tmp_path: Path, small_disk: SmallDisk) -> None:
    """Recording stops with an alarm, the database survives on the same full disk, and the gap says ``disk full``."""
    with FaultBox(small_disk.path / "state", CAMERAS, log=tmp_path) as box:
        witness = begin(box)
        before = CLOCK.mono_us()
        small_disk.fill()
        until(lambda: alarmed(box), NOTICED_SECONDS, "an alarm about the full disk")
        held_until(before + 25_000_000)
        assert box.camera_status("left")["state"] == "live", "the live view needs no disk"
        small_disk.relieve()
        relieved = CLOCK.wall_us()
        box.wait_all_recorded(None, NOTICED_SECONDS)
        until(lambda: box.status()["facts_waiting"] == 0, 20, "the database taking what waited")
        examined = finish(box, witness, small_disk, tmp_path, Line("full disk", {"full disk": 1}))
    for camera in CAMERAS:
        mine = [hole for hole in examined.holes if hole.camera == camera.id and hole.start_us < relieved < hole.end_us]
        assert len(mine) == 1, examined.holes
        assert "disk_full" in mine[0].reasons
        assert set(mine[0].reasons) <= {"disk_full", "interrupted"}, mine[0].reasons


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_thresholds_warn_delete_and_stop_on_a_real_disk(tmp_path: Path, small_disk: SmallDisk) -> None:
    """Warned first; then what retention allows is deleted; then recording stops; the running exam's parts all stay."""
    settings = VaultSettings(disk_warn_free_percent=60, disk_delete_free_percent=40, disk_stop_free_percent=20)
    total = 0
    with FaultBox(small_disk.path / "state", CAMERAS, log=tmp_path, vault=settings) as box:
        old = begin(box)
        box.finish_recording()
        old.stop()
        past = box.sitting
        _make_old(box, past)
        witness = _record_again(box)
        total = box.status()["disk"]["total"]
        small_disk.fill(leave=total * 50 // 100)
        until(lambda: box.status()["disk"].get("state") == "warn", NOTICED_SECONDS, "a warning")
        small_disk.fill(leave=total * 30 // 100)
        until(lambda: box.status()["disk"].get("state") == "delete", NOTICED_SECONDS, "the deleting state")
        until(lambda: box.part_states(past) == {"deleted"}, NOTICED_SECONDS, "the old sitting's deletion")
        assert "deleted" not in box.part_states(box.sitting)
        small_disk.fill(leave=total * 10 // 100)
        until(lambda: box.status()["disk"].get("stopped"), NOTICED_SECONDS, "the stop")
        until(lambda: not any(line["recording"] for line in box.status()["cameras"]), 10, "recording to stop")
        stopped = CLOCK.wall_us()
        small_disk.relieve()
        box.wait_all_recorded(None, NOTICED_SECONDS)
        assert "deleted" not in box.part_states(box.sitting)
        examined = finish(box, witness, small_disk, tmp_path, Line("disk thresholds", {"threshold": 3}))
    for camera in CAMERAS:
        mine = [hole for hole in examined.holes if hole.camera == camera.id and "disk_full" in hole.reasons]
        assert len(mine) == 1, examined.holes
        assert mine[0].start_us <= stopped <= mine[0].end_us


def _make_old(box: FaultBox, sitting: str) -> None:
    """Let the sitting have ended ten days ago, as far as retention can tell."""
    db = box.db.conn
    with db:
        db.execute("UPDATE part SET started_us = started_us - ?, ended_us = ended_us - ?", (10 * DAY_US, 10 * DAY_US))
        db.execute(
            "UPDATE recording_wish SET wished_us = wished_us - ?, stopped_us = stopped_us - ? WHERE sitting = ?",
            (10 * DAY_US, 10 * DAY_US, sitting),
        )


def _record_again(box: FaultBox) -> Witness:
    box.sitting = start_recording(box.db, clock=CLOCK, who="test", sitting=f"later-{time.time_ns() // 10**9}").sitting
    witness = box.watch(box.sitting)
    box.wait_all_recorded()
    return witness
