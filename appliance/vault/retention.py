"""Which parts may go, and by which rule. Pure: rows in, decisions out.

The rule (Art. 5(1)(e) GDPR, storage limitation): a sitting's recordings are kept for the camera's retention
hours, counted from the sitting's end. The end is known only when nobody wishes it recorded any more and none of
its parts is open; it is the last moment recorded, or the moment the wish ended if that is later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOUR_US = 3_600_000_000
# A part without a known end (its writer died) lasted at most this long.
LONGEST_PART_US = HOUR_US
FINISHED_STATES = frozenset({"closed", "recovered", "abandoned"})


class Recorded(Protocol):
    """Something recorded by one camera in one sitting: a part, or all of them together."""

    @property
    def sitting(self) -> str:
        """The sitting."""
        ...

    @property
    def camera(self) -> str:
        """The camera."""
        ...

    @property
    def unfinished(self) -> bool:
        """Whether it is still being written, as far as the box knows."""
        ...

    @property
    def latest_end_us(self) -> int:
        """The latest moment it can have ended."""
        ...


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part as the box's database knows it; times are wall microseconds."""

    part_id: str
    sitting: str
    camera: str
    number: int
    started_us: int
    ended_us: int | None
    bytes: int
    state: str

    @property
    def unfinished(self) -> bool:
        """Whether it is still being written, as far as the box knows."""
        return self.state == "open"

    @property
    def latest_end_us(self) -> int:
        """When it ended, or the latest moment it can have ended."""
        return self.started_us + LONGEST_PART_US if self.ended_us is None else self.ended_us


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold that keeps something; ``camera`` None means every camera of the sitting."""

    sitting: str
    camera: str | None

    def covers(self, recorded: Recorded) -> bool:
        """Whether this hold keeps what was recorded."""
        return recorded.sitting == self.sitting and self.camera in {None, recorded.camera}


@dataclass(frozen=True, slots=True)
class Sittings:
    """What the wishes to record say: which sittings run, and when the others were ended."""

    running: frozenset[str]
    stopped_us: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DuePart:
    """A part that may go, since when, and why."""

    part: PartRow
    due_us: int
    rule: str


def due_parts(
    parts: Iterable[PartRow],
    *,
    retention_hours: Mapping[str, int],
    default_hours: int,
    holds: Iterable[Hold],
    sittings: Sittings,
    now_us: int,
) -> list[DuePart]:
    """Return the parts that may be deleted now, the oldest first.

    Never an open part, never one of a sitting that runs or has an open part, never one under a legal hold,
    never one whose time is not over.

    Args:
        parts: all parts, the deleted too: they still tell when their sitting ended.
        retention_hours: by camera.
        default_hours: for cameras that are not in ``retention_hours``.
        holds: those that stand.
        sittings: which run.
        now_us: wall time.
    """
    rows, standing = list(parts), list(holds)
    ends = sitting_ends(rows, sittings)
    due = []
    for part in rows:
        if part.state not in FINISHED_STATES or part.sitting not in ends:
            continue
        if any(hold.covers(part) for hold in standing):
            continue
        hours = retention_hours.get(part.camera, default_hours)
        over_us = retention_over_us(ends[part.sitting], hours)
        if over_us <= now_us:
            due.append(DuePart(part, over_us, rule_words(hours)))
    return sorted(due, key=lambda one: (one.part.started_us, one.part.part_id))


def retention_over_us(sitting_end_us: int, hours: int) -> int:
    """Return the wall time from which retention lets a sitting's recordings of a camera go."""
    return sitting_end_us + hours * HOUR_US


def rule_words(hours: int) -> str:
    """Return the rule as deletion certificates state it."""
    return f"retention of {hours} h after the sitting's end"


def sitting_ends(parts: Iterable[Recorded], sittings: Sittings) -> dict[str, int]:
    """Return when each sitting that is over ended; one that runs or has an open part is not among them."""
    ends: dict[str, int] = {}
    unfinished = set(sittings.running)
    for part in parts:
        if part.unfinished:
            unfinished.add(part.sitting)
        stopped = sittings.stopped_us.get(part.sitting, 0)
        ends[part.sitting] = max(ends.get(part.sitting, stopped), part.latest_end_us)
    return {sitting: end for sitting, end in ends.items() if sitting not in unfinished}
