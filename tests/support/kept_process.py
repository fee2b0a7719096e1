"""A process that is started again whenever it ends, as systemd's ``Restart=always`` does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESTART_SECONDS = 0.1
LEFTOVER_SECONDS = 8.0


def _stat(pid: int) -> list[str]:
    """Return what follows the name in ``/proc/PID/stat`` (state, parent, group); nothing if the process is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def processes() -> dict[int, list[str]]:
    """Return every living process's facts by its id; zombies are dead."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {pid: facts for pid in pids if (facts := _stat(pid)) and facts[0] not in "ZX"}


def children(parent: int) -> list[int]:
    """Return the living children of a process."""
    return [pid for pid, facts in processes().items() if int(facts[1]) == parent]


class KeptProcess:
    """Keeps one command running, in a process group of its own.

    What a dead main process leaves behind is ended before the next start, as a unit's control group is.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._command = list(command)
        self._environ = dict(environ)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.starts = 0

    def start(self) -> Self:
        """Start the process, and keep it."""
        self._wanted.set()
        self._launch()
        self._thread.start()
        return self

    @property
    def pid(self) -> int:
        """The main process at this moment."""
        return self._process.pid if self._process else 0

    def kill(self) -> int:
        """Send SIGKILL to the main process; return its id."""
        pid = self.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self, seconds: float = 20.0) -> int | None:
        """End it in order and keep it no longer; return its exit status, None where it had to be killed."""
        self._wanted.clear()
        process = self._process
        if process is None:
            return None
        process.terminate()
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
            process.kill()
        self._thread.join(LEFTOVER_SECONDS + seconds)
        self._end_leftovers(process.pid)
        return status

    def _launch(self) -> None:
        self.starts += 1
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdout=output, stderr=output, start_new_session=True
            )

    def _keep(self) -> None:
        while self._wanted.is_set() and self._process:
            self._process.wait()
            self._end_leftovers(self._process.pid)
            time.sleep(RESTART_SECONDS)
            if self._wanted.is_set():
                self._launch()

    @staticmethod
    def _end_leftovers(group: int) -> None:
        """Ask what is left of the group to end; by force where it does not."""
        end = time.monotonic() + LEFTOVER_SECONDS
        number = signal.SIGTERM
        while left := [pid for pid, facts in processes().items() if int(facts[2]) == group]:
            if time.monotonic() > end:
                number = signal.SIGKILL
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.05)
