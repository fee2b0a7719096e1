"""Workbooks as spreadsheet programs write them, and as nobody should."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

from appliance.errors import BadInputError
from appliance.rosters.sheets import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appliance.rosters.table import Table


def workbook(*rows: Sequence[Any], title: str = "List", prepare: Callable[[Any], None] | None = None) -> bytes:
    """An XLSX file of one sheet with these rows; ``prepare`` gets the workbook before it is saved."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    if prepare is not None:
        prepare(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    """A zip's entries."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A zip of these entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one part changed."""
    parts = parts_of(data)
    return packed({**parts, part: change(parts[part])})


def with_shared_strings(data: bytes) -> bytes:
    """The workbook with the text of A1 among shared strings, as spreadsheet programs keep every text."""
    parts = parts_of(data)
    sheet = parts["xl/worksheets/sheet1.xml"]
    found = re.search(rb'<c r="A1" t="inlineStr"><is><t>([^<]*)</t></is></c>', sheet)
    assert found
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    types = parts["[Content_Types].xml"]
    return packed({
        **parts,
        "xl/worksheets/sheet1.xml": sheet.replace(found[0], b'<c r="A1" t="s"><v>0</v></c>'),
        "xl/sharedStrings.xml": b"<sst " + main + b"><si><t>" + found[1] + b"</t></si></sst>",
        "[Content_Types].xml": types.replace(
            b"</Types>", b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
        ),
    })  # fmt: skip


def table_or_refusal(data: bytes, *, name: str) -> Table | None:
    """The table in the bytes, or None where they are refused with message and hint; any other error comes through."""
    try:
        return read_table(data, name=name)
    except BadInputError as refusal:
        if not refusal.message or not refusal.hint:
            raise AssertionError(f"nothing is said of {data!r}") from refusal
        return None
