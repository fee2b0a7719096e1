"""What an uploaded file is, and the table in it. The file's content decides, never its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.errors import BadInputError
from appliance.rosters.csv_text import read_csv
from appliance.rosters.table import MAX_BYTES, Note, shown_name

if TYPE_CHECKING:
    from appliance.rosters.table import Table

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_NO_TABLE: Final = (
    (
        b"\xd0\xcf\x11\xe0",
        Note("This is an old Excel file (XLS), or one with a password.", "Save it as XLSX without a password."),
    ),
    (b"%PDF", Note("This is a PDF, no CSV or XLSX file.", "Ask for the table itself as XLSX or CSV.")),
    (b"\x89PNG", Note("This is a picture, no CSV or XLSX file.", "Ask for the table itself as XLSX or CSV.")),
    (b"\xff\xd8\xff", Note("This is a picture, no CSV or XLSX file.", "Ask for the table itself as XLSX or CSV.")),
    (b"{\\rtf", Note("This is a text document, no CSV or XLSX file.", "Ask for the table itself as XLSX or CSV.")),
    (b"\x1f\x8b", Note("This is a compressed file, no CSV or XLSX file.", "Unpack it and choose the table in it.")),
)
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta", b"<style", b"<head", b"<body")
_LOOKED_AT = 512


def read_table(data: bytes, *, name: str, sheet: str | None = None) -> Table:
    """Return the table in a CSV or XLSX file.

    Args:
        data: the file's bytes, at most ``MAX_BYTES``.
        name: what the file is called; only for messages.
        sheet: which sheet of an XLSX file; the first that is not hidden if None.

    Raises:
        BadInputError: it is neither, it is damaged, protected or too large, or it has no table. The message names
            the file and the hint says what to do.
    """
    try:
        return _read(data, sheet)
    except BadInputError as problem:
        raise BadInputError(f"File {shown_name(name)}: {problem.message}", hint=problem.hint) from problem


def _read(data: bytes, sheet: str | None) -> Table:
    if len(data) > MAX_BYTES:
        raise BadInputError(
            f"The file is larger than {MAX_BYTES >> 20} MiB.", hint="Save only the sheet with the table, as CSV UTF-8."
        )
    if not data.strip():
        raise BadInputError("The file is empty.", hint="Choose another file; there is a template to start from.")
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        from appliance.rosters.xlsx import read_xlsx  # noqa: PLC0415  openpyxl takes long to load

        return read_xlsx(data, sheet)
    _refuse_others(data)
    if sheet is not None:
        raise BadInputError("A CSV file has no sheets.", hint="Leave the sheet's name out.")
    return read_csv(data)


def _refuse_others(data: bytes) -> None:
    for magic, kind in _NO_TABLE:
        if data.startswith(magic):
            raise BadInputError(kind.message, hint=kind.hint)
    beginning = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if beginning.startswith(_MARKUP):
        raise BadInputError(
            "This is a web page or XML, no CSV or XLSX file.",
            hint="Open it in a spreadsheet program and save it as XLSX or as CSV UTF-8.",
        )
