"""What a sitting's history says about time, on an axis that clock steps do not touch.

The box's wall clock can be set while people write. Each step is itself an event (``clock_stepped``, ``by_us``: how far
the clock was set forward, negative for back), recorded before the first event of the new clock. The *steady* time of
an event is its wall time less all steps before it. Steady time never runs backwards: an event that is dated before
its predecessor counts at its predecessor's moment, so that a small step nobody noticed blocks nobody.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from appliance.exams.allowances import Allowance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exams.transitions import Event

EVERYBODY: Final = ""
"""Whom an event without a candidate concerns."""
StopKind = Literal["pause_all", "pause", "break"]
_BEGINS: Final = frozenset({"begin", "begin_late"})
_FINISHES: Final = frozenset({"finish", "withdraw", "close_ghost"})
_ENDS: Final = frozenset({"end", "end_early", "close_ghosts"})


@dataclass(frozen=True, slots=True)
class Stop:
    """A stretch in which a clock stood still: from, until (None: still does), for whom, by whom, why. Steady times."""

    start_us: int
    end_us: int | None
    kind: StopKind
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Extra:
    """Extra time given while the exam ran."""

    amount_us: int
    who: str
    why: str


@dataclass(slots=True)
class Timeline:
    """Facts about time by candidate (``EVERYBODY`` for all). All times are steady microseconds.

    ``offset_us``: all clock steps so far. ``last_us``: the newest event.
    """

    offset_us: int = 0
    last_us: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    begun: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    stops: dict[str, list[Stop]] = field(default_factory=lambda: defaultdict(list))
    extras: dict[str, list[Extra]] = field(default_factory=lambda: defaultdict(list))
    allowances: dict[str, Allowance] = field(default_factory=dict)

    def steady(self, wall_us: int) -> int:
        """Return the steady time of a wall time of the clock as it is set now."""
        return wall_us - self.offset_us

    def wall(self, steady_us: int) -> int:
        """Return what the clock as it is set now shows, showed or would have shown at a steady time."""
        return steady_us + self.offset_us

    def add(self, event: Event) -> None:
        """Take in the next event of the history."""
        if event.name == "clock_stepped":
            self.offset_us += int(event.detail["by_us"])
            return
        now = self.steady(event.at_us)
        now = now if self.last_us is None else max(now, self.last_us)
        self.last_us = now
        self._stopping(event, now)
        self._granting(event)
        self._passing(event, now)

    def _stopping(self, event: Event, now: int) -> None:
        whom = event.candidate
        match event.name:
            case "pause_all" | "pause" if event.detail.get("compensate", True):
                kind: StopKind = "pause_all" if event.name == "pause_all" else "pause"
                self.stops[whom].append(Stop(now, None, kind, event.who, event.why))
            case "take_break" if event.detail.get("stops_clock", False):
                self.stops[whom].append(Stop(now, None, "break", event.who, event.why))
            case "resume_all" | "resume" | "return_from_break":
                self._run_again(whom, now)

    def _run_again(self, whom: str, now: int) -> None:
        stops = self.stops[whom]
        if stops and stops[-1].end_us is None:
            last = stops[-1]
            stops[-1] = Stop(last.start_us, now, last.kind, last.who, last.why)

    def _granting(self, event: Event) -> None:
        match event.name:
            case "extend" | "extend_all":
                amount = int(event.detail["amount_us"])
                self.extras[event.candidate].append(Extra(amount, event.who, event.why))
            case "set_allowance":
                detail = event.detail
                self.allowances[event.candidate] = Allowance(
                    percent_hundredths=int(detail.get("percent_hundredths", 0)), minutes=int(detail.get("minutes", 0))
                )

    def _passing(self, event: Event, now: int) -> None:
        if event.name == "start":
            self.started_us = now
        elif event.name in _BEGINS:
            self.begun[event.candidate] = now
        elif event.name in _FINISHES:
            self._finish(event.candidate, now)
        elif event.name == "continue_writing":
            self.finished.pop(event.candidate, None)
        elif event.name in _ENDS:
            if self.ended_us is None:
                self.ended_us = now
            self._run_again(EVERYBODY, now)
            for candidate in self.begun:
                self._finish(candidate, now)

    def _finish(self, candidate: str, now: int) -> None:
        if candidate in self.begun:
            self.finished.setdefault(candidate, now)
            self._run_again(candidate, now)


def timeline_of(history: Iterable[Event]) -> Timeline:
    """Return what an accepted history says about time; takes each event once."""
    timeline = Timeline()
    for event in history:
        timeline.add(event)
    return timeline
