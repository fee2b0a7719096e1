"""How long after the start of capture the first segment is sealed and committed."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, Any

from bench.rig import BenchBox, Farm

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_SECONDS = 30.0


def measure(farm: Farm, folder: Path, *, runs: int) -> dict[str, Any]:
    """Start capture with all cameras, recording wished; the slowest camera's first segment counts."""
    times = [_box(farm, folder / f"start-{run}") for run in range(runs)]
    peer = [_ffmpeg(farm, folder / f"start-peer-{run}") for run in range(runs)]
    return {
        "value": round(statistics.median(times), 2),
        "goal": 3,
        "what": "seconds from starting the capture process to the first committed segment of the slowest of 4 cameras",
        "peer": "ffmpeg -c copy: from its start to the first bytes of the slowest of 4 files",
        "peer_value": round(statistics.median(peer), 2),
        "runs": [round(one, 2) for one in times],
        "spread": round(max(times) - min(times), 2),
    }


def _box(farm: Farm, state: Path) -> float:
    box = BenchBox(state, farm.addresses)
    sitting = box.record()
    began = time.monotonic()
    box.start("capture")
    try:
        parts = [box.settings.vault_dir / sitting / f"camera-{n}" / "0001.sqlite" for n in range(len(farm.addresses))]
        while not all(_has_segment(part) for part in parts):
            if time.monotonic() - began > LIMIT_SECONDS:
                raise SystemExit("bench: no first segment within 30 s")
            time.sleep(0.02)
        return time.monotonic() - began
    finally:
        box.stop()


def _has_segment(part: Path) -> bool:
    if not part.exists():
        return False
    try:
        connection = sqlite3.connect(f"file:{part}?mode=ro", uri=True, timeout=0)
        try:
            return connection.execute("SELECT 1 FROM record WHERE kind = 1 LIMIT 1").fetchone() is not None
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _ffmpeg(farm: Farm, folder: Path) -> float:
    folder.mkdir(parents=True)
    began = time.monotonic()
    files = [folder / f"{number}.mkv" for number in range(len(farm.addresses))]
    processes = [
        subprocess.Popen(
            [
                "ffmpeg",
                "-v",
                "error",
                "-nostdin",
                "-rtsp_transport",
                "tcp",
                "-i",
                farm.with_password(number),
                "-c",
                "copy",
                "-flush_packets",
                "1",
                str(path),
            ],
        )
        for number, path in enumerate(files)
    ]
    try:
        while not all(path.exists() and path.stat().st_size for path in files):
            if time.monotonic() - began > LIMIT_SECONDS:
                raise SystemExit("bench: ffmpeg recorded nothing within 30 s")
            time.sleep(0.02)
        return time.monotonic() - began
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
