"""Time."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import clock as clocks
from appliance.clock import (
    SECOND_US,
    ManualClock,
    SystemClock,
    boot_id,
    clock_is_trusted,
    format_utc,
    parse_utc,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_system_clock_reads_the_kernels_clocks() -> None:
    """Wall time is UTC in microseconds; monotonic time is CLOCK_BOOTTIME and passes while sleeping."""
    clock = SystemClock()
    assert abs(clock.wall_us() - time.time() * SECOND_US) < 5 * SECOND_US
    before = clock.mono_us()
    assert abs(before - time.clock_gettime(time.CLOCK_BOOTTIME) * SECOND_US) < 5 * SECOND_US
    clock.sleep(0.01)
    assert clock.mono_us() - before >= 10_000


def test_a_manual_clock_moves_only_when_told() -> None:
    """Sleeping advances both clocks, a step only the wall clock."""
    clock = ManualClock(wall_us=100, mono_us=7)
    assert (clock.wall_us(), clock.mono_us()) == (100, 7)
    clock.sleep(1.5)
    assert (clock.wall_us(), clock.mono_us()) == (100 + 1_500_000, 7 + 1_500_000)
    clock.step(-2)
    assert (clock.wall_us(), clock.mono_us()) == (100 - 500_000, 7 + 1_500_000)


def test_a_manual_clock_may_be_shared_by_threads() -> None:
    """No advance is lost."""
    clock = ManualClock(0, 0)
    threads = [threading.Thread(target=lambda: [clock.advance(0.001) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (clock.wall_us(), clock.mono_us()) == (2_000_000, 2_000_000)


def test_utc_is_written_to_the_millisecond() -> None:
    """Always UTC, always the same width; before 1970 too."""
    assert format_utc(1_800_000_000_123_999) == "2027-01-15T08:00:00.123Z"
    assert format_utc(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("text", "wall_us"),
    [
        ("2027-01-15T08:00:00Z", 1_800_000_000 * SECOND_US),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000 * SECOND_US),
        (" 2027-01-15 08:00:00.000001 ", 1_800_000_000 * SECOND_US + 1),
        ("2027-01-15", 1_800_000_000 * SECOND_US - 8 * 3600 * SECOND_US),
    ],
)
def test_utc_is_read_from_iso_8601(text: str, wall_us: int) -> None:
    """Offsets count; without one it is UTC."""
    assert parse_utc(text) == wall_us


@pytest.mark.parametrize("text", ["", "yesterday", "2027-13-01", "1800000000"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """Numbers and words are no dates."""
    with pytest.raises(ValueError, match=r".+"):
        parse_utc(text)


@given(st.integers(-(10**15), 10**17))
def test_reading_what_was_written_loses_only_microseconds(wall_us: int) -> None:
    """Writing cuts to whole milliseconds, towards the past."""
    assert parse_utc(format_utc(wall_us)) == wall_us // 1000 * 1000


def test_boot_id_is_the_kernels_and_never_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same within a boot; a word where there is none."""
    assert boot_id() == boot_id()
    assert len(boot_id()) == 36
    monkeypatch.setattr(clocks, "Path", lambda _: tmp_path / "none")
    assert boot_id() == "unknown"


class _Kernel:
    def __init__(self, answer: int) -> None:
        self.answer = answer

    def adjtimex(self, _timex: object) -> int:
        """Give the answer the test wants."""
        return self.answer


@pytest.mark.parametrize(("answer", "trusted"), [(0, True), (1, True), (4, True), (5, False)])
def test_the_clock_is_trusted_only_on_the_kernels_word(
    monkeypatch: pytest.MonkeyPatch, answer: int, *, trusted: bool
) -> None:
    """TIME_ERROR (5) means that nobody vouches for it; a leap second does not."""
    import ctypes

    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_options: _Kernel(answer))
    assert clock_is_trusted() is trusted


class _Bus:
    """Stands in for busctl and counts how often it is asked."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self, command: list[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        """Answer as the test wants."""
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return subprocess.CompletedProcess(command, 0, self.answer, b"")


@pytest.mark.parametrize(
    ("answer", "trusted"),
    [
        (b"b true\n", True),
        (b"b false\n", False),
        (b"", False),
        (FileNotFoundError("no busctl"), False),
        (subprocess.TimeoutExpired("busctl", 1), False),
    ],
)
def test_where_the_kernel_may_not_be_asked_timedated_is(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception, *, trusted: bool
) -> None:
    """A sandboxed process asks systemd-timedated, once in half a minute; without an answer the clock is not trusted."""
    import ctypes

    bus = _Bus(answer)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_options: _Kernel(-1))
    monkeypatch.setattr(subprocess, "run", bus)
    monkeypatch.setattr(clocks, "_trust_asked", None)
    assert clock_is_trusted() is trusted
    assert clock_is_trusted() is trusted
    assert bus.asked == 1


def test_without_any_evidence_the_clock_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither C library nor timedated: the answer is no."""
    import ctypes

    def missing(*_args: object, **_options: object) -> None:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(subprocess, "run", _Bus(FileNotFoundError("no busctl")))
    monkeypatch.setattr(clocks, "_trust_asked", None)
    assert clock_is_trusted() is False
