"""What a dry run of a roster or a seating plan tells, as lines for a terminal and as JSON (pure)."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.exams.tabular import columns_in
from appliance.rosters.table import Note, column_letters, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from appliance.exams.roster import RosterDraft
    from appliance.exams.seating import SeatingDraft
    from appliance.exams.tabular import RowProblem
    from appliance.rosters.table import Table


class Place(msgspec.Struct, frozen=True):
    """A problem with its place as the file shows it: the column's letters and head, empty where there is none."""

    row: int
    column: str
    letters: str
    head: str
    message: str
    hint: str

    @property
    def where(self) -> str:
        """The place in words: ``row 5, column C (Nachname)``."""
        row = f"row {self.row}" if self.row else "table"
        if self.letters:
            return f"{row}, column {self.letters} ({self.head})"
        return f"{row}, column {self.column}" if self.column else row


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One file's dry run. ``unknown``: heads that mean nothing to the box; such columns are left alone."""

    file: str
    kind: str
    sheet: str
    rows: int
    good: int
    columns: dict[str, str]
    unknown: tuple[str, ...]
    notes: tuple[Note, ...]
    problems: tuple[Place, ...]
    told: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {key: value for key, value in msgspec.to_builtins(self).items() if key != "told"}

    def lines(self) -> Iterator[str]:
        """Yield what is said of a file without its problems."""
        sheet = f", sheet {one_line(self.sheet)!r}" if self.sheet else ""
        yield f"{self.file}: {self.kind.upper()}{sheet}, rows below the heads: {self.rows}"
        if self.columns:
            yield "Columns: " + ", ".join(f"{head} = {name}" for name, head in self.columns.items())
        if self.unknown:
            yield "Left alone: " + ", ".join(self.unknown)
        yield from self.told


def roster_report(file: str, table: Table, draft: RosterDraft, names: Mapping[str, Iterable[str]]) -> Report:
    """Return the report on a roster."""
    exams = Counter(entry.exam for entry in draft.entries)
    told = [f"Candidates for exam {one_line(exam)}: {count}" for exam, count in exams.items()]
    extra = sum(bool(entry.planned.percent_hundredths or entry.planned.minutes) for entry in draft.entries)
    if extra:
        told.append(f"With planned extra time: {extra}")
    return _report(file, table, names, draft.problems, rows=draft.rows, good=len(draft.entries), told=told)


def seating_report(file: str, table: Table, draft: SeatingDraft, names: Mapping[str, Iterable[str]]) -> Report:
    """Return the report on a seating plan."""
    told = [f"Seats with a candidate: {len(draft.assigned)} of {len(draft.seats)}"]
    if draft.unseated and not draft.problems:
        told.append(f"Candidates without a seat: {len(draft.unseated)}")
    return _report(file, table, names, draft.problems, rows=draft.rows, good=len(draft.seats), told=told)


def _report(
    file: str,
    table: Table,
    names: Mapping[str, Iterable[str]],
    problems: Iterable[RowProblem],
    *,
    rows: int,
    good: int,
    told: list[str],
) -> Report:
    at = columns_in(table.header, names)
    heads = [one_line(head) for head in table.header]
    return Report(
        file=file,
        kind=table.kind,
        sheet=table.sheet,
        rows=rows,
        good=good,
        columns={name: heads[place] for name, place in at.items()},
        unknown=tuple(head for place, head in enumerate(heads) if head and place not in at.values()),
        notes=table.notes,
        problems=tuple(_place(problem, at, heads) for problem in _as_in_the_file(problems, at)),
        told=tuple(told),
    )


def _as_in_the_file(problems: Iterable[RowProblem], at: Mapping[str, int]) -> Iterator[RowProblem]:
    """Yield a row's problems in the order of the file's columns; rows as they come."""
    for _, together in groupby(problems, key=lambda problem: problem.row):
        yield from sorted(together, key=lambda problem: at.get(problem.column, -1))


def _place(problem: RowProblem, at: Mapping[str, int], heads: list[str]) -> Place:
    place = at.get(problem.column)
    letters, head = ("", "") if place is None else (column_letters(place + 1), heads[place])
    return Place(problem.row, problem.column, letters, head, problem.message, problem.hint)
