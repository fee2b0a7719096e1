"""Rows of a spreadsheet, split into cells at the edge, as named texts; what is wrong is named by row and column.

Column heads are recognised in any case, order and spelling of their separators, in English and German. Unknown columns
are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 64
MAX_CELL: Final = 255
MAX_PROBLEMS: Final = 500
_HEAD_ROW: Final = 1


class RowProblem(msgspec.Struct, frozen=True):
    """What is wrong in one place of a table. ``row`` counts from 1, the heads' row; 0 is the table as a whole."""

    row: int
    column: str
    message: str
    hint: str = ""


class Row(msgspec.Struct, frozen=True):
    """One row below the heads: its number in the table, its cells by the column's name, trimmed, ``""`` where empty.

    ``unreadable``: columns whose cell is no text that can be used; a problem names each.
    """

    number: int
    cells: dict[str, str]
    unreadable: frozenset[str] = frozenset()


class Table(msgspec.Struct, frozen=True):
    """A table's rows that are not empty, the columns it has, and what was wrong with it."""

    rows: tuple[Row, ...]
    columns: frozenset[str]
    problems: tuple[RowProblem, ...]


def read_table(
    rows: Sequence[Sequence[object]], names: Mapping[str, Iterable[str]], *, required: Iterable[str]
) -> Table:
    """Return the table's rows as texts by column.

    Args:
        rows: the cells; the first row holds the heads. A cell may be text, a number or None.
        names: each column's name with the heads it is also recognised by.
        required: the columns that must be there.
    """
    if not rows:
        return Table(
            (), frozenset(), (RowProblem(0, "", "The table is empty.", "Choose a table with a row of heads."),)
        )
    if len(rows) - 1 > MAX_ROWS or len(rows[0]) > MAX_COLUMNS:
        problem = RowProblem(
            0,
            "",
            f"The table has more than {MAX_ROWS} rows or {MAX_COLUMNS} columns.",
            "Split it, or take out what is not needed.",
        )
        return Table((), frozenset(), (problem,))
    heads, problems = _heads(rows[0], names)
    for column in required:
        if column not in heads.values():
            problems.append(
                RowProblem(_HEAD_ROW, column, f"The column {column} is missing.", "Add it to the first row.")
            )
    found = []
    for number, cells in enumerate(rows[1:], start=_HEAD_ROW + 1):
        row = _row(number, cells, heads, problems)
        if row.unreadable or any(row.cells.values()):
            found.append(row)
    return Table(tuple(found), frozenset(heads.values()), tuple(problems))


def columns_in(heads: Sequence[object], names: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return where each recognised column stands in the row of heads, from 0; a doubled one where it is first."""
    return {name: at for at, name in _heads(heads, names)[0].items()}


def _heads(cells: Sequence[object], names: Mapping[str, Iterable[str]]) -> tuple[dict[int, str], list[RowProblem]]:
    known = {_plain(word): name for name, words in names.items() for word in (name, *words)}
    heads: dict[int, str] = {}
    problems = []
    for at, cell in enumerate(cells):
        name = known.get(_plain(text_of(cell)))
        if name is None:
            continue
        if name in heads.values():
            problems.append(
                RowProblem(_HEAD_ROW, name, f"The column {name} is there twice.", "Leave one of the two out.")
            )
        else:
            heads[at] = name
    return heads, problems


def _row(number: int, cells: Sequence[object], heads: Mapping[int, str], problems: list[RowProblem]) -> Row:
    texts, unreadable = dict.fromkeys(heads.values(), ""), set()
    for at, name in heads.items():
        text = text_of(cells[at]) if at < len(cells) else ""
        if len(text) > MAX_CELL:
            unreadable.add(name)
            problems.append(RowProblem(number, name, f"The text is longer than {MAX_CELL} characters.", "Shorten it."))
        elif any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
            unreadable.add(name)
            problems.append(
                RowProblem(number, name, "The text holds control characters.", "Type it anew, in one line.")
            )
        else:
            texts[name] = text
    return Row(number, texts, frozenset(unreadable))


def text_of(cell: object) -> str:
    """Return a cell as trimmed text in Unicode's composed form; a whole number without ``.0``, None as ``""``."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFC", str(cell)).strip()


def _plain(head: str) -> str:
    return re.sub(r"[\s_\-./]+", "", head.lstrip("\ufeff")).casefold()


def limited(problems: Iterable[RowProblem]) -> tuple[RowProblem, ...]:
    """Return the problems in order of their rows, at most ``MAX_PROBLEMS``, then how many more there are."""
    found = sorted(problems, key=lambda one: (one.row, one.column, one.message))
    more = len(found) - MAX_PROBLEMS
    if more <= 0:
        return tuple(found)
    rest = RowProblem(0, "", f"Further problems that are not listed: {more}.", "Mend these first.")
    return (*found[:MAX_PROBLEMS], rest)
