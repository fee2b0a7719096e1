"""The timing engine: who ends when, and why. Pure functions over the plan and the history.

The rules, in the order they are applied (docs/decisions/0008-timing.md says why):

1. **From where.** Late rule ``full_time``: a candidate's time runs from that candidate's own beginning. ``common_end``:
   it runs from the common start, and who begins late loses what has passed (reason ``late``, a negative amount).
2. **Duration** of the candidate's exam.
3. **Planned extra time**: percent of the duration and/or minutes, rounded up to whole seconds; never of 4 or 5.
4. **Extra time given while the exam runs** (by the centre: before the start too), to one or to all. What is given to
   all is given to all, also to those who begin later. It can only be added, never taken back.
5. **Stops**: pauses of all, of one, and breaks that stop the clock, from the point of rule 1 on, as long as the
   candidate still had time when they began. Each moment counts once, however many stops cover it. A break that does
   not stop the clock, and a pause stated as not compensated, add nothing. A stop that still lasts moves the end along.
6. **Rounding**: what 3 to 5 give together is rounded up to whole seconds (reason ``rounding``).
7. **Practice** ends at most 20 minutes after its beginning; nothing extends that (reason ``practice_cap``, negative).
8. An end is never before the beginning.

Windows and first and last start say when somebody may *begin*; they never cut writing time short. When the common start
is late, the last start moves by as much, though not beyond the exam's window. Durations are counted on the steady axis
of ``timeline.py``, so that setting the box's clock changes no duration; ends are told as the clock that is now set will
show them. Everything is UTC, so that daylight saving changes nothing but what the room's clock shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.exams.allowances import NONE, Allowance, ceil_second
from appliance.exams.stops import covered
from appliance.exams.timeline import EVERYBODY, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.exams.timeline import Stop

LateRule = Literal["full_time", "common_end"]
ReasonKind = Literal[
    "duration", "late", "planned_extra", "extra_all", "extra", "pause_all", "pause", "break", "rounding", "practice_cap"
]


class ExamTiming(msgspec.Struct, frozen=True, kw_only=True):
    """What one exam says about time: ``duration_us``, its window (wall), the longest it may last (practice)."""

    duration_us: int
    window_start_us: int
    window_end_us: int
    cap_us: int | None = None


class SittingTiming(msgspec.Struct, frozen=True, kw_only=True):
    """What a sitting plans about time (wall).

    ``first_start_us`` and ``last_start_us`` are the window's where None.
    """

    start_us: int
    first_start_us: int | None = None
    last_start_us: int | None = None
    late_rule: LateRule = "full_time"


def timing_detail(timing: SittingTiming) -> dict[str, str | int | bool]:
    """Return a timing as an event's detail says it: only what is planned."""
    return {name: value for name, value in msgspec.to_builtins(timing).items() if value is not None}


def timing_in(detail: Mapping[str, str | int | bool]) -> SittingTiming:
    """Return the timing in an event's detail.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(
        {name: detail[name] for name in SittingTiming.__struct_fields__ if name in detail}, SittingTiming
    )


class Reason(msgspec.Struct, frozen=True):
    """One amount in an end: what it is, how much (negative: lost), by whom and why where a person decided."""

    kind: ReasonKind
    amount_us: int
    who: str = ""
    why: str = ""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """When a candidate's time is over. ``at_us`` is ``from_us`` plus the sum of the reasons' amounts (wall).

    ``projected``: not begun; it is what would be if they began now, or at the planned start. ``moving``: the clock
    stands still at this moment, so the end moves along. ``finished_us``: when they finished, None while they write.
    """

    at_us: int
    from_us: int
    reasons: tuple[Reason, ...]
    projected: bool
    moving: bool
    finished_us: int | None = None


def end_of(
    timeline: Timeline,
    sitting: SittingTiming,
    exam: ExamTiming,
    candidate: str,
    *,
    now_us: int,
    planned: Allowance = NONE,
) -> End:
    """Return when the candidate's time is over, with every reason, as known at ``now_us`` (wall).

    Args:
        timeline: the facts of the sitting's history.
        sitting: its plan.
        exam: the candidate's exam.
        candidate: who.
        now_us: the present wall time; before the newest event it counts as that event's moment.
        planned: the extra time of the roster, which a ``set_allowance`` in the history replaces.
    """
    now = _present(timeline, now_us)
    begun = timeline.begun.get(candidate)
    begin = _projected_begin(timeline, sitting, now) if begun is None else begun
    finished = timeline.finished.get(candidate)
    origin = _origin(timeline, sitting, begin)
    until = now if finished is None else finished
    reasons = _fixed(timeline, exam, candidate, timeline.allowances.get(candidate, planned))
    length = sum(reason.amount_us for reason in reasons)
    stopped, moving = _stopped(timeline, candidate, origin, length, until)
    reasons += stopped
    reasons += _rest(reasons, begin - origin, exam.cap_us)
    return End(
        at_us=timeline.wall(begin + sum(reason.amount_us for reason in reasons)),
        from_us=timeline.wall(begin),
        reasons=tuple(reasons),
        projected=begun is None,
        moving=moving and finished is None,
        finished_us=None if finished is None else timeline.wall(finished),
    )


def time_left_us(end: End, now_us: int) -> int:
    """Return how much of a candidate's time is left, 0 when it is over or they have finished (wall times)."""
    if end.finished_us is not None:
        return 0
    return max(0, end.at_us - (max(now_us, end.from_us) if end.projected else now_us))


def start_window(timeline: Timeline, sitting: SittingTiming, exam: ExamTiming) -> tuple[int, int]:
    """Return the first and the last wall time at which a candidate of this exam may begin."""
    first = exam.window_start_us if sitting.first_start_us is None else sitting.first_start_us
    last = exam.window_end_us
    if sitting.last_start_us is not None:
        started = timeline.started_us
        delay = 0 if started is None else max(0, timeline.wall(started) - sitting.start_us)
        last = min(last, sitting.last_start_us + delay)
    return max(first, exam.window_start_us), last


def _present(timeline: Timeline, now_us: int) -> int:
    now = timeline.steady(now_us)
    return now if timeline.last_us is None else max(now, timeline.last_us)


def _projected_begin(timeline: Timeline, sitting: SittingTiming, now: int) -> int:
    return max(now, timeline.steady(sitting.start_us)) if timeline.started_us is None else now


def _origin(timeline: Timeline, sitting: SittingTiming, begin: int) -> int:
    if sitting.late_rule == "full_time" or timeline.started_us is None:
        return begin
    return min(timeline.started_us, begin)


def _fixed(timeline: Timeline, exam: ExamTiming, candidate: str, planned: Allowance) -> list[Reason]:
    """Return rules 2 to 4: what does not depend on when."""
    reasons = [Reason("duration", exam.duration_us)]
    extra = planned.extra_us(exam.duration_us)
    if extra:
        reasons.append(Reason("planned_extra", extra))
    reasons += [Reason("extra_all", one.amount_us, one.who, one.why) for one in timeline.extras.get(EVERYBODY, ())]
    reasons += [Reason("extra", one.amount_us, one.who, one.why) for one in timeline.extras.get(candidate, ())]
    return reasons


def _stopped(timeline: Timeline, candidate: str, origin: int, length: int, until: int) -> tuple[list[Reason], bool]:
    """Return rule 5, and whether a stop still lasts."""
    stops: list[Stop] = [*timeline.stops.get(EVERYBODY, ()), *timeline.stops.get(candidate, ())]
    reasons, moving = [], False
    for stop, amount in covered(stops, origin, length, until):
        if amount:
            reasons.append(Reason(stop.kind, amount, stop.who, stop.why))
        moving = moving or stop.end_us is None
    return reasons, moving


def _rest(reasons: list[Reason], late: int, cap_us: int | None) -> list[Reason]:
    """Return rules 6, 1 (what lateness costs), 7 and 8."""
    total = sum(reason.amount_us for reason in reasons)
    found = []
    if ceil_second(total) != total:
        found.append(Reason("rounding", ceil_second(total) - total))
    total = ceil_second(total)
    if late:
        lost = min(late, total)
        found.append(Reason("late", -lost))
        total -= lost
    if cap_us is not None and total > cap_us:
        found.append(Reason("practice_cap", cap_us - total))
    return found
