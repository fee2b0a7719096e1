"""How many people can watch, each getting every picture, while four cameras record without losing a segment."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from appliance.web.browser_session import SESSION_COOKIE
from bench.processes import Window
from bench.rig import CLOCK, HERE, BenchBox, Farm

if TYPE_CHECKING:
    from pathlib import Path

GOAL = 64
FPS = 25
STEPS = (16, 32, 64, 96, 128)
ROOM_STEPS = (4, 8, 16, 24, 32)
MOST_PAUSE_SECONDS = 1.0


def measure(farm: Farm, folder: Path, *, seconds: float, quick: bool = False) -> dict[str, Any]:
    """Raise the number of viewers until one of them misses a picture or a camera loses a segment."""
    box = BenchBox(folder / "viewers", farm.addresses, threads=256)
    box.record()
    box.start("keyring", "capture", "web")
    try:
        box.wait_sealing(3)
        names = [f"camera-{number}" for number in range(len(farm.addresses))]
        one = [f"/live/{name}/stream" for name in names]
        room = ["/api/live?" + "&".join(f"camera={name}" for name in names)]
        steps = STEPS[:3] if quick else STEPS
        audience = Audience(box, _cookie(box), seconds)
        alone = [audience.step(one, count, FPS) for count in steps]
        plain = _plain(box, audience, one)
        whole = [] if quick else [audience.step(room, count, FPS * len(names)) for count in ROOM_STEPS]
    finally:
        box.stop()
    return {
        "viewers_sustained": {
            "value": max((step["viewers"] for step in alone if step["sustained"]), default=0),
            "goal": GOAL,
            "what": f"viewers over HTTP ({steps[-1]} at most are tried), each of one of 4 cameras (1080p25, 4 Mbit/s), "
            f"who all got every picture (by sequence number) for {seconds:.0f} s without a pause above "
            f"{MOST_PAUSE_SECONDS} s, while all 4 cameras sealed without a gap; cameras, box and viewers share the "
            "machine",
            "peer": f"cores of the web process with {GOAL} viewers; of a plain asyncio fan-out of the same messages",
            "box_cores": next((one["cores_used"]["web"] for one in alone if one["viewers"] == GOAL), None),
            "peer_cores": plain,
            "steps": alone,
        },
        "whole_room_viewers_sustained": {
            "value": max((step["viewers"] for step in whole if step["sustained"]), default=None),
            "goal": None,
            "what": "the same, each viewer seeing all 4 cameras at full size over one connection",
            "steps": whole,
        },
    }


def _cookie(box: BenchBox) -> str:
    account = create_account(box.db, "viewer", "administrator", "Quokka-7-violin!stove", clock=CLOCK, who="bench")
    return f"{SESSION_COOKIE}={open_session(box.db, account.id, address='127.0.0.1', clock=CLOCK)}"


@dataclass(frozen=True)
class Audience:
    """People who watch a box for a while."""

    box: BenchBox
    cookie: str
    seconds: float
    port: int = 0

    def step(self, paths: list[str], count: int, fps: int) -> dict[str, Any]:
        """Let so many watch; return what they got and what it cost."""
        box, seconds = self.box, self.seconds
        farm = self._farm([paths[number % len(paths)] for number in range(count)])
        if farm.stdout is None or farm.stdout.readline().strip() != "ready":
            farm.kill()
            farm.wait(10)
            return {"viewers": count, "sustained": False, "why": "not all got a first picture within a minute"}
        before = box.cameras()
        windows = {name: Window.begin(process.pid) for name, process in box.processes.items()}
        windows["viewers themselves"] = Window.begin(farm.pid)
        told = farm.stdout.readline()
        spent = {name: round(window.spent() / seconds, 3) for name, window in windows.items()}
        got = json.loads(told) | {"cores_used": spent}
        farm.wait(30)
        return judged(got, _lost(before, box.cameras()), _sealed(before, box.cameras()), fps * seconds)

    def _farm(self, paths: list[str]) -> subprocess.Popen[str]:
        port, script = self.port or self.box.settings.web.port, str(HERE / "viewer_farm.py")
        command = [sys.executable, script, str(port), self.cookie, str(self.seconds), *paths]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _plain(box: BenchBox, audience: Audience, paths: list[str]) -> float | None:
    """Return the cores a plain fan-out takes for as many viewers as the goal; None where it does not get so far."""
    command = [sys.executable, "-m", "bench.fan_peer", str(box.settings.live_socket)]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(peer.stdout.readline()) if peer.stdout else 0
        box.processes["peer"] = peer  # type: ignore[assignment]  counted like the box's own
        step = replace(audience, port=port).step(paths, GOAL, FPS)
        return float(step["cores_used"]["peer"]) if step.get("cores_used") else None
    finally:
        box.processes.pop("peer", None)
        peer.kill()
        peer.wait(10)


def _lost(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    return sum(b["gaps"] - a["gaps"] + b["dropped"] - a["dropped"] for a, b in zip(before, after, strict=True))


def _sealed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[int]:
    return [b["segments"] - a["segments"] for a, b in zip(before, after, strict=True)]


def judged(got: dict[str, Any], lost: int, sealed: list[int], pictures: float) -> dict[str, Any]:
    """Return a step with the verdict: every viewer got every picture in time, and every camera was sealed."""
    fewest = min(got.pop("frames"), default=0)
    sustained = (
        fewest >= pictures * 0.98
        and got["missed"] == got["refused"] == got["ended"] == lost == 0
        and got["worst_pause_s"] < MOST_PAUSE_SECONDS
        and min(sealed) >= got["seconds"] / 2.2
    )
    step = {**got, "fewest_frames": fewest, "segments": sealed, "lost": lost, "sustained": sustained}
    print(f"  viewers {json.dumps(step)}", flush=True)
    return step
