"""The computer below: what the kernel and a Raspberry Pi's firmware say, from folders that stand in for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.diagnosis import computer
from appliance.diagnosis.machine import Machine, Memory, Throttled, ask_program
from appliance.diagnosis.result import Check, Examined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from appliance.clock import ManualClock
    from appliance.config import Settings

PI = "Raspberry Pi 5 Model B Rev 1.0\0"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write files below a folder that stands for the root of the file system."""

    def write(**files: str) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, text in files.items():
            path = root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write


@pytest.fixture
def seen(settings: Settings, clock: ManualClock) -> Callable[[Machine], Examined]:
    """A box on a machine."""
    return lambda machine: Examined(settings, clock, machine=machine)


def _states(checks: list[Check]) -> list[str]:
    return [check.state for check in checks]


def test_the_kernel_is_read(written: Callable[..., Path]) -> None:
    """Memory, load, time since the start, model: numbers as they stand in the files."""
    root = written(
        proc__meminfo="MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: 4000000 kB\n",
        proc__loadavg="0.50 1.25 2.00 1/200 4242\n",
        proc__uptime="90061.55 1.0\n",
    )
    machine = Machine(root)
    assert machine.memory() == Memory(8_192_000_000, 4_096_000_000)
    assert machine.load() == 1.25
    assert machine.up_seconds() == 90061


def test_a_machine_that_tells_nothing_is_no_finding(
    written: Callable[..., Path], seen: Callable[[Machine], Examined]
) -> None:
    """Without files, and with files that make no sense, nothing is said rather than something wrong."""
    for root in (written(), written(proc__meminfo="x", proc__loadavg="", proc__uptime="?", proc__cpuinfo=":")):
        examined = seen(Machine(root, lambda _: None))
        checks = (computer.check_power, computer.check_temperature, computer.check_memory, computer.check_load)
        assert [check(examined) for check in checks] == [[], [], [], []]


@pytest.mark.parametrize(
    ("bits", "power", "heat"),
    [
        (0x0, "ok", "ok"),
        (0x50005, "fail", "fail"),
        (0x10000, "warn", "ok"),
        (0x40000, "ok", "warn"),
        (0x4, "ok", "fail"),
    ],
)
def test_a_raspberry_pi_tells_of_weak_power_and_heat(
    written: Callable[..., Path], seen: Callable[[Machine], Examined], bits: int, power: str, heat: str
) -> None:
    """Now fails, since the start warns (the firmware's bits 0 to 3 and 16 to 19)."""
    root = written(**{"proc__device-tree__model": PI}, sys__class__thermal__thermal_zone0__temp="51200\n")
    asked: list[Sequence[str]] = []

    def ask(words: Sequence[str]) -> str:
        asked.append(words)
        return f"throttled={bits:#x}\n"

    examined = seen(Machine(root, ask))
    assert _states(computer.check_power(examined)) == [power]
    assert _states(computer.check_temperature(examined)) == [heat]
    assert set(map(tuple, asked)) == {("vcgencmd", "get_throttled")}


def test_the_kernel_tells_throttling_without_a_program(written: Callable[..., Path]) -> None:
    """Where the firmware driver shows it as a file, nothing is started."""
    root = written(**{"sys__devices__platform__soc__soc:firmware__get_throttled": "50000\n"})
    assert Machine(root, lambda _: "throttled=0x0").throttled() == Throttled(0x50000)


@pytest.mark.parametrize(("millidegrees", "state"), [(45_000, "ok"), (76_000, "warn"), (88_000, "fail")])
def test_heat_is_judged_by_the_hottest_zone(
    written: Callable[..., Path], seen: Callable[[Machine], Examined], millidegrees: int, state: str
) -> None:
    """A sensor that is not there (a nonsense value) does not count."""
    root = written(
        sys__class__thermal__thermal_zone0__temp="20000",
        sys__class__thermal__thermal_zone1__temp=str(millidegrees),
        sys__class__thermal__thermal_zone2__temp="-274000",
        sys__class__thermal__thermal_zone3__temp="9999999",
    )
    found = computer.check_temperature(seen(Machine(root, lambda _: None)))
    assert _states(found) == [state]
    assert f"{millidegrees // 1000} °C" in found[0].message


@pytest.mark.parametrize(("available", "state"), [(500, "ok"), (80, "warn"), (20, "fail")])
def test_memory_is_judged(
    written: Callable[..., Path], seen: Callable[[Machine], Examined], available: int, state: str
) -> None:
    """By what programs could still get, in percent."""
    root = written(proc__meminfo=f"MemTotal: 1000 kB\nMemAvailable: {available} kB\n")
    assert _states(computer.check_memory(seen(Machine(root)))) == [state]


def test_a_machine_that_does_not_keep_up_is_warned_of(
    written: Callable[..., Path], seen: Callable[[Machine], Examined], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the load of five minutes for each processor."""
    monkeypatch.setattr(Machine, "cores", lambda _: 4)
    root = written(proc__loadavg="9 3.0 1 1/1 1")
    assert _states(computer.check_load(seen(Machine(root)))) == ["ok"]
    written(proc__loadavg="1 9.0 1 1/1 1")
    assert _states(computer.check_load(seen(Machine(root)))) == ["warn"]


def test_errors_in_the_journal_are_counted_and_not_repeated(
    written: Callable[..., Path], seen: Callable[[Machine], Examined]
) -> None:
    """The message of an error may name somebody: only how many there were is said."""
    lines = "\n".join([json.dumps({"PRIORITY": "3"})] * 3)
    machine = Machine(written(run__systemd__system__x=""), lambda _: lines)
    (found,) = computer.check_journal(seen(machine))
    assert (found.state, found.message) == ("warn", "3 errors in the last 24 hours.")


def test_a_journal_that_is_closed_is_not_called_clean(
    written: Callable[..., Path], settings: Settings, clock: ManualClock
) -> None:
    """Without the right to read it journalctl finds nothing: to the dashboard that is unseen, not good."""
    machine = Machine(written(run__systemd__system__x=""), lambda _: "")
    (found,) = computer.check_journal(Examined(settings, clock, privileged=False, machine=machine))
    assert found.state == "unseen"


def test_programs_are_asked_without_a_shell_and_may_be_missing() -> None:
    """What is not there, or fails, tells nothing."""
    assert ask_program(["/bin/echo", "$HOME; true"]) == "$HOME; true\n"
    assert ask_program(["/bin/false"]) is None
    assert ask_program(["/no/such/program"]) is None
