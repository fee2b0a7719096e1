"""XLSX files as people bring them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from appliance.errors import BadInputError
from appliance.rosters.sheets import read_table
from appliance.rosters.table import MAX_COLUMNS, MAX_ROWS, Table
from appliance.rosters.xlsx import cell_text
from tests.rosters.made import changed, packed, workbook

SHEET = "xl/worksheets/sheet1.xml"


def read(data: bytes, sheet: str | None = None) -> Table:
    """The table in the bytes."""
    return read_table(data, name="list.xlsx", sheet=sheet)


@pytest.mark.parametrize(
    ("value", "form", "seen"),
    [
        (None, "General", ""),
        (3.0, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (1e300, "General", "1e+300"),
        (123456789012345, "General", "123456789012345"),
        (True, "General", "TRUE"),
        (0.25, "0%", "25 %"),
        (0.125, "0.00%", "12.5 %"),
        (0.07, "0%", "7 %"),
        (815, "0000000", "0000815"),
        (-5, "000", "-5"),
        (30, '0" min"', "30 min"),
        (dt.datetime(2026, 1, 2), "", "2026-01-02"),  # noqa: DTZ001  a spreadsheet's moments have no zone
        (dt.datetime(2026, 1, 2, 9, 30), "", "2026-01-02 09:30"),  # noqa: DTZ001
        (dt.datetime(2026, 1, 2, 9, 29, 59, 999_000), "", "2026-01-02 09:30"),  # noqa: DTZ001
        (dt.time(9, 5), "", "09:05"),
        (dt.timedelta(hours=1, minutes=30), "", "1:30:00"),
        ("=1+1", "General", "=1+1"),
    ],
)
def test_a_cell_is_what_people_see(value: object, form: str, seen: str) -> None:
    """Numbers without a needless point, with percent sign, leading zeros and unit; dates as ISO 8601."""
    assert cell_text(value, form) == seen


def test_a_sheet_is_read_in_its_place() -> None:
    """Heads, empty rows in between, no empty ones at the end, whatever the styles of rows below."""

    def styled(book: Any) -> None:
        book.worksheets[0]["A900"].number_format = "@"
        book.worksheets[0]["A2"].number_format = "00000"

    table = read(workbook(["Nummer", "Name"], [815, "Löwe"], [], ["7", None, "x"], prepare=styled))
    assert table.cells == [("Nummer", "Name"), ("00815", "Löwe"), (), ("7", "", "x")]
    assert (table.kind, table.sheet, table.notes) == ("xlsx", "List", ())


def test_which_sheet_is_said() -> None:
    """The first that is not hidden, with a note about others, or the named one; an unknown name lists what there is."""

    def more(book: Any) -> None:
        book.create_sheet("Second").append(["b"])
        book.create_sheet("Third").append(["c"])
        book.worksheets[0].sheet_state = "hidden"
        book.active = 1

    data = workbook(["a"], prepare=more)
    table = read(data)
    assert (table.sheet, table.header) == ("Second", ("b",))
    assert table.notes[0].message == "Only the sheet 'Second' was read, not the other 1."
    assert read(data, "third").header == ("c",)
    assert read(data, "List").header == ("a",)
    with pytest.raises(BadInputError, match="no sheet 'Fourth'") as refusal:
        read(data, "Fourth")
    assert refusal.value.hint == "Name one of these: List, Second, Third."


def test_merged_cells_count_for_their_rows() -> None:
    """A text merged over rows stands in each that holds anything, and a note says so; heads are left alone."""

    def merge(book: Any) -> None:
        book.worksheets[0].merge_cells("B2:B9")
        book.worksheets[0].merge_cells("A1:B1")

    table = read(workbook(["Nummer", None], ["1", "M-1"], ["2"], [], ["3"], prepare=merge))
    assert table.cells == [("Nummer",), ("1", "M-1"), ("2", "M-1"), (), ("3", "M-1")]
    assert [note.message[:22] for note in table.notes] == ["Cells that are merged "]


def test_formulas_count_as_their_results() -> None:
    """What was last computed is read; a formula without a result, or with an error, is said with its place."""
    data = workbook(["Nummer"], ["=1+1"], ["#N/A"])
    assert read(data).rows == ((), ("#N/A",))
    assert [note.message for note in read(data).notes] == [
        "Cells with a formula whose result is not in the file: 1, the first is A2.",
        "A cell of row 3 shows the error #N/A.",
    ]
    computed = changed(data, SHEET, lambda xml: xml.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>"))
    assert read(computed).rows == (("2",), ("#N/A",))


def test_what_stands_around_the_cells_does_not_matter() -> None:
    """Headers, filters or validations a reader would stumble over are never read."""
    odd = b'<autoFilter ref="nonsense"/><pageSetup orientation="??"/></worksheet>'
    data = changed(workbook(["a"], ["1"]), SHEET, lambda xml: xml.replace(b"</worksheet>", odd))
    assert read(data).cells == [("a",), ("1",)]
    prefixed = changed(
        workbook(["a"], [1]),
        SHEET,
        lambda _: (
            b'<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
            b'<x:row r="1"><x:c r="A1" t="str"><x:v>a</x:v></x:c></x:row>'
            b'<x:row r="3"><x:c r="A3"><x:f>1+1</x:f></x:c></x:row></x:sheetData>'
            b"</x:worksheet>"
        ),
    )
    assert read(prefixed).header == ("a",)
    assert "the first is A3" in read(prefixed).notes[0].message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (workbook(), "nothing in the table"),
        (workbook([], ["a"]), "first row is empty"),
        (workbook(["a"] * (MAX_COLUMNS + 1)), "more than 100 columns"),
        (workbook(["a"], ["x" * 32_767], ["x" * 32_768]), "nothing"),
        (packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "OpenDocument"),
        (packed({"word/document.xml": b"<a/>"}), "no XLSX workbook"),
        (b"PK\x05\x06" + bytes(18), "no XLSX workbook"),
        (workbook(["a"])[:-40], "no XLSX workbook"),
    ],
    ids=range(8),
)
def test_a_wrong_workbook_is_refused(data: bytes, said: str) -> None:
    """What is wrong and what to do."""
    if said == "nothing":
        assert len(read(data).rows[0][0]) == 32_767
        return
    with pytest.raises(BadInputError, match=said) as refusal:
        read(data)
    assert refusal.value.hint


def test_too_many_rows_are_refused_and_the_most_are_read() -> None:
    """By where the last row stands, not by how many there are."""

    def row_at(number: int) -> bytes:
        return changed(workbook(["a"], ["1"]), SHEET, lambda xml: xml.replace(b'"A2"', b'"A%d"' % number).replace(
            b'r="2"', b'r="%d"' % number
        ))  # fmt: skip

    assert len(read(row_at(MAX_ROWS + 1)).rows) == MAX_ROWS
    for last in (MAX_ROWS + 2, 3 * MAX_ROWS):
        with pytest.raises(BadInputError, match="more than 20000 rows"):
            read(row_at(last))
