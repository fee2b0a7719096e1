"""A sheet's XML, reduced to its cells by looking at its bytes; merged ranges and formulas without a result are kept.

Everything around the cells (views, filters, headers and footers, validations) is what spreadsheet programs differ in
and readers fail at, and nothing of it is in a table.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_SPACE = r"\s*+"
_ROOT = re.compile(rb"<((?:[A-Za-z_][\w.-]*+:)?)worksheet\b[^<>]*>")
_MERGED = re.compile(rb"<(?:[\w.-]+:)?mergeCell\b[^<>]*>")
_RANGE = re.compile(rb"\bref\s*+=\s*+[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_PLACE = re.compile(rb"\br\s*+=\s*+[\"']([A-Z]{1,3}\d{1,7})[\"']")
_ATTRIBUTES = re.compile(rb"<([\w.:-]++)\s[^<>]*?(/?)>")
_MAX_MERGED: Final = 20_000
_MAX_ROW_TAGS: Final = 200_000


class MergedRange(msgspec.Struct, frozen=True):
    """Cells that were made one, counted from 1; only the first holds anything."""

    column: int
    first_row: int
    last_row: int


class SheetPart(msgspec.Struct, frozen=True):
    """A sheet's cells as XML of their own; merged ranges over several rows; formulas whose result is not there.

    ``unfinished``: how many such formulas, and where the first stands (empty if that is not stated).
    """

    cells: bytes
    merged: tuple[MergedRange, ...]
    unfinished: tuple[int, str]


def cut_sheet(xml: bytes) -> SheetPart:
    """Return a sheet's cells.

    Raises:
        ValueError: it is no sheet.
    """
    root = _ROOT.search(xml)
    if not root:
        raise ValueError("worksheet")
    prefix = root[1]
    begin = re.compile(rb"<" + re.escape(prefix) + rb"sheetData\b[^<>]*>").search(xml, root.end())
    end = xml.rfind(b"</" + prefix + b"sheetData")
    empty = begin is None or begin[0].endswith(b"/>") or end < begin.end()
    cells = b"" if begin is None or empty else xml[begin.end() : end]
    _refuse_outside_rows(cells, prefix)
    tail = xml[max(end, root.end()) :]
    dimension = b"<" + prefix + b'dimension ref="A1"/>'
    data = b"<" + prefix + b"sheetData>" + cells + b"</" + prefix + b"sheetData>"
    whole = root[0].removesuffix(b"/>").removesuffix(b">") + b">" + dimension + data + b"</" + prefix + b"worksheet>"
    return SheetPart(whole, _merged(tail), _unfinished(cells, prefix))


def bare_texts(xml: bytes) -> bytes:
    """Return a part of shared texts without attributes: they say how a text looks, and cost memory."""
    root = xml.find(b"<sst")
    begin = xml.find(b">", max(root, 0)) + 1
    return xml[:begin] + _ATTRIBUTES.sub(rb"<\1\2>", xml[begin:])


def _refuse_outside_rows(cells: bytes, prefix: bytes) -> None:
    """Refuse anything that is not in a row, and rows without end: a reader keeps it all until the sheet is read.

    Raises:
        ValueError: there is such a thing, or a comment that could hide it.
    """
    if b"<!" in cells or b"<?" in cells:
        raise ValueError("markup")
    row = b"<" + re.escape(prefix) + b"row\\b[^<>]*"
    inside = re.compile(b"\\s*+(?:" + row + b"/>\\s*+)*(?:" + row + b"(?<!/)>|\\Z)")
    for piece in cells.split(b"</" + prefix + b"row>"):
        if not inside.match(piece) or piece.count(b"<") > _MAX_ROW_TAGS:
            raise ValueError("rows")


def _merged(tail: bytes) -> tuple[MergedRange, ...]:
    found = []
    for at, tag in enumerate(_MERGED.finditer(tail)):
        if at >= _MAX_MERGED:
            break
        if place := _RANGE.search(tag[0]):
            first, last = int(place[2]), int(place[4])
            if last > first:
                found.append(MergedRange(_column(place[1]), first, last))
    return tuple(found)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _unfinished(cells: bytes, prefix: bytes) -> tuple[int, str]:
    tag = re.escape(prefix).decode()
    formula = rf"(?:</{tag}f>|<{tag}f\b[^<>]*/>)"
    nothing = rf"(?:<{tag}v{_SPACE}/>|<{tag}v></{tag}v>)?"
    pattern = re.compile(f"{formula}{_SPACE}{nothing}{_SPACE}</{tag}c>".encode())
    count, first = 0, ""
    for found in pattern.finditer(cells):
        if not count:
            begin = cells.rfind(b"<" + prefix + b"c ", 0, found.start())
            place = _PLACE.search(cells, begin, found.start()) if begin >= 0 else None
            first = place[1].decode() if place else ""
        count += 1
    return count, first
