"""What a table would change of the present roster or seating plan, and where its problems stand (pure)."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from appliance.exams import roster as rosters
from appliance.exams import seating as seatings
from appliance.exams.tabular import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from appliance.exams.model import Candidate, Roster, RosterEntry, SeatingPlan
    from appliance.exams.seating import SeatingDraft
    from appliance.exams.tabular import RowProblem

Kind = Literal["roster", "seating"]
COLUMNS: Final[dict[Kind, dict[str, tuple[str, ...]]]] = {"roster": rosters.COLUMNS, "seating": seatings.COLUMNS}
ROWS_SHOWN: Final = 300
"""More rows than these are counted; those with problems are always shown."""


@dataclass(frozen=True, slots=True)
class CellShown:
    """One cell with what is wrong with it."""

    text: str
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class RowShown:
    """One row of the table as it was brought: its number, its cells, what is wrong with it beyond its cells."""

    number: int
    cells: tuple[CellShown, ...]
    problems: tuple[RowProblem, ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether anything is wrong with it."""
        return bool(self.problems) or any(cell.problems for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Shown:
    """A table with its problems in place: heads with the column each is taken for, rows, what concerns all of it."""

    heads: tuple[tuple[str, str], ...]
    rows: tuple[RowShown, ...]
    left_out: int
    problems: tuple[RowProblem, ...]


def shown(kind: Kind, header: Sequence[str], rows: Sequence[Sequence[str]], problems: Iterable[RowProblem]) -> Shown:
    """Return the table as a page shows it, each problem at its cell where it has one, else at its row or above all."""
    heads = tuple((head, column_of(kind, head)) for head in header)
    where = {column: at for at, (_, column) in reversed(list(enumerate(heads))) if column}
    at_cell: dict[tuple[int, int], list[RowProblem]] = defaultdict(list)
    at_row: dict[int, list[RowProblem]] = defaultdict(list)
    above: list[RowProblem] = []
    for problem in problems:
        if problem.row <= 1 or problem.row > len(rows) + 1:
            above.append(problem)
        elif problem.column in where:
            at_cell[problem.row, where[problem.column]].append(problem)
        else:
            at_row[problem.row].append(problem)
    found: list[RowShown] = []
    left_out = 0
    for number, cells in enumerate(rows, start=2):
        row = RowShown(
            number,
            tuple(
                CellShown(cells[at] if at < len(cells) else "", tuple(at_cell[number, at])) for at in range(len(heads))
            ),
            tuple(at_row[number]),
        )
        if not any(cell.text.strip() for cell in row.cells) and not row.is_bad:
            continue
        if len(found) < ROWS_SHOWN or row.is_bad:
            found.append(row)
        else:
            left_out += 1
    return Shown(heads, tuple(found), left_out, tuple(above))


def column_of(kind: Kind, head: str) -> str:
    """Return which column a head is taken for, empty for one that is left alone."""
    return next(iter(read_table([[head]], COLUMNS[kind], required=()).columns), "")


def as_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as CSV with tabs, as spreadsheets paste it: what a form carries, and what people correct."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Changed:
    """One candidate whose entry would change: what is known now, what it becomes, in which fields."""

    before: RosterEntry
    after: RosterEntry
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What taking a roster would do. ``gone`` are those who are not in the table: only replacing takes them off."""

    added: tuple[RosterEntry, ...]
    changed: tuple[Changed, ...]
    gone: tuple[RosterEntry, ...]
    same: int


def roster_changes(present: Roster, entries: Sequence[RosterEntry]) -> Changes:
    """Return what entries would change of the present roster; a candidate is known by the LMS's id or the number."""
    known = _by_key(present.entries)
    added, changed, same, met = [], [], 0, set[str]()
    for entry in entries:
        before = next((known[key] for key in _keys(entry.candidate) if key in known), None)
        if before is None:
            added.append(entry)
            continue
        met.add(before.candidate.id)
        fields = _fields(before, entry)
        if fields:
            changed.append(Changed(before, entry, fields))
        else:
            same += 1
    gone = tuple(entry for entry in present.entries if entry.candidate.id not in met)
    return Changes(tuple(added), tuple(changed), gone, same)


def _keys(candidate: Candidate) -> list[str]:
    keys = [f"user {candidate.user_id}"] if candidate.user_id else []
    return [*keys, f"number {candidate.number}"] if candidate.number else keys


def _by_key(entries: Iterable[RosterEntry]) -> Mapping[str, RosterEntry]:
    return {key: entry for entry in entries for key in _keys(entry.candidate)}


def _fields(before: RosterEntry, after: RosterEntry) -> tuple[str, ...]:
    """Return which fields a table says otherwise; what it leaves empty about a person is not said."""
    old, new = before.candidate, after.candidate
    told = [
        name
        for name in ("last_name", "first_name", "third_name", "email", "language", "accommodations")
        if getattr(new, name) and getattr(new, name) != getattr(old, name)
    ]
    if before.exam != after.exam:
        told.append("exam")
    if before.planned != after.planned:
        told.append("extra_time")
    return tuple(told)


@dataclass(frozen=True, slots=True)
class SeatChanges:
    """What taking a seating plan would do: seats there are, who gets one, who moves (from, to), who has none."""

    seats: int
    given: int
    moved: tuple[tuple[str, str, str], ...]
    unseated: tuple[str, ...]


def seating_changes(present: SeatingPlan, draft: SeatingDraft) -> SeatChanges:
    """Return what a seating plan would change: each who moves with the old and the new seat."""
    old = {candidate: seat for seat, candidate in present.assigned.items()}
    new = {candidate: seat for seat, candidate in draft.assigned.items()}
    moved = tuple((one, old[one], seat) for one, seat in new.items() if one in old and old[one] != seat)
    return SeatChanges(len(draft.seats), len(new), moved, draft.unseated)
