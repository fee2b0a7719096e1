"""The computer the box runs on, as the kernel tells it; ``root`` and ``ask`` are replaced in tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECONDS_TO_ANSWER: Final = 5.0
MAX_ANSWER: Final = 4 << 20
Ask = Callable[[Sequence[str]], "str | None"]
"""Runs a program and returns what it printed; None where it is not there, fails or takes too long."""


def ask_program(words: Sequence[str]) -> str | None:
    """Run a program of the system with fixed words, without a shell and with nothing to read."""
    try:
        answer = subprocess.run(  # noqa: S603  fixed words, no input
            list(words), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_TO_ANSWER, check=False,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout[:MAX_ANSWER].decode("utf-8", "replace") if answer.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of memory in all, and what programs could still get."""

    total: int
    available: int


@dataclass(frozen=True, slots=True)
class Throttled:
    """What a Raspberry Pi's firmware says of its power and heat (``vcgencmd get_throttled``)."""

    bits: int

    @property
    def low_voltage_now(self) -> bool:
        """Whether the supply is too weak now."""
        return bool(self.bits & 1 << 0)

    @property
    def low_voltage_since_start(self) -> bool:
        """Whether it was since the machine started."""
        return bool(self.bits & 1 << 16)

    @property
    def slowed_now(self) -> bool:
        """Whether heat or a weak supply hold the processor back now."""
        return bool(self.bits & (1 << 1 | 1 << 2 | 1 << 3))

    @property
    def slowed_since_start(self) -> bool:
        """Whether they did since the machine started."""
        return bool(self.bits & (1 << 17 | 1 << 18 | 1 << 19))


@dataclass(frozen=True, slots=True)
class Machine:
    """Reads ``/proc`` and ``/sys`` below ``root``, and asks the system's programs. What cannot be told is None."""

    root: Path = Path("/")
    ask: Ask = ask_program

    def text(self, path: str) -> str | None:
        """Return the stripped text of a small file below the root, None where there is none."""
        try:
            with (self.root / path).open("rb") as file:
                return file.read(64 * 1024).decode("utf-8", "replace").strip("\0\n ")
        except OSError:
            return None

    def model(self) -> str | None:
        """Return what the maker calls the machine; never a serial number."""
        return self.text("proc/device-tree/model") or self.text("sys/class/dmi/id/product_name")

    def processor(self) -> str | None:
        """Return the processor's name."""
        for line in (self.text("proc/cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
        return None

    def cores(self) -> int:
        """Return how many processors there are."""
        return os.cpu_count() or 1

    def memory(self) -> Memory | None:
        """Return the memory."""
        found: dict[str, int] = {}
        for line in (self.text("proc/meminfo") or "").splitlines():
            name, _, value = line.partition(":")
            number = value.split()[:1]
            if number and number[0].isdigit():
                found[name] = int(number[0]) * 1024
        if "MemTotal" not in found or "MemAvailable" not in found:
            return None
        return Memory(found["MemTotal"], found["MemAvailable"])

    def load(self) -> float | None:
        """Return the load of the last five minutes: how many tasks wanted to run at a time."""
        try:
            return float((self.text("proc/loadavg") or "").split()[1])
        except (IndexError, ValueError):
            return None

    def up_seconds(self) -> int | None:
        """Return for how long the machine has been running."""
        try:
            return int(float((self.text("proc/uptime") or "").split()[0]))
        except (IndexError, ValueError):
            return None

    def temperature(self) -> float | None:
        """Return the hottest zone's temperature in degrees Celsius."""
        zones = []
        for file in sorted((self.root / "sys/class/thermal").glob("thermal_zone*/temp")):
            text = self.text(str(file.relative_to(self.root)))
            if text and text.lstrip("-").isdigit() and 0 < int(text) < 150_000:  # noqa: PLR2004  sensors that are not there tell nonsense
                zones.append(int(text) / 1000)
        return max(zones, default=None)

    def throttled(self) -> Throttled | None:
        """Return what a Raspberry Pi says of power and heat; None on other machines."""
        said = self.text("sys/devices/platform/soc/soc:firmware/get_throttled")
        if said is None and "Raspberry" in (self.model() or ""):
            said = (self.ask(["vcgencmd", "get_throttled"]) or "").strip().removeprefix("throttled=")
        try:
            return Throttled(int(said, 16)) if said else None
        except ValueError:
            return None
