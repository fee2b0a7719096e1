"""How much of several stretches in which a clock stood still counts: each moment once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exams.allowances import ceil_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.exams.timeline import Stop


def covered(stops: Iterable[Stop], origin_us: int, length_us: int, until_us: int) -> Iterator[tuple[Stop, int]]:
    """Yield each stop that counts, with the part of it that no earlier one covers, in order of time.

    Args:
        stops: in any order; one without an end lasts until ``until_us``.
        origin_us: where the candidate's time runs from; what lies before it does not count.
        length_us: how much time the candidate has without any stop. A stop that begins when nothing is left (in
            whole seconds, rounded up) does not count.
        until_us: the present, or when the candidate finished; what lies after it does not count.
    """
    reached = origin_us
    for stop in sorted(stops, key=lambda one: (one.start_us, one.kind, one.who, one.why)):
        start = max(stop.start_us, reached)
        end = until_us if stop.end_us is None else min(stop.end_us, until_us)
        if start >= origin_us + ceil_second(length_us):
            return
        if end > start or (stop.end_us is None and end >= start):
            yield stop, end - start
            length_us += end - start
            reached = end
