"""The table of candidates on the day: who is where, who ends when and why, and what needs somebody (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.states import AT_WORK, BEING_ADMITTED, UNDER_WAY, UNSETTLED, CandidateStatus, SittingStatus
from appliance.exams.timing import End, time_left_us

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.standing import Standing

Order = Literal["problem", "seat", "end", "name"]
ORDERS: Final[tuple[Order, ...]] = ("problem", "seat", "end", "name")
Problem = Literal["", "open", "warnings", "unseated", "missing", "waiting", "paused", "long_break", "over"]
_WORST: Final[tuple[Problem, ...]] = (
    "over", "long_break", "paused", "warnings", "waiting", "missing", "open", "unseated", "",
)  # fmt: skip
LONG_BREAK_US: Final = 10 * 60_000_000
"""A break that lasts longer is looked after first."""
SOON_US: Final = 5 * 60_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate as the table shows it.

    Attributes:
        person: where the candidate stands.
        name: as people read it.
        number: the centre's.
        exam: its name.
        end: when their time is over, and why; None once nobody asks any more.
        left_us: how much is left; None where it does not count.
        since_us: since when they are in this state (wall); None: since the beginning.
        problem: what needs somebody, empty: nothing.
        warnings: how many nobody has judged.
    """

    person: Standing
    name: str
    number: str
    exam: str
    end: End | None
    left_us: int | None
    since_us: int | None
    problem: Problem = ""
    warnings: int = 0

    @property
    def is_bad(self) -> bool:
        """Whether it is shown as a problem, as against a hint."""
        return self.problem in {"over", "long_break", "open"}

    @property
    def soon(self) -> bool:
        """Whether their time is nearly over."""
        return self.left_us is not None and self.left_us <= SOON_US


@dataclass(frozen=True, slots=True)
class Known:
    """What a candidate is called: name, the centre's number."""

    name: str
    number: str


def rows_of(
    run: SittingRun,
    known: Mapping[str, Known],
    exams: Mapping[str, str],
    *,
    now_us: int,
    warnings: Mapping[str, int] | None = None,
) -> list[Row]:
    """Return everybody of the sitting, nobody left out, in the order of the roster.

    Args:
        run: the sitting as it stands.
        known: names by candidate's id; who is missing is shown by id.
        exams: names of exams by id.
        now_us: the present (wall).
        warnings: how many are open, by candidate.
    """
    ends = run.ends(now_us)
    since = since_of(run)
    found = []
    for person in run.people.values():
        one = known.get(person.candidate, Known(person.candidate, ""))
        end = ends[person.candidate] if _counts(run, person) else None
        left = time_left_us(end, now_us) if end is not None and person.status in AT_WORK else None
        row = Row(
            person=person,
            name=one.name,
            number=one.number,
            exam=exams.get(person.exam, person.exam),
            end=end,
            left_us=left,
            since_us=since.get(person.candidate),
            warnings=(warnings or {}).get(person.candidate, 0),
        )
        found.append(replace(row, problem=_problem(run, row, now_us)))
    return found


def _counts(run: SittingRun, person: Standing) -> bool:
    """Whether an end is worth telling: for those who write or wrote, and before that as it would be."""
    if person.took_part:
        return True
    return (
        run.status is not SittingStatus.CLOSED and person.status in UNSETTLED and run.status is not SittingStatus.ENDED
    )


def since_of(run: SittingRun) -> dict[str, int]:
    """Return since when each candidate is in the present state (wall), for those something happened to."""
    found: dict[str, int] = {}
    for event in run.history:
        if event.name in {"end", "end_early"}:
            found |= {one: event.at_us for one, person in run.people.items() if person.finished_us == event.at_us}
        rule = CANDIDATE_TABLE.get(event.name)
        if event.candidate and rule is not None and (rule.target is not None or event.name == "close_ghost"):
            found[event.candidate] = event.at_us
    return found


def _problem(run: SittingRun, row: Row, now_us: int) -> Problem:
    person = row.person
    if run.status is SittingStatus.ENDED and person.status in UNSETTLED:
        return "open"
    if row.left_us == 0:
        return "over"
    if person.status is CandidateStatus.ON_BREAK and row.since_us is not None and now_us - row.since_us > LONG_BREAK_US:
        return "long_break"
    if person.status is CandidateStatus.PAUSED:
        return "paused"
    return "warnings" if row.warnings else _before_writing(run, person)


def _before_writing(run: SittingRun, person: Standing) -> Problem:
    if run.status in UNDER_WAY and person.status in BEING_ADMITTED:
        return "waiting"
    if run.status in UNDER_WAY and person.status is CandidateStatus.EXPECTED:
        return "missing"
    if person.status in AT_WORK and not person.seat:
        return "unseated"
    return ""


def ordered(rows: list[Row], order: Order) -> list[Row]:
    """Return the rows in an order; each is total, so that a page never jumps between two equal ones."""
    match order:
        case "seat":
            return sorted(rows, key=_seat_key)
        case "end":
            return sorted(rows, key=lambda row: (_end_key(row), _seat_key(row)))
        case "name":
            return sorted(rows, key=lambda row: (row.name.casefold(), row.number, row.person.candidate))
        case _:
            return sorted(rows, key=lambda row: (_WORST.index(row.problem), _seat_key(row)))


def _seat_key(row: Row) -> tuple[bool, list[tuple[int, int, str]], str, str]:
    return not row.person.seat, natural(row.person.seat), row.name, row.person.candidate


def _end_key(row: Row) -> tuple[int, int]:
    if row.end is None:
        return (2, 0)
    return (1 if row.end.finished_us is not None else 0, row.end.at_us)


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that puts ``A2`` before ``A10``."""
    return [
        (0, int(piece), "") if piece.isdigit() and piece.isascii() else (1, 0, piece.casefold())
        for piece in re.split(r"([0-9]+)", text[:60])
        if piece
    ]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many are where: on the roster, not here yet, being admitted, at work, done, not taking part."""

    roster: int
    expected: int
    admitting: int
    working: int
    done: int
    absent: int


_DONE = frozenset({CandidateStatus.FINISHED, CandidateStatus.SUBMITTED, CandidateStatus.LEFT})


def counts_of(run: SittingRun) -> Counts:
    """Return how many candidates are where; each is counted once after ``roster``."""
    states = [person.status for person in run.people.values()]
    expected = sum(state is CandidateStatus.EXPECTED for state in states)
    admitting = sum(state in BEING_ADMITTED for state in states)
    working = sum(state in AT_WORK for state in states)
    done = sum(state in _DONE for state in states)
    return Counts(len(states), expected, admitting, working, done, len(states) - expected - admitting - working - done)


def last_end_us(rows: list[Row]) -> int | None:
    """Return when the last candidate who is at work ends (wall); None where nobody is."""
    return max((row.end.at_us for row in rows if row.end is not None and row.person.status in AT_WORK), default=None)
