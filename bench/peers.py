"""The recorders the box is measured against, on the same streams in the same run."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rig import Farm


class Peer:
    """Processes that record a farm's cameras; `stop` ends them."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self.processes = processes

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the processes' ids."""
        return tuple(process.pid for process in self.processes)

    def stop(self) -> None:
        """End them."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def ffmpeg(farm: Farm, folder: Path) -> Peer | None:
    """Record by ``ffmpeg -c copy -f segment``, one process a camera; None where there is no ffmpeg."""
    if not shutil.which("ffmpeg"):
        return None
    processes = []
    for number in range(len(farm.addresses)):
        out = folder / f"ffmpeg-{number}-%03d.mp4"
        processes.append(
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
                    "-f",
                    "segment",
                    "-segment_time",
                    "60",
                    "-y",
                    str(out),
                ],
            )
        )
    return Peer(processes)


def motion(farm: Farm, folder: Path) -> Peer | None:
    """Record by Debian's motion: passthrough, its detection off as far as it goes; None where it is missing."""
    if not shutil.which("motion"):
        return None
    cameras = []
    for number, address in enumerate(farm.addresses):
        camera = folder / f"motion-{number}.conf"
        camera.write_text(
            f"camera_id {number + 1}\nnetcam_url {address}\nnetcam_userpass bench:bench-only\n"
            "netcam_params rtsp_transport=tcp\nwidth 1920\nheight 1080\nframerate 25\n"
        )
        cameras.append(f"camera {camera}")
    main = folder / "motion.conf"
    main.write_text(
        f"daemon off\nlog_level 3\ntarget_dir {folder}\nmovie_output on\nmovie_passthrough on\nmovie_max_time 60\n"
        "movie_filename %t-%v-%Y%m%d%H%M%S\n"
        "emulate_motion on\npicture_output off\nthreshold 2147483647\nlightswitch_percent 0\n"
        "noise_tune off\nwebcontrol_port 0\nstream_port 0\n" + "\n".join(cameras) + "\n"
    )
    return Peer(
        [subprocess.Popen(["motion", "-n", "-c", str(main)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    )
