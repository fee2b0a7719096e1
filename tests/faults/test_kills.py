"""Kill -9 at random moments of every process of a box that records."""

from __future__ import annotations

import http.client
import os
import random
import signal
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ApplianceError
from appliance.ipc.keyring import KeyringClient
from tests.faults.tally import Line, count
from tests.support.examination import Hole, check_database, examine
from tests.support.fault_box import CLOCK, TINY, BoxCamera, FaultBox
from tests.support.media import video_file
from tests.support.rtsp_camera import RtspCamera

if TYPE_CHECKING:
    from pathlib import Path

SEED = int(os.environ.get("FAULT_SEED", "20261121"))
KILLS = {"camera": 105, "capture": 35, "keyring": 32, "web": 32}
# Seconds between two kills of one kind, on average; a camera process of three dies every four seconds.
PAUSES = {"camera": 4.0, "capture": 12.0, "keyring": 12.0, "web": 11.0}
LOSS_SECONDS = 2.0
RESUME_GOAL = 3.0
# Bounds for one start on a machine with two busy cores; the real figures are printed.
RESUME_BOUND = 6.0
# A camera's process whose parent is dead records on until it has noticed and closed its part.
ORPHAN_US = 1_000_000
LEAST_SECONDS_RECORDED = 0.4


@dataclass
class Kill:
    """One kill: which kind of process, when (wall time), which camera (empty: unknown or all)."""

    kind: str
    wall_us: int
    camera: str = ""
    resumed_seconds: float | None = None


@dataclass
class Killer:
    """Kills one kind of process at random moments, so many times."""

    box: FaultBox
    kind: str
    seed: int
    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Do all kills of this kind."""
        chance = random.Random(f"{self.seed} {self.kind}")  # noqa: S311  repeatable, not secret
        while len(self.kills) < KILLS[self.kind] and not self.problems:
            time.sleep(min(chance.expovariate(1 / PAUSES[self.kind]), 3 * PAUSES[self.kind]))
            try:
                self._camera(chance) if self.kind == "camera" else self._process()
            except (ApplianceError, OSError, AssertionError) as problem:
                self.problems.append(f"{self.kind}: {problem}")

    def _camera(self, chance: random.Random) -> None:
        running = self.box.camera_pids()
        if not running:
            return  # between two lives of their parent
        pid = chance.choice(sorted(running))
        moment = CLOCK.wall_us()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.kills.append(Kill("camera", moment, running[pid]))

    def _process(self) -> None:
        kill = Kill(self.kind, CLOCK.wall_us())
        dead = self.box.processes[self.kind].kill()
        self.kills.append(kill)
        if self.kind in {"keyring", "web"}:
            begun = time.monotonic()
            while not self._answers(dead):
                if time.monotonic() - begun > 60:
                    raise AssertionError(f"{self.kind} does not answer: {self.box.tail(self.kind)}")
                time.sleep(0.05)
            kill.resumed_seconds = time.monotonic() - begun

    def _answers(self, dead: int) -> bool:
        if self.box.processes[self.kind].pid == dead:
            return False
        try:
            if self.kind == "keyring":
                return not KeyringClient(self.box.settings.keyring_socket).status()["locked"]
            connection = http.client.HTTPConnection("127.0.0.1", self.box.settings.web.port, timeout=5)
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except (ApplianceError, OSError, http.client.HTTPException):
            return False


def check_holes(found: tuple[Hole, ...], kills: list[Kill]) -> tuple[list[float], list[float], list[str]]:
    """Return losses before kills, times to resume, and each hole that has no kills or is longer than these explain."""
    losses, resumes, wrong = [], [], []
    for hole in found:
        guilty = [
            kill
            for kill in kills
            if kill.camera in {"", hole.camera} and hole.start_us - ORPHAN_US <= kill.wall_us <= hole.end_us
        ]
        if set(hole.reasons) <= {"starting"}:
            continue  # from the wish to the first picture
        if not guilty:
            if hole.seconds >= LEAST_SECONDS_RECORDED:
                wrong.append(f"a hole that no kill explains: {hole}")
            continue
        losses.append(max(0.0, (guilty[0].wall_us - hole.start_us) / 1e6))
        resumes.append((hole.end_us - guilty[-1].wall_us) / 1e6)
        if losses[-1] > LOSS_SECONDS:
            wrong.append(f"more than {LOSS_SECONDS} s lost before a kill: {hole}")
        if hole.seconds > LOSS_SECONDS + RESUME_BOUND * len(guilty):
            wrong.append(f"{len(guilty)} kills, but {hole.seconds:.2f} s: {hole}")
    return losses, resumes, wrong


def spread(values: list[float]) -> str:
    """Return median and largest in words."""
    return f"p50 {statistics.median(values):.2f} s, max {max(values):.2f} s" if values else "none"


@pytest.mark.faults
@pytest.mark.media
@pytest.mark.timeout(1800)
def test_two_hundred_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    """Whatever process dies whenever: acknowledged segments stay, recording resumes, each hole is stated and short."""
    print(f"\nseed {SEED} (FAULT_SEED)")  # noqa: T201
    film = video_file(tmp_path / "film.mp4", 200)
    with RtspCamera(user="box", password="s3cret", size="320x240", fps=10, gop=10, kbit=300) as rtsp:
        cameras = [
            BoxCamera("net", "rtsp", rtsp.url, "box", "s3cret"),
            BoxCamera("film", "file", str(film)),
            BoxCamera("pattern", "pattern", TINY),
        ]
        with FaultBox(tmp_path / "state", cameras, log=tmp_path) as box:
            torment(box, tmp_path)


def torment(box: FaultBox, work: Path) -> None:
    """Kill as often as promised while the box records; then examine everything."""
    box.start("keyring", "capture", "web")
    witness = box.record()
    box.wait_all_recorded(0, 60)
    killers = [Killer(box, kind, SEED) for kind in KILLS]
    threads = [threading.Thread(target=killer.run) for killer in killers]
    for thread in threads:
        thread.start()
    lost: list[str] = []
    while alive := [thread for thread in threads if thread.is_alive()]:
        alive[0].join(30)
        lost += witness.lost(at_rest=False)
        check_database(box.settings)
        done = Counter(kill.kind for killer in killers for kill in killer.kills)
        said = f"{witness.acknowledged} segments acknowledged, {len(lost)} lost; load {os.getloadavg()[0]:.1f}"
        print(f"  {dict(done)}: {said}", flush=True)  # noqa: T201
    box.wait_all_recorded()
    box.finish_recording()
    box.stop("web", "keyring", "capture")
    witness.stop()
    problems = [problem for killer in killers for problem in killer.problems]
    assert not problems
    kills = sorted((kill for killer in killers for kill in killer.kills), key=lambda kill: kill.wall_us)
    report(box, witness.acknowledged, lost + witness.lost(), kills, work)


def report(box: FaultBox, acknowledged: int, lost: list[str], kills: list[Kill], work: Path) -> None:
    """Examine the vault, print the counts, and hold them against the promises."""
    examined = examine(box.settings, box.sitting, [camera.id for camera in box.cameras], work)
    of_recording = [kill for kill in kills if kill.kind in {"camera", "capture"}]
    losses, resumes, wrong = check_holes(examined.holes, of_recording)
    done = Counter(kill.kind for kill in kills)
    print(f"  kills: {dict(done)}, {sum(done.values())} in all")  # noqa: T201
    print(f"  {examined.parts} parts, {examined.segments} segments, {examined.pictures} pictures decoded")  # noqa: T201
    print(f"  lost before a kill: {spread(losses)}; recorded again after it: {spread(resumes)}")  # noqa: T201
    quick = sum(value <= RESUME_GOAL for value in resumes)
    print(f"  {quick} of {len(resumes)} within {RESUME_GOAL:.0f} s")  # noqa: T201
    for kind in ("keyring", "web"):
        times = [kill.resumed_seconds for kill in kills if kill.kind == kind and kill.resumed_seconds is not None]
        print(f"  {kind} answers again: {spread(times)}")  # noqa: T201
    count(Line("kill -9", dict(done), acknowledged, len(lost), len(examined.holes), max(resumes), max(losses)))
    assert lost == []
    assert wrong == [], f"load of the machine at the end: {os.getloadavg()}"
    assert dict(done) == KILLS
    known = box.db.conn.execute("SELECT count(*) FROM part WHERE ended_us IS NOT NULL").fetchone()[0]
    assert known == examined.parts, "parts whose end the database does not know"
