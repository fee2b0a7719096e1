"""Run all figures: ``python -m bench [--quick] [--only NAME] [--out FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from appliance import __version__
from bench import (
    api_cost,
    delivery_rate,
    disk_cost,
    hub_cost,
    live_latency,
    page_cost,
    recording_cost,
    review_cost,
    start_time,
    usb_cost,
    usb_screen,
    viewers,
)
from bench.rig import Farm, prepare_stream

PACKAGES = "ffmpeg motion python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
gstreamer1.0-plugins-bad e2fsprogs"
CACHE = Path("build/bench")
FIGURES = [
    "recording",
    "disk",
    "start",
    "seal",
    "pages",
    "viewers",
    "latency",
    "review",
    "deliveries",
    "api",
    "hub",
    "usb",
]


def install_peers() -> None:
    """Install missing peers from Debian, as root; otherwise say which are missing (their figures are null)."""
    if all(shutil.which(name) for name in ("ffmpeg", "motion")) and Path("/usr/lib/girepository-1.0").exists():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        print(f"bench: peers are missing; install them for all figures: apt-get install {PACKAGES}")
        return
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    subprocess.run(["apt-get", "install", "-y", "-qq", *PACKAGES.split()], check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure and write the report."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="one short run of each: for trying, not for the record")
    options.add_argument("--runs", type=int, default=3, help="how often the long figures are measured")
    options.add_argument("--only", action="append", choices=FIGURES)
    options.add_argument("--out", type=Path, default=Path("build/bench.json"))
    chosen = options.parse_args()
    only = set(chosen.only or FIGURES)
    runs, seconds = (1, 15.0) if chosen.quick else (max(1, chosen.runs), 60.0)
    install_peers()
    CACHE.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="exambox-bench-", dir=CACHE) as name:
        folder = Path(name).absolute()
        stream = prepare_stream(CACHE.absolute(), kbit=4000)
        with Farm(stream, recording_cost.CAMERAS) as farm:
            if "start" in only:
                figures["start_to_first_segment_s"] = start_time.measure(farm, folder, runs=1 if chosen.quick else 5)
            if "disk" in only:
                figures["write_amplification"] = disk_cost.amplification(farm, folder, runs=runs, seconds=seconds)
            if "recording" in only:
                figures |= recording_cost.measure(farm, folder, runs=runs, seconds=seconds)
            if "pages" in only:
                figures |= page_cost.measure(farm, folder, runs=1 if chosen.quick else 5)
            if "viewers" in only:
                figures |= viewers.measure(farm, folder, seconds=10.0 if chosen.quick else 30.0, quick=chosen.quick)
        figures |= _without_a_farm(only, folder, stream, runs=runs, quick=chosen.quick)
    report = {"version": __version__, "machine": machine(), "quick": chosen.quick, "figures": figures}
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name, figure in figures.items():
        peer = f" (peer {figure['peer_value']})" if figure.get("peer_value") is not None else ""
        print(f"{name:26} {figure['value']!s:>9}  goal {figure['goal']}{peer}")
    print(f"written to {chosen.out}")


def _without_a_farm(only: set[str], folder: Path, stream: Path, *, runs: int, quick: bool) -> dict[str, Any]:
    """Measure what needs no farm of cameras."""
    figures: dict[str, Any] = {}
    if "latency" in only:
        figures |= live_latency.measure(folder, seconds=60.0 if quick else 600.0)
    if "review" in only:
        figures |= review_cost.measure(CACHE.absolute(), stream, folder, runs=1 if quick else 3)
    if "deliveries" in only:
        figures |= delivery_rate.measure(folder, runs=1 if quick else 3)
    if "api" in only:
        figures |= api_cost.measure(folder, seconds=5.0 if quick else 20.0, runs=runs)
    if "hub" in only:
        figures |= hub_cost.measure(folder, runs=runs, seconds=15.0 if quick else 30.0)
    if "usb" in only:
        figures |= usb_cost.measure(folder / "usb", quick=quick)
        figures |= usb_screen.measure(folder / "usb-screen", quick=quick)
    if "seal" in only:
        figures["seal_mb_per_s"] = disk_cost.seal_speed(folder, runs=runs)
    return figures


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}


if __name__ == "__main__":
    main()
