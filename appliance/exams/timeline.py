"""What a sitting's history says about time, on an axis that clock steps do not touch.

The box's wall clock can be set while people write. Each step is itself an event (``clock_stepped``, ``by_us``: how far
the clock was set forward, negative for back), recorded before the first event of the new clock. The *steady* time of
an event is its wall time less all steps before it. Steady time never runs backwards: an event that is dated before
its predecessor counts at its predecessor's moment, so that a small step nobody noticed blocks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from appliance.exams.allowances import allowance_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appliance.exams.allowances import Allowance
    from appliance.exams.transitions import Event

Fact = TypeVar("Fact")
EVERYBODY: Final = ""
"""Whom an event without a candidate concerns."""
StopKind = Literal["pause_all", "pause", "break"]
_BEGINS: Final = frozenset({"begin", "begin_late"})
_FINISHES: Final = frozenset({"finish", "withdraw", "close_ghost"})
_ENDS: Final = frozenset({"end", "end_early", "close_ghosts"})
GIVES_UP: Final = frozenset({"mark_absent", "withdraw", "refuse", "transfer"})
"""What ends a new attempt that never began: the one before it counts again."""


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


@dataclass(frozen=True, slots=True)
class Timeline:
    """Facts about time by candidate (``EVERYBODY`` for all). All times are steady microseconds.

    ``offset_us``: all clock steps so far. ``last_us``: the newest event.
    """

    offset_us: int = 0
    last_us: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    begun: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, int] = field(default_factory=dict)
    stops: Mapping[str, tuple[Stop, ...]] = field(default_factory=dict)
    extras: Mapping[str, tuple[Extra, ...]] = field(default_factory=dict)
    allowances: Mapping[str, Allowance] = field(default_factory=dict)
    earlier: Mapping[str, tuple[Timeline, ...]] = field(default_factory=dict)
    """Of who takes another attempt: what was known of theirs alone when each one before it was over."""

    def steady(self, wall_us: int) -> int:
        """Return the steady time of a wall time of the clock as it is set now."""
        return wall_us - self.offset_us

    def wall(self, steady_us: int) -> int:
        """Return what the clock as it is set now shows, showed or would have shown at a steady time."""
        return steady_us + self.offset_us

    def after(self, event: Event) -> Timeline:
        """Return the facts with the next event of the history taken in."""
        if event.name == "clock_stepped":
            return replace(self, offset_us=self.offset_us + int(event.detail["by_us"]))
        now = self.steady(event.at_us)
        now = now if self.last_us is None else max(now, self.last_us)
        known = _attempted(replace(self, last_us=now), event)
        return _passed(_granted(_stopped(known, event, now), event), event, now)


def timeline_of(history: Iterable[Event]) -> Timeline:
    """Return what an accepted history says about time."""
    timeline = Timeline()
    for event in history:
        timeline = timeline.after(event)
    return timeline


def _stopped(timeline: Timeline, event: Event, now: int) -> Timeline:
    """Take in where a clock stops, and where it runs again."""
    match event.name:
        case "pause_all" | "pause" if event.detail.get("compensate", True):
            kind: StopKind = "pause_all" if event.name == "pause_all" else "pause"
        case "take_break" if event.detail.get("stops_clock", False):
            kind = "break"
        case "resume_all" | "resume" | "return_from_break":
            return _running(timeline, [event.candidate], now)
        case _:
            return timeline
    known = timeline.stops.get(event.candidate, ())
    stop = Stop(now, None, kind, event.who, event.why)
    return replace(timeline, stops={**timeline.stops, event.candidate: (*known, stop)})


def _running(timeline: Timeline, whom: Iterable[str], now: int) -> Timeline:
    """End the stops that still last for these."""
    stops = dict(timeline.stops)
    for one in whom:
        known = stops.get(one, ())
        if known and known[-1].end_us is None:
            stops[one] = (*known[:-1], replace(known[-1], end_us=now))
    return replace(timeline, stops=stops)


def _granted(timeline: Timeline, event: Event) -> Timeline:
    """Take in extra time, planned or given."""
    whom, detail = event.candidate, event.detail
    match event.name:
        case "extend" | "extend_all":
            extra = Extra(int(detail["amount_us"]), event.who, event.why)
            return replace(timeline, extras={**timeline.extras, whom: (*timeline.extras.get(whom, ()), extra)})
        case "set_allowance" | "enrol":
            return replace(timeline, allowances={**timeline.allowances, whom: allowance_in(detail)})
        case _:
            return timeline


def _passed(timeline: Timeline, event: Event, now: int) -> Timeline:
    """Take in who begins and who finishes, and the sitting's own start and end."""
    whom = event.candidate
    if event.name == "start":
        return replace(timeline, started_us=now)
    if event.name in _BEGINS:
        return replace(timeline, begun={**timeline.begun, whom: now})
    if event.name in _FINISHES:
        return _finished(timeline, [whom], now)
    if event.name == "continue_writing":
        return replace(timeline, finished={one: at for one, at in timeline.finished.items() if one != whom})
    if event.name in _ENDS:
        ended = now if timeline.ended_us is None else timeline.ended_us
        return _finished(_running(replace(timeline, ended_us=ended), [EVERYBODY], now), timeline.begun, now)
    return timeline


def _finished(timeline: Timeline, whom: Iterable[str], now: int) -> Timeline:
    """Let those of them who had begun and not finished finish now."""
    ending = [one for one in whom if one in timeline.begun and one not in timeline.finished]
    return _running(replace(timeline, finished={**timeline.finished, **dict.fromkeys(ending, now)}), ending, now)


def _attempted(timeline: Timeline, event: Event) -> Timeline:
    """Take in that a candidate takes another attempt, or gives up one that has not begun."""
    if event.name == "new_attempt":
        return _anew(timeline, event.candidate)
    if event.name == "close_ghosts":
        return _given_up(timeline, timeline.earlier)
    if event.name in GIVES_UP or event.name == "close_ghost":
        return _given_up(timeline, [event.candidate])
    return timeline


def _anew(timeline: Timeline, whom: str) -> Timeline:
    """Put aside what is known of a candidate's time alone: another attempt has its own. Planned extra time stays."""
    mine = Timeline(
        begun=_of(timeline.begun, whom), finished=_of(timeline.finished, whom), stops=_of(timeline.stops, whom),
        extras=_of(timeline.extras, whom),
    )  # fmt: skip
    earlier = {**timeline.earlier, whom: (*timeline.earlier.get(whom, ()), mine)}
    return replace(_without(timeline, whom), earlier=earlier)


def _given_up(timeline: Timeline, whom: Iterable[str]) -> Timeline:
    """Take back what was put aside of those whose new attempt has not begun."""
    for one in [name for name in whom if timeline.earlier.get(name) and name not in timeline.begun]:
        *before, mine = timeline.earlier[one]
        clean = _without(timeline, one)
        timeline = replace(
            clean, begun={**clean.begun, **mine.begun}, finished={**clean.finished, **mine.finished},
            stops={**clean.stops, **mine.stops}, extras={**clean.extras, **mine.extras},
            earlier={**clean.earlier, one: tuple(before)},
        )  # fmt: skip
    return timeline


def _without(timeline: Timeline, whom: str) -> Timeline:
    return replace(
        timeline, begun=_others(timeline.begun, whom), finished=_others(timeline.finished, whom),
        stops=_others(timeline.stops, whom), extras=_others(timeline.extras, whom),
    )  # fmt: skip


def _of(facts: Mapping[str, Fact], whom: str) -> dict[str, Fact]:
    return {whom: facts[whom]} if whom in facts else {}


def _others(facts: Mapping[str, Fact], whom: str) -> dict[str, Fact]:
    return {name: fact for name, fact in facts.items() if name != whom}
