"""Templates of a roster and a seating plan, empty or with examples, as CSV and XLSX, in each language of the box."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.rosters.template_words import COLUMNS, FILE_NAMES, SEPARATORS

if TYPE_CHECKING:
    from appliance.rosters.template_words import Column, Language, Subject

Form = Literal["csv", "xlsx"]
MEDIA_TYPES: Final[dict[Form, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PREPARED_ROWS = 500
_WIDTH = 20


class TemplateFile(msgspec.Struct, frozen=True):
    """A file to hand out: its name, its media type, its bytes."""

    name: str
    media_type: str
    data: bytes


def template(subject: Subject, form: Form, *, language: Language = "en", example: bool = False) -> TemplateFile:
    """Return a template.

    Args:
        subject: ``roster`` or ``seating``.
        form: CSV is UTF-8 with a mark at the beginning and the separator that spreadsheet programs of the language
            expect; XLSX holds every cell as text, so that leading zeros stay, and says what a column means at its head.
        language: of heads, examples and the file's name.
        example: with example rows below the heads.
    """
    columns = COLUMNS[subject, language]
    name = FILE_NAMES[subject, language][example]
    rows = list(zip(*(column.examples for column in columns), strict=True)) if example else []
    data = _csv(columns, rows, SEPARATORS[language]) if form == "csv" else _xlsx(columns, rows, name)
    return TemplateFile(f"{name}.{form}", MEDIA_TYPES[form], data)


def _csv(columns: tuple[Column, ...], rows: list[tuple[str, ...]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([column.head for column in columns])
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(columns: tuple[Column, ...], rows: list[tuple[str, ...]], title: str) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  takes long to load
    from openpyxl.comments import Comment  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook()
    book.properties.creator = "exambox"
    sheet = book.worksheets[0]
    sheet.title = title
    sheet.freeze_panes = "A2"
    for at, column in enumerate(columns, start=1):
        head = sheet.cell(1, at, column.head)
        head.font = Font(bold=True)
        if column.meaning:
            head.comment = Comment(column.meaning, "exambox")
        sheet.column_dimensions[get_column_letter(at)].width = _WIDTH
        for row in range(2, _PREPARED_ROWS + 2):
            sheet.cell(row, at).number_format = "@"
        for row, cells in enumerate(rows, start=2):
            sheet.cell(row, at).value = cells[at - 1] or None
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
