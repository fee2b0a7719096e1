"""Writes and syncs that fail under a camera that records, and a disk that becomes read-only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

import pytest

from tests.faults.conftest import skip_or_fail
from tests.faults.tally import Line, count
from tests.support.examination import examine
from tests.support.fault_box import CLOCK, TINY, BoxCamera, FaultBox
from tests.support.kept_process import processes
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.small_disk import SmallDisk

CAMERAS = [BoxCamera("victim", "pattern", TINY), BoxCamera("healthy", "pattern", TINY)]
SYNCS, WRITES = "fsync,fdatasync", "pwrite64"
ONCE = [
    (SYNCS, "EIO", "1"),
    (SYNCS, "EIO", "3"),
    (SYNCS, "EIO", "4"),
    (SYNCS, "EIO", "5"),
    (SYNCS, "EIO", "8"),
    (WRITES, "EIO", "1"),
    (WRITES, "EIO", "6"),
    (WRITES, "ENOSPC", "3"),
    (WRITES, "EROFS", "4"),
]
FROM_THEN_ON = [(SYNCS, "EIO", "3+"), (WRITES, "ENOSPC", "7+"), (WRITES, "EIO", "1+")]
HELD_SECONDS = 8.0
LOSS_SECONDS = 2.0


class Sabotage:
    """Makes a living process's calls fail, by strace; a context manager."""

    def __init__(self, pid: int, log: Path, calls: str, error: str, when: str) -> None:
        log.unlink(missing_ok=True)
        self._log = log
        self._command = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}"]
        self._command += ["-e", f"inject={calls}:error={error}:when={when}", "-p", str(pid)]
        self._pid = pid
        self._strace: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._strace = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        until(lambda: _traced(self._pid), 20, "strace at work on every thread")
        return self

    @property
    def injected(self) -> int:
        """How many calls have been made to fail."""
        return self._log.read_text().count("(INJECTED)")

    def __exit__(self, *_: object) -> None:
        if self._strace:
            self._strace.send_signal(signal.SIGINT)
            self._strace.wait(20)


def _traced(pid: int) -> bool:
    """Whether every thread of a process is traced."""
    from pathlib import Path

    states = [entry.read_text() for entry in Path(f"/proc/{pid}/task").glob("*/status")]
    return bool(states) and all("TracerPid:\t0\n" not in state for state in states)


def abandoned(box: FaultBox) -> int:
    """Return how many parts of the victim were given up so far."""
    row = box.db.conn.execute("SELECT count(*) FROM part WHERE camera = 'victim' AND state = 'abandoned'").fetchone()
    return int(row[0])


def fail_once(box: FaultBox, log: Path, fault: tuple[str, str, str]) -> int:
    """Let the n-th call of a kind fail; recording must go on. Return how many calls failed."""
    with Sabotage(box.camera_pid("victim"), log, *fault) as sabotage:
        until(lambda: sabotage.injected, 30, f"{fault} failing")
        box.wait_recorded("victim", CLOCK.mono_us(), 30)
    return sabotage.injected


def fail_on(box: FaultBox, log: Path, fault: tuple[str, str, str]) -> int:
    """Let every call from the n-th fail for a while; there must be an alarm, the same process, and then recording."""
    pid = box.camera_pid("victim")
    with Sabotage(pid, log, *fault) as sabotage:
        until(lambda: box.camera_status("victim").get("alarm"), 30, "an alarm")
        end = time.monotonic() + HELD_SECONDS
        until(lambda: time.monotonic() > end, 2 * HELD_SECONDS, "the disk's bad time")
        assert box.camera_status("victim")["state"] == "live", "the live view needs no disk"
    box.wait_recorded("victim", CLOCK.mono_us(), 30)
    assert pid in box.camera_pids(), "the process that held what waited was ended"
    return sabotage.injected


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_failing_writes_and_syncs_under_a_camera_that_records(tmp_path: Path) -> None:
    """Whichever call fails, once or from then on: nothing acknowledged is lost, what waits is written, others go on."""
    if not shutil.which("strace"):
        skip_or_fail("needs strace (Debian: strace)")
    with FaultBox(tmp_path / "state", CAMERAS, log=tmp_path) as box:
        box.start("capture")
        witness = box.record()
        box.wait_all_recorded(0, 60)
        log = tmp_path / "strace.log"
        faults = {
            "calls failed once": sum(fail_once(box, log, fault) for fault in ONCE),
            "calls failed on": sum(fail_on(box, log, fault) for fault in FROM_THEN_ON),
        }
        assert abandoned(box) >= len(ONCE) + len(FROM_THEN_ON) - 1, "failures were not noticed"
        box.finish_recording()
        box.stop()
        witness.stop()
        lost = witness.lost()
        examined = examine(box.settings, box.sitting, ["victim", "healthy"], tmp_path)
        holes = [hole for hole in examined.holes if set(hole.reasons) != {"starting"}]
        worst = max((hole.seconds for hole in holes), default=0.0)
        count(Line("failing disk", faults, witness.acknowledged, len(lost), len(holes), worst_loss=worst))
    assert lost == []
    assert [hole for hole in holes if hole.camera == "healthy"] == []
    assert worst <= LOSS_SECONDS, holes


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_disk_that_is_read_only_for_a_while(tmp_path: Path, small_disk: SmallDisk) -> None:
    """On a vault that is suddenly read-only cameras stay live, an alarm says why, and recording goes on by itself."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "vault").symlink_to(small_disk.path)
    with FaultBox(state, CAMERAS, log=tmp_path) as box:
        box.start("capture")
        witness = box.record()
        box.wait_all_recorded(0, 60)
        _turn_read_only(box, small_disk)
        until(
            lambda: all(box.camera_status(camera.id).get("alarm") for camera in CAMERAS), 40, "an alarm on each camera"
        )
        turned = CLOCK.wall_us()
        small_disk.read_only(yes=False)
        box.wait_all_recorded()
        box.finish_recording()
        box.stop()
        witness.stop()
        lost = witness.lost()
        examined = examine(box.settings, box.sitting, ["victim", "healthy"], tmp_path)
        count(Line("read-only disk", {"remount": 1}, witness.acknowledged, len(lost), len(examined.holes)))
        small_disk.check()
    assert lost == []
    for camera in CAMERAS:
        mine = [hole for hole in examined.holes if hole.camera == camera.id and set(hole.reasons) != {"starting"}]
        assert len(mine) == 1, examined.holes
        assert mine[0].start_us < turned


def _turn_read_only(box: FaultBox, disk: SmallDisk) -> None:
    """The kernel allows it only while no file is open for writing: the cameras' processes die for it."""
    parent = box.processes["capture"].pid
    os.kill(parent, signal.SIGSTOP)
    try:
        for pid in box.camera_pids():
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: pid not in processes(), 10, "the process's end")  # type: ignore[misc]
        disk.read_only(yes=True)
    finally:
        os.kill(parent, signal.SIGCONT)
