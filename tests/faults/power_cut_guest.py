"""The first and only program of the virtual machine: records, and tells on the serial line what is committed.

Runs as process 1 under the box's own Python; nothing but the standard library and the installed ``exambox``.
``SEALED camera part seq kind start_us end_us chain`` is said after a record could be read by another process, ``ALIVE
mono_us`` several times a second.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from pathlib import Path

DATA = Path("/data")
VAULT = DATA / "state/vault"
EXAMBOX = "/opt/exambox/venv/bin/exambox"
ENVIRON = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "EXAMBOX_PATHS__STATE": str(DATA / "state"),
    "EXAMBOX_PATHS__RUN": "/run/exambox",
    "EXAMBOX_BOX__TRIAL": "true",
}


def mount(*arguments: str) -> None:
    """Mount something; what the initial file system has mounted already is fine."""
    subprocess.run(["/bin/mount", *arguments], check=False, stderr=subprocess.DEVNULL)


def records(path: Path, after: int) -> list[tuple[object, ...]]:
    """Return the committed records after one; none while the file cannot be read."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)) as db,
    ):
        return db.execute(
            "SELECT seq, kind, start_us, end_us, hex(chain) FROM record WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
    return []


def main() -> None:
    """Mount what is needed, start the capture process, and tell for ever."""
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "sysfs", "sys", "/sys")
    mount("-t", "devtmpfs", "dev", "/dev")
    mount("-t", "tmpfs", "tmp", "/tmp")
    mount("-t", "tmpfs", "run", "/run")
    serial = os.open("/dev/ttyS0", os.O_WRONLY | os.O_NOCTTY)

    def say(*words: object) -> None:
        os.write(serial, (" ".join(map(str, words)) + "\n").encode())

    mount("/dev/vdb", str(DATA))
    say("BOOTED", time.time_ns() // 1000)
    capture = subprocess.Popen([EXAMBOX, "capture"], env=ENVIRON, stdout=serial, stderr=serial)
    told: dict[Path, int] = {}
    while capture.poll() is None:
        for path in sorted(VAULT.glob("*/*/*.sqlite")):
            for seq, *rest in records(path, told.get(path, -1)):
                say("SEALED", path.parent.name, int(path.stem), seq, *rest)
                told[path] = int(str(seq))
        say("ALIVE", time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)
        time.sleep(0.2)
    say("CAPTURE ENDED", capture.returncode)
    time.sleep(3600)


if __name__ == "__main__":
    main()
