"""Checks of the computer below: power, heat, memory, load, the system's journal."""

from __future__ import annotations

import json
from typing import Final

from appliance.diagnosis.result import Check, Examined, closed

HOT_CELSIUS: Final = 75
TOO_HOT_CELSIUS: Final = 82
"""A Raspberry Pi 5 slows down at 80 to 85 degrees; other boards at more."""
LITTLE_MEMORY_PERCENT: Final = 10
ALMOST_NO_MEMORY_PERCENT: Final = 4
BUSY_LOAD_A_CORE: Final = 1.5
JOURNAL_HOURS: Final = 24
UNITS: Final = ("exambox-capture", "exambox-keyring", "exambox-web", "exambox-sync", "exambox-devices")


def check_power(examined: Examined) -> list[Check]:
    """The supply is strong enough, as a Raspberry Pi measures; other machines do not tell."""
    found = examined.machine.throttled()
    if found is None:
        return []
    hint = "Use the maker's power supply, and a hub with its own for disks and cameras."
    if found.low_voltage_now:
        return [Check("power", "fail", "The voltage is too low: the machine may stop or lose data.", hint)]
    if found.low_voltage_since_start:
        return [Check("power", "warn", "The voltage has been too low since the machine started.", hint)]
    return [Check("power", "ok", "The voltage has been good since the machine started.")]


def check_temperature(examined: Examined) -> list[Check]:
    """The processor is not too hot, and is not held back."""
    machine = examined.machine
    celsius, found = machine.temperature(), machine.throttled()
    hint = "Fit a fan or heat sink, clear the vents, move it out of the sun."
    if found is not None and found.slowed_now:
        return [Check("temperature", "fail", "The processor is slowed down, by heat or a weak supply.", hint)]
    if celsius is None:
        return []
    if celsius >= TOO_HOT_CELSIUS:
        return [Check("temperature", "fail", f"The processor is at {celsius:.0f} °C, too hot to go on long.", hint)]
    if celsius >= HOT_CELSIUS:
        return [Check("temperature", "warn", f"The processor is at {celsius:.0f} °C, which is hot.", hint)]
    if found is not None and found.slowed_since_start:
        told = f"The processor is at {celsius:.0f} °C; it has been slowed down since the machine started."
        return [Check("temperature", "warn", told, hint)]
    return [Check("temperature", "ok", f"The processor is at {celsius:.0f} °C.")]


def check_memory(examined: Examined) -> list[Check]:
    """There is memory left for what comes."""
    memory = examined.machine.memory()
    if memory is None:
        return []
    percent = memory.available * 100 // max(1, memory.total)
    left, total = memory.available // 1_000_000, memory.total // 1_000_000
    hint = "`systemctl status` shows which program takes it. The box needs less than 1 GB with four cameras."
    if percent < ALMOST_NO_MEMORY_PERCENT:
        return [Check("memory", "fail", f"{left} MB of {total} MB of memory are left.", hint)]
    if percent < LITTLE_MEMORY_PERCENT:
        return [Check("memory", "warn", f"{left} MB of {total} MB of memory are left.", hint)]
    return [Check("memory", "ok", f"{left} MB of {total} MB of memory are free.")]


def check_load(examined: Examined) -> list[Check]:
    """The processors keep up."""
    load, cores = examined.machine.load(), examined.machine.cores()
    if load is None:
        return []
    if load > BUSY_LOAD_A_CORE * cores:
        hint = "Cameras that do not encode cost the most: use ones that send H.264, or fewer pictures a second."
        return [Check("load", "warn", f"{load:.1f} tasks want {cores} processors (five minutes).", hint)]
    return [Check("load", "ok", f"{load:.1f} tasks on {cores} processors (five minutes).")]


def check_journal(examined: Examined) -> list[Check]:
    """The box's own processes reported no errors lately; how many, not which: errors may name people."""
    machine = examined.machine
    if machine.text("run/systemd/system") is None and not (machine.root / "run/systemd/system").is_dir():
        return []
    said = machine.ask(["journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=PRIORITY",
                        f"--since=-{JOURNAL_HOURS}h", "--priority=err", "--lines=1000",
                        *(f"--unit={unit}.service" for unit in UNITS)])  # fmt: skip
    if said is None or (not said and not _reads_journal(examined)):
        return [closed("journal")] if not examined.privileged else []
    count = sum(1 for line in said.splitlines() if _is_entry(line))
    if count:
        hint = "`journalctl -u 'exambox-*' -p err --since -24h` shows them."
        return [Check("journal", "warn", f"{count} errors in the last {JOURNAL_HOURS} hours.", hint)]
    return [Check("journal", "ok", f"no errors in the last {JOURNAL_HOURS} hours")]


def _reads_journal(examined: Examined) -> bool:
    """Whether this user sees the units' lines at all: without the right to, journalctl finds nothing and is content."""
    return bool(
        examined.machine.ask(["journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=1",
                              *(f"--unit={unit}.service" for unit in UNITS)])
    )  # fmt: skip


def _is_entry(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
