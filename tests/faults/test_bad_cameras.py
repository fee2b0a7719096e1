"""Cameras that stall, lie, flood and vanish, beside a healthy one, in a box that records."""

from __future__ import annotations

import itertools
import random
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pytest

from tests.faults.tally import Line, count
from tests.support.examination import Hole, examine
from tests.support.fault_box import CLOCK, TINY, BoxCamera, FaultBox
from tests.support.lying_rtsp import LyingCamera, Say
from tests.support.media import access_units
from tests.support.rtsp_camera import RtspCamera
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RATE = 25
PAUSE = 0.9 / RATE
UNITS = access_units(50)
LARGER = access_units(50, 320, 192)
REPORTED_SECONDS = 5.0
LOSS_SECONDS = 2.0
CHANCE = random.Random(11)  # noqa: S311  repeatable on purpose


def honest(start: float = 0.0, seconds: float = 1e9, units: list[bytes] = UNITS) -> Iterator[Say]:
    """Play pictures as an honest camera does."""
    for n in itertools.takewhile(lambda n: n < seconds * RATE, itertools.count()):
        yield Say(units[n % len(units)], at=start + n / RATE, pause=PAUSE)


def stalls() -> Iterator[Say]:
    """Four good seconds, then silence on an open connection."""
    yield from honest(0, 4)
    yield Say(pause=9)


def hangs_up_in_mid_picture() -> Iterator[Say]:
    """Three good seconds, then half a picture and a closed connection."""
    yield from honest(0, 3)
    yield Say(raw=b"$\0\x05\xdc" + b"\x80\x60" + bytes(500))


def jumps() -> Iterator[Say]:
    """Timestamps leap forward an hour and back again, for ever."""
    for n in itertools.count():
        yield from honest(n * 3.0 + (3600.0 if n % 2 else 0.0), 3)


def rubbish() -> Iterator[Say]:
    """Good pictures, then random bytes as pictures."""
    yield from honest(0, 3)
    for n in range(600):
        yield Say(b"\0\0\1" + bytes([0x80]) + CHANCE.randbytes(300), at=3 + n / RATE, pause=0.005)


def floods() -> Iterator[Say]:
    """Good pictures, then 200 kB ones without a pause."""
    yield from honest(0, 3)
    for n in range(2000):
        yield Say(UNITS[0] + b"\0\0\1\x0c" + b"\xff" * 200_000, at=3 + n / RATE)


def grows() -> Iterator[Say]:
    """The pictures are larger all of a sudden, and smaller again, on one connection."""
    for n in itertools.count():
        yield from honest(n * 4.0, 4, LARGER if n % 2 else UNITS)


class DeafCamera:
    """Accepts connections and never says a word; a context manager."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.url = f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/cam"

    def __enter__(self) -> Self:
        threading.Thread(target=self._hold, daemon=True).start()
        return self

    def _hold(self) -> None:
        with suppress(OSError):
            while True:
                self._held.append(self._server.accept()[0])

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._held:
            connection.close()


@dataclass
class Reported:
    """How long after a fault the status said that the camera is lost, and how long after its end that it is back."""

    lost: float
    back: float


def lost_and_found(box: FaultBox, camera: RtspCamera, *, kill: bool) -> Reported:
    """Let a good camera vanish (killed) or stall, and come back."""
    begun = time.monotonic()
    camera.kill() if kill else camera.tell("stall")
    until(lambda: box.camera_status("good").get("state") == "lost", 15, "the loss being reported")
    lost = time.monotonic() - begun
    begun = time.monotonic()
    camera.start() if kill else camera.tell("resume")
    box.wait_recorded("good", CLOCK.mono_us(), 30)
    return Reported(lost, time.monotonic() - begun)


@pytest.mark.faults
@pytest.mark.media
@pytest.mark.timeout(400)
def test_bad_cameras_cost_only_themselves(tmp_path: Path) -> None:
    """Whatever cameras do, a healthy one beside them loses nothing; a lost one is reported in 5 s and found again."""
    scripts = {
        "stalls": stalls,
        "hangs-up": hangs_up_in_mid_picture,
        "jumps": jumps,
        "rubbish": rubbish,
        "floods": floods,
        "grows": grows,
    }
    with ExitStack() as stack:
        liars = {name: stack.enter_context(LyingCamera(script, first=UNITS[0])) for name, script in scripts.items()}
        deaf = stack.enter_context(DeafCamera())
        good = stack.enter_context(RtspCamera(user="box", password="s3cret", size="320x240", fps=10, gop=10, kbit=300))
        cameras = [
            BoxCamera("healthy", "pattern", TINY),
            BoxCamera("good", "rtsp", good.url, "box", "s3cret"),
            BoxCamera("deaf", "rtsp", deaf.url),
            *(BoxCamera(name, "rtsp", liar.url) for name, liar in liars.items()),
        ]
        box = stack.enter_context(FaultBox(tmp_path / "state", cameras, log=tmp_path))
        box.start("capture")
        witness = box.record()
        for camera in ("healthy", "good", *liars):
            box.wait_recorded(camera, 0, 60)
        reported = [lost_and_found(box, good, kill=kill) for kill in (True, False, True)]
        for camera in liars:  # each is found again and recorded again, however badly it behaves
            box.wait_recorded(camera, CLOCK.mono_us(), 60)
        assert box.camera_status("deaf")["state"] == "lost"
        assert box.camera_status("deaf")["message"]
        assert {line["restarts"] for line in box.status()["cameras"]} == {0}, "a bad camera ended a process"
        box.finish_recording()
        box.stop()
        witness.stop()
        lost = witness.lost()
        recorded = ["healthy", "good", *liars]
        examined = examine(box.settings, box.sitting, recorded, tmp_path)
        note(witness.acknowledged, len(lost), examined.holes, reported, len(scripts) + 1)
    assert lost == []
    check(examined.holes, reported)


def note(acknowledged: int, lost: int, holes: tuple[Hole, ...], reported: list[Reported], bad: int) -> None:
    """Count."""
    slowest = max(one.lost for one in reported)
    print(f"\n  a vanished camera is reported after at most {slowest:.2f} s")  # noqa: T201  the figure is the point
    worst = max(one.back for one in reported)
    faults = {"bad cameras": bad, "camera vanished": 2, "camera stalled": 1}
    count(Line("bad cameras", faults, acknowledged, lost, len(holes), worst_resume=worst))


def check(holes: tuple[Hole, ...], reported: list[Reported]) -> None:
    """Hold what was found against the promises."""
    mine = {name: [hole for hole in holes if hole.camera == name] for name in {hole.camera for hole in holes}}
    assert [hole for hole in mine.get("healthy", []) if set(hole.reasons) != {"starting"}] == []
    assert max(one.lost for one in reported) <= REPORTED_SECONDS
    assert sum("camera_lost" in hole.reasons for hole in mine["good"]) >= len(reported), mine["good"]
    for name, reason in {"stalls": "camera_lost", "hangs-up": "camera_lost", "floods": "flood"}.items():
        assert any(reason in hole.reasons for hole in mine[name]), f"{name}: {mine[name]}"
