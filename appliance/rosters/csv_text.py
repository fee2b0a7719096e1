"""CSV as spreadsheet programs and LMSs write it: characters, separator and quotation marks found out from the file."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from itertools import islice
from typing import Final

from appliance.errors import BadInputError
from appliance.rosters.table import Note, RowsRead, Table

SEPARATORS: Final = ("\t", ";", ",")
"""Also the order of preference where a file's rows fit more than one."""
_SAMPLE_CHARACTERS = 1 << 16
_SAMPLE_ROWS = 50
_SAMPLE_BYTES = 4000
_LONGEST_DECLARATION = 8


def read_csv(data: bytes) -> Table:
    """Return the table a CSV file holds. A cell that begins with ``=``, ``+``, ``-`` or ``@`` is the text it is.

    Raises:
        BadInputError: it is no text, or cannot be split into cells without guessing.
    """
    text, notes = decoded(data)
    declared, text = _declared(text)
    separator = declared or separator_of(text)
    rows, heads = RowsRead(), 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            heads = heads or len(cells)
            _refuse_overhang(rows.next_row, cells, heads)
            rows.add(cells)
    except csv.Error as problem:
        raise _unsplit(rows.next_row, str(problem)) from problem
    return rows.table(kind="csv", notes=notes)


def decoded(data: bytes) -> tuple[str, list[Note]]:
    """Return a text file's characters: UTF-8 or UTF-16 with or without a mark at the beginning, else Windows-1252.

    Raises:
        BadInputError: it is none of them.
    """
    notes: list[Note] = []
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as problem:
        if encoding != "utf-8-sig":
            raise _no_text() from problem
        text = _windows(data)
        notes.append(
            Note(
                "The file is not UTF-8; its characters were taken as Windows-1252.",
                "Check names with accents and umlauts; if they are wrong, save the table as CSV UTF-8 or as XLSX.",
            )
        )
    if "\0" in text:
        raise _no_text()
    return text.removeprefix("\ufeff"), notes


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    low, high = data[:_SAMPLE_BYTES:2], data[1:_SAMPLE_BYTES:2]
    if high.count(0) > len(high) / 2 and not low.count(0):
        return "utf-16-le"
    if low.count(0) > len(low) / 2 and not high.count(0):
        return "utf-16-be"
    return "utf-8-sig"


def _windows(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as problem:
        raise _no_text() from problem


def _no_text() -> BadInputError:
    return BadInputError(
        "The file is no table: its bytes are no text.",
        hint="Choose a CSV or XLSX file; in a spreadsheet program, save the table as CSV UTF-8 or as XLSX.",
    )


def _declared(text: str) -> tuple[str | None, str]:
    """Return the separator a first line ``sep=;`` names, as Excel writes and hides it, and the text without it."""
    line = text[:_LONGEST_DECLARATION].splitlines()[0] if text[:_LONGEST_DECLARATION].strip() else ""
    bare = line.strip('"')
    if len(bare) == len("sep=;") and bare.lower().startswith("sep=") and bare[-1] in SEPARATORS:
        return bare[-1], text[len(line) :].removeprefix("\r").removeprefix("\n")
    return None, text


def separator_of(text: str) -> str:
    """Return what separates the cells: it splits the heads, and the most of the first rows into no more cells.

    Where nothing splits the heads there is one column, and the answer does not matter.
    """
    best, found = (0.0, 0.0, 0), ","
    for separator in SEPARATORS:
        widths = _widths(text[:_SAMPLE_CHARACTERS], separator)
        heads = widths[0] if widths else 0
        if heads <= 1:
            continue
        fitting = sum(1 < width <= heads for width in widths) / len(widths)
        rank = (fitting, widths.count(heads) / len(widths), heads)
        if rank > best:
            best, found = rank, separator
    return found


def _widths(sample: str, separator: str) -> list[int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=True)
    widths: list[int] = []
    with contextlib.suppress(csv.Error):
        widths.extend(len(cells) for cells in islice(reader, _SAMPLE_ROWS) if cells)
    return widths[:-1] if len(widths) > 1 and len(sample) == _SAMPLE_CHARACTERS else widths


def _refuse_overhang(row: int, cells: list[str], heads: int) -> None:
    """Refuse a row with cells beyond the heads: a separator inside a text has moved everything after it."""
    if heads and any(cell.strip() for cell in cells[heads:]):
        raise BadInputError(
            f"Row {row} has more cells than there are heads.",
            hint="Put a text that holds the separator into quotation marks, or save the table as XLSX.",
        )


def _unsplit(row: int, reason: str) -> BadInputError:
    if "end of data" in reason:
        told = f"A quotation mark is opened in row {row} and never closed."
    elif "field larger" in reason:
        told = f"A text in row {row} does not end; a quotation mark may be open."
    else:
        told = f"In row {row} a text goes on after its closing quotation mark."
    hint = "Double a quotation mark that is part of a text, or save the table as XLSX."
    return BadInputError(told, hint=hint)
