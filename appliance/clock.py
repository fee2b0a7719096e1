"""Time, injected everywhere so that no test has to wait for it.

Units are in the names: ``_us`` is microseconds. Wall time is UTC since 1970; monotonic time counts
through suspend (``CLOCK_BOOTTIME``) and means nothing beyond one boot.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

SECOND_US = 1_000_000


class Clock(Protocol):
    """What the box asks of time."""

    def wall_us(self) -> int:
        """Return UTC as microseconds since 1970-01-01."""
        ...

    def mono_us(self) -> int:
        """Return microseconds that only ever grow, through suspend, within one boot."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let that much monotonic time pass."""
        ...


class SystemClock:
    """The kernel's clocks."""

    def wall_us(self) -> int:
        """Return UTC as microseconds since 1970-01-01."""
        return time.time_ns() // 1000

    def mono_us(self) -> int:
        """Return CLOCK_BOOTTIME in microseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def sleep(self, seconds: float) -> None:
        """Sleep in the kernel."""
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told: for tests and replays. Safe to share between threads."""

    def __init__(self, wall_us: int = 1_800_000_000 * SECOND_US, mono_us: int = 1_000 * SECOND_US) -> None:
        self._wall = wall_us
        self._mono = mono_us
        self._lock = threading.Lock()

    def wall_us(self) -> int:
        """Return the wall time last set."""
        with self._lock:
            return self._wall

    def mono_us(self) -> int:
        """Return the monotonic time last set."""
        with self._lock:
            return self._mono

    def sleep(self, seconds: float) -> None:
        """Advance instead of waiting."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let both clocks run on by ``seconds``."""
        with self._lock:
            self._wall += round(seconds * SECOND_US)
            self._mono += round(seconds * SECOND_US)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back, as NTP or a person would; monotonic time is untouched."""
        with self._lock:
            self._wall += round(seconds * SECOND_US)


def format_utc(wall_us: int) -> str:
    """Return ``2026-11-21T19:21:00.123Z`` for microseconds since 1970."""
    moment = datetime.fromtimestamp(wall_us // SECOND_US, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{wall_us % SECOND_US // 1000:03d}Z"


def parse_utc(text: str) -> int:
    """Return microseconds since 1970 for an ISO 8601 date-time.

    A missing offset means UTC. Raises ValueError if the text is not a date-time.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND_US + moment.microsecond


def boot_id() -> str:
    """Return the kernel's identity of this boot, or ``unknown`` where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


_TRUST_TTL_S = 30.0
_trust_asked: tuple[float, bool] | None = None


def clock_is_trusted() -> bool:
    """Return whether the kernel's clock is disciplined (``adjtimex``: not STA_UNSYNC).

    A sandboxed process may not make that call; then systemd-timedated is asked, which makes the same
    one (at most every 30 s, for at most a second). Without evidence the answer is no; the box then
    records that its wall clock was not trusted.
    """
    disciplined = _kernel_says_disciplined()
    return _timedated_says_disciplined() if disciplined is None else disciplined


def _kernel_says_disciplined() -> bool | None:
    """Return what ``adjtimex`` says, None where this process may not ask."""
    import ctypes  # noqa: PLC0415  only a few callers need it

    buffer = (ctypes.c_long * 64)()  # struct timex is about 26 longs; zeroed: modes = 0 means read only
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(buffer))
    except (OSError, AttributeError):
        return None
    time_error = 5  # TIME_ERROR in <sys/timex.h>
    return None if state == -1 else bool(state != time_error)


def _timedated_says_disciplined() -> bool:
    """Return org.freedesktop.timedate1's NTPSynchronized; no where it cannot be asked."""
    import subprocess  # noqa: PLC0415  only under a sandbox

    global _trust_asked  # noqa: PLW0603  one answer a process; a lost update only asks once more
    now = time.monotonic()
    if _trust_asked is not None and now - _trust_asked[0] < _TRUST_TTL_S:
        return _trust_asked[1]
    name = "org.freedesktop.timedate1"
    question = ["/usr/bin/busctl", "--system", "--timeout=1", "get-property"]
    try:
        answer = subprocess.run(  # noqa: S603  fixed words
            [*question, name, "/org/freedesktop/timedate1", name, "NTPSynchronized"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=1,
            check=False,
        )
        trusted = answer.stdout.strip() == b"b true"
    except (OSError, subprocess.TimeoutExpired):
        trusted = False
    _trust_asked = (now, trusted)
    return trusted
