"""Tables people take away: CSV that spreadsheets open without running anything, JSON Lines; line by line."""

from __future__ import annotations

import csv
import io
import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# With it Excel reads the file as UTF-8 (Unicode 15, 23.8).
_MARK: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutral(value: object) -> str:
    """Return a cell's text that no spreadsheet takes for a formula (OWASP, CSV injection).

    What begins like one gets an apostrophe before it; numbers stay numbers.
    """
    text = "" if value is None else str(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table as CSV (RFC 4180), a line at a time, beginning with the byte order mark."""
    out = io.StringIO()
    writer = csv.writer(out)
    yield _MARK
    for row in chain([head], rows):
        writer.writerow([neutral(cell) for cell in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield one JSON object a line."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n"


def download(lines: Iterable[str], name: str, kind: str) -> Response:
    """Send lines as they are made, as a file to keep."""
    response = Response(lines, mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
