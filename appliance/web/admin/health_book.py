"""What the box's checks saw, since when each stands so, and what changed lately. Kept in memory; no Flask here."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.clock import Clock
    from appliance.diagnosis.result import Check, State

MAX_CHANGES: Final = 100
FRESH_US: Final = 3_000_000
"""Several readers within this time share one look."""
Kind = Literal["quick", "thorough"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One check and since when (wall) it stands as it does; the message may have changed since."""

    check: Check
    since_us: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Change:
    """A check changed its state; ``before`` is None for one that appeared, ``after`` for one that went."""

    at_us: int
    name: str
    before: State | None
    after: State | None
    message: str


class HealthBook:
    """One for the process, for several threads. ``began_us`` is when it began to look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._changes: deque[Change] = deque(maxlen=MAX_CHANGES)
        self._taken_us: dict[Kind, int] = {}
        self._quick_mono_us: int | None = None
        self._thorough_runs = False
        self.began_us = clock.wall_us()

    @property
    def looks_thoroughly(self) -> bool:
        """Whether the thorough checks are being done now."""
        with self._lock:
            return self._thorough_runs

    def begin_thorough(self) -> bool:
        """Claim the thorough checks; False: somebody does them already."""
        with self._lock:
            claimed, self._thorough_runs = not self._thorough_runs, True
            return claimed

    def end_thorough(self) -> None:
        """Give the claim back."""
        with self._lock:
            self._thorough_runs = False

    def refresh(self, look: Callable[[], list[Check]]) -> None:
        """Look quickly, unless somebody just did."""
        with self._looking:
            now = self._clock.mono_us()
            if self._quick_mono_us is not None and now - self._quick_mono_us < FRESH_US:
                return
            self.take(look(), "quick")
            self._quick_mono_us = now

    def take(self, checks: Iterable[Check], kind: Kind) -> None:
        """Enter what all checks of a kind saw; those of the kind that are not among them are gone."""
        with self._lock:
            now = self._clock.wall_us()
            first = kind not in self._taken_us
            found = {check.name: check for check in checks}
            for check in found.values():
                self._enter(check, kind, now, quietly=first)
            for name in [name for name, seen in self._seen.items() if seen.kind == kind and name not in found]:
                gone = self._seen.pop(name).check
                self._changes.append(Change(now, name, gone.state, None, gone.message))
            self._taken_us[kind] = now

    def _enter(self, check: Check, kind: Kind, now: int, *, quietly: bool) -> None:
        before = self._seen.get(check.name)
        if before is not None and before.check.state == check.state:
            self._seen[check.name] = Seen(check, before.since_us, kind)
            return
        self._seen[check.name] = Seen(check, now, kind)
        if not quietly:
            self._changes.append(
                Change(now, check.name, before.check.state if before else None, check.state, check.message)
            )

    def seen(self) -> list[Seen]:
        """Return everything that is known now, in the order it was first seen."""
        with self._lock:
            return list(self._seen.values())

    def changes(self) -> list[Change]:
        """Return the last changes, newest first."""
        with self._lock:
            return list(reversed(self._changes))

    def taken_us(self, kind: Kind) -> int | None:
        """Return when (wall) the checks of a kind were last done; None: not yet."""
        with self._lock:
            return self._taken_us.get(kind)
