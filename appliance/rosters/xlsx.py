"""XLSX: one sheet's cells as the texts people see. Formulas count as what they were last computed to."""

from __future__ import annotations

import datetime as dt
import io
import re
import struct
import warnings
import zipfile
import zlib
from functools import partial
from operator import is_not
from typing import TYPE_CHECKING, Final

from openpyxl import load_workbook
from openpyxl.cell.read_only import EMPTY_CELL

from appliance.rosters.table import LAST_ROW, MAX_COLUMNS, Note, RowsRead, one_line
from appliance.rosters.xlsx_package import damaged, reduced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.rosters.sheet_xml import MergedRange
    from appliance.rosters.table import Table

# Each different warning is remembered for good, and openpyxl puts what a file says into them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
_UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What openpyxl raises over a workbook that is not one; it has no error of its own for that."""
_LEADING_ZEROS = re.compile(r"0{2,20}")
_WORD_AFTER = re.compile(r'(?:General|#|0)[ \\]*"([^"]{1,20})"')
_IS_THERE: Final = partial(is_not, EMPTY_CELL)
_WHOLE_BELOW: Final = 10**21
_MERGED_BUDGET: Final = 500_000
_NOTES: Final = 5


def read_xlsx(data: bytes, sheet: str | None = None) -> Table:
    """Return the table of the named sheet, or of the first that is not hidden.

    Numbers are texts without a needless ``.0``, with the percent sign, the leading zeros and the word that their
    format adds; dates are ISO 8601; a range merged over several rows has its text in each that is not empty.

    Raises:
        BadInputError: it is no workbook, is damaged, protected or too large, or has no such sheet.
    """
    package = reduced(data, sheet)
    rows, notes = RowsRead(), _notes(package.sheet, package.others, package.part.unfinished)
    try:
        book = load_workbook(io.BytesIO(package.data), read_only=True, data_only=True, keep_links=False)
        for cells in book.worksheets[0].iter_rows(max_row=LAST_ROW, max_col=MAX_COLUMNS + 1):
            if not any(map(_IS_THERE, cells)):
                rows.skip()
                continue
            wrong = next((cell for cell in cells if cell.data_type == "e"), None) if len(notes) < _NOTES else None
            if wrong is not None:
                notes.append(_error_note(str(wrong.value), rows.next_row))
            rows.add([cell_text(cell.value, str(cell.number_format)) for cell in cells])
    except _UNREADABLE as problem:
        raise damaged() from problem
    if _fill(rows.rows, package.part.merged):
        notes.append(Note("Cells that are merged over several rows count for each of these rows."))
    return rows.table(kind="xlsx", sheet=package.sheet, notes=notes)


def _notes(sheet: str, others: tuple[str, ...], unfinished: tuple[int, str]) -> list[Note]:
    notes = []
    if others:
        notes.append(
            Note(
                f"Only the sheet {one_line(sheet)!r} was read, not the other {len(others)}.",
                "If the table is on another sheet, choose that sheet, or move it to the first place.",
            )
        )
    count, first = unfinished
    if count:
        notes.append(
            Note(
                f"Cells with a formula whose result is not in the file: {count}, the first is {first or 'unknown'}.",
                "Open the file in a spreadsheet program, save it, and choose it again.",
            )
        )
    return notes


def _error_note(value: str, row: int) -> Note:
    return Note(f"A cell of row {row} shows the error {one_line(value)}.", "Correct the formula, or type the value.")


def cell_text(value: object, form: str = "General") -> str:
    """Return what a person sees in a cell (pure).

    Args:
        value: text, a number, a truth value, a moment, a duration, or None.
        form: the number format, as in SpreadsheetML.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _number_text(value, form)
    if isinstance(value, dt.datetime):
        return _moment_text(value)
    if isinstance(value, dt.time):
        return value.isoformat("seconds").removesuffix(":00")
    return str(value)


def _number_text(value: float, form: str) -> str:
    if form.rstrip().endswith("%"):
        return f"{_plain(value * 100)} %"
    text = _plain(value)
    if _LEADING_ZEROS.fullmatch(form) and text.isdigit():
        return text.zfill(len(form))
    word = _WORD_AFTER.fullmatch(form)
    return f"{text} {word[1].strip()}" if word else text


def _plain(value: float) -> str:
    """Return a number in 15 digits, as many as a spreadsheet holds; whole ones without a point."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < _WHOLE_BELOW:
        return str(int(value))
    short = f"{value:.15g}"
    return short.removesuffix(".0")


def _moment_text(value: dt.datetime) -> str:
    if value.microsecond and value.year < dt.MAXYEAR:
        value = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    if value.time() == dt.time():
        return value.date().isoformat()
    return value.isoformat(" ", "seconds").removesuffix(":00")


def _fill(rows: list[list[str]], merged: Iterable[MergedRange]) -> bool:
    """Give each row of a merged range its text, not below the heads' row and not to rows that hold nothing."""
    budget, filled = _MERGED_BUDGET, False
    for one in merged:
        last = min(one.last_row, len(rows))
        budget -= max(0, last - one.first_row)
        if one.first_row <= 1 or not 1 <= one.column <= MAX_COLUMNS or one.first_row > last or budget < 0:
            continue
        first = rows[one.first_row - 1]
        text = first[one.column - 1] if len(first) >= one.column else ""
        for row in rows[one.first_row : last] if text.strip() else ():
            if row and not "".join(row[one.column - 1 : one.column]):
                row.extend([""] * (one.column - len(row)))
                row[one.column - 1] = text
                filled = True
    return filled
