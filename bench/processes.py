"""CPU time and memory of a tree of processes, from the kernel's own accounting."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = 1_000_000_000


def tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: list[int]) -> dict[int, float]:
    """Return the CPU seconds each process's threads have run (``schedstat``: exact, not sampled by ticks)."""
    spent: dict[int, float] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            threads = (Path("/proc") / str(pid) / "task").iterdir()
            spent[pid] = sum(_ran(thread) for thread in threads) / NANOSECONDS
    return spent


def _ran(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0  # it ended meanwhile; short-lived threads are not part of steady recording


def rss_mb(pid: int) -> float:
    """Return a process's resident memory in MB (2**20 bytes), shared libraries included."""
    for line in (Path("/proc") / str(pid) / "status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def command_line(pid: int) -> str:
    """Return what a process was started as."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time over which the CPU seconds of process trees are taken."""

    roots: tuple[int, ...]
    before: dict[int, float]

    @classmethod
    def begin(cls, *roots: int) -> Window:
        """Start counting."""
        return cls(roots, cpu_seconds([pid for root in roots for pid in tree(root)]))

    def spent(self) -> float:
        """Return the CPU seconds since `begin`, of the processes that are there now."""
        now = cpu_seconds([pid for root in self.roots for pid in tree(root)])
        return sum(seconds - self.before.get(pid, 0.0) for pid, seconds in now.items())
