"""What recording costs: CPU seconds and memory, against ffmpeg and motion on the same four streams."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from bench.peers import Peer, ffmpeg, motion
from bench.processes import Window, command_line, rss_mb, tree
from bench.rig import BenchBox, Farm, Viewer, wait_for

if TYPE_CHECKING:
    from pathlib import Path

CAMERAS = 4
WARM_UP_SECONDS = 8.0


def measure(farm: Farm, folder: Path, *, runs: int, seconds: float) -> dict[str, Any]:
    """Run box, ffmpeg and motion one after the other, ``runs`` times; return the figures."""
    box: list[dict[str, float]] = []
    peers: dict[str, list[float]] = {"ffmpeg": [], "motion": []}
    ffmpeg_rss: list[float] = []
    for run in range(runs):
        place = folder / f"run-{run}"
        place.mkdir(parents=True)
        box.append(_box(farm, place / "box", seconds))
        for name, start in (("ffmpeg", ffmpeg), ("motion", motion)):
            (place / name).mkdir()
            peer = start(farm, place / name)
            if peer:
                peers[name].append(_peer(peer, place / name, seconds, ffmpeg_rss if name == "ffmpeg" else []))
        print(f"  run {run + 1}: box {box[-1]['cpu']:.2f} s, " + ", ".join(
            f"{name} {spent[-1]:.2f} s" if spent else f"{name} missing" for name, spent in peers.items()
        ), flush=True)  # fmt: skip
    return {
        "record_cpu_vs_ffmpeg": _ratio(box, peers["ffmpeg"], "ffmpeg -c copy -f segment", 2.0, seconds),
        "record_cpu_vs_motion": _ratio(box, peers["motion"], "motion, movie_passthrough on", 0.2, seconds),
        "rss_mb_per_camera": {
            "value": round(statistics.median([one["rss"] for one in box]), 1),
            "goal": 60,
            "what": "resident memory of one camera's process, shared libraries included; mean over four",
            "runs": [round(one["rss"], 1) for one in box],
            "peer": "one ffmpeg process",
            "peer_value": round(statistics.median(ffmpeg_rss), 1) if ffmpeg_rss else None,
        },
    }


def _box(farm: Farm, state: Path, seconds: float) -> dict[str, float]:
    box = BenchBox(state, farm.addresses)
    box.record()
    box.start("keyring", "capture", "web")
    viewer: Viewer | None = None
    try:
        box.wait_sealing(2)
        started = sum(Window(box.pids(), {}).spent() for _ in (0,))
        viewer = _viewer(box)
        time.sleep(WARM_UP_SECONDS)
        sealed, seen, window = box.segments(), viewer.bytes, Window.begin(*box.pids())
        time.sleep(seconds)
        spent = window.spent()
        cameras = [pid for root in box.pids() for pid in tree(root) if "camera_process" in command_line(pid)]
        memory = statistics.mean(rss_mb(pid) for pid in cameras)
        grown = [after - before for before, after in zip(sealed, box.segments(), strict=True)]
        if len(cameras) != CAMERAS or min(grown) < seconds / 2.2 or viewer.bytes - seen < seconds * 200_000:
            raise SystemExit(f"bench: the box did not record and show all the time (segments {grown})")
    finally:
        if viewer:
            viewer.close()
        box.stop()
    return {"cpu": spent, "rss": memory, "start_up": started}


def _viewer(box: BenchBox) -> Viewer:
    found: list[Viewer] = []

    def come() -> bool:
        try:
            found.append(box.watch("camera-0"))
        except ConnectionError:
            return False
        return True

    wait_for(come, 15, "the live view")
    return found[0]


def _peer(peer: Peer, folder: Path, seconds: float, memory: list[float]) -> float:
    try:
        wait_for(
            lambda: len([p for p in folder.glob("*.m*") if p.stat().st_size > 0]) >= CAMERAS, 60, "the peer's files"
        )
        time.sleep(WARM_UP_SECONDS)
        before = _bytes(folder)
        window = Window.begin(*peer.pids)
        time.sleep(seconds)
        spent = window.spent()
        memory.extend(rss_mb(pid) for pid in peer.pids)
        if _bytes(folder) - before < CAMERAS * seconds * 350_000:
            raise SystemExit("bench: a peer did not record all cameras all the time")
    finally:
        peer.stop()
    return spent


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.m*"))


def _ratio(box: list[dict[str, float]], peer: list[float], name: str, goal: float, seconds: float) -> dict[str, Any]:
    figure: dict[str, Any] = {
        "value": None,
        "goal": goal,
        "what": f"CPU seconds in {seconds:.0f} s, 4 RTSP cameras 1080p25 4 Mbit/s, sealing, one live viewer over HTTP, "
        "all processes / the peer's on the same streams",
        "peer": name,
        "box_cpu_seconds": [round(one["cpu"], 2) for one in box],
        "start_up_cpu_seconds": [round(one["start_up"], 2) for one in box],
        "peer_cpu_seconds": [round(spent, 2) for spent in peer],
    }
    if peer:
        ratios = [one["cpu"] / spent for one, spent in zip(box, peer, strict=True)]
        figure["value"] = round(statistics.median(ratios), 3)
        figure["runs"] = [round(ratio, 3) for ratio in ratios]
        figure["spread"] = round(max(ratios) - min(ratios), 3)
    return figure
