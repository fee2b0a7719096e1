"""CSV files as people and programs write them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.rosters.csv_text import separator_of
from appliance.rosters.sheets import read_table
from appliance.rosters.table import MAX_BYTES, MAX_CELL, MAX_COLUMNS, MAX_ROWS, Table
from tests.rosters.made import table_or_refusal

TEXT = 'Nummer;Name\r\n0815;"Löwe; Ada"\r\n\r\n4711;Ng\r\n;\r\n'
ROWS = (("0815", "Löwe; Ada"), (), ("4711", "Ng"))


def read(data: bytes) -> Table:
    """The table in the bytes."""
    return read_table(data, name="list.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_characters_are_found_out(encoding: str) -> None:
    """UTF-8 and UTF-16, with or without a mark, give the same table, without a note."""
    table = read(TEXT.encode(encoding))
    assert (table.header, table.rows, table.kind, table.notes) == (("Nummer", "Name"), ROWS, "csv", ())


def test_windows_characters_are_read_and_said() -> None:
    """A file that is not UTF-8 is Windows-1252, as older Excel writes it, and a note asks to check the names."""
    table = read(TEXT.encode("cp1252"))
    assert table.rows == ROWS
    assert ["Windows-1252" in note.message for note in table.notes] == [True]


def test_rows_keep_their_numbers() -> None:
    """An empty row keeps its place and those at the end are dropped; a text may hold line breaks."""
    table = read(b'a,b\n\n"one\ntwo",2\n\n\n')
    assert table.cells == [("a", "b"), (), ("one\ntwo", "2")]


@pytest.mark.parametrize("text", ["=1+1", "+49 1", "-x", "@me", "=HYPERLINK(1)", "0007"])
def test_what_looks_like_a_formula_is_text(text: str) -> None:
    """Nothing is computed, nothing is taken off."""
    assert read(f"a;b\n{text};1\n".encode()).rows == ((text, "1"),)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\r\na;b\r\n1,2;3\r\n", [("a", "b"), ("1,2", "3")]),
        ('"sep=,"\na,b\n1;2,3\n', [("a", "b"), ("1;2", "3")]),
        ("number;extra\n1;12,5 %\n2;7,5 %\n", [("number", "extra"), ("1", "12,5 %"), ("2", "7,5 %")]),
        ("Name, Vorname;Nr;x\nLöwe, Ada;1\nNg;2\n", [("Name, Vorname", "Nr", "x"), ("Löwe, Ada", "1"), ("Ng", "2")]),
        ("a\tb\n1;2\t3,4\n", [("a", "b"), ("1;2", "3,4")]),
        ("number\n1\n2\n", [("number",), ("1",), ("2",)]),
        ('a, b\r1, "2, 3"\r', [("a", "b"), ("1", "2, 3")]),
    ],
)  # fmt: skip
def test_the_separator_is_found_out(text: str, rows: list[tuple[str, ...]]) -> None:
    """By what splits the heads and fits the rows, or by the line with which Excel states it."""
    assert read(text.encode()).cells == rows


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "file is empty"),
        (b" \r\n ", "file is empty"),
        (b",,\n,\n", "nothing in the table"),
        (b"\n\na,b\n1,2\n", "first row is empty"),
        (b"a,b\n1\x00,2\n", "no text"),
        (b"a,b\n\x81\x8d\n", "no text"),
        ("a,b\n1,2".encode("utf-16")[:-1], "no text"),
        (b'a,b\n1,"2\n3,4\n', "opened in row 2 and never closed"),
        (b'a,b\n1,"2"x\n', "In row 2 a text goes on"),
        (b"a,b\nM\xc3\xbcller, Eva,1\n", "Row 2 has more cells"),
        (b"a\n" + b"x" * (MAX_CELL + 1), "Row 2, column A: the text is longer"),
        (b"a\n" + b"x" * 200_000, "text in row 2 does not end"),
        (b"a," * MAX_COLUMNS + b"b\n", "more than 100 columns"),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), "more than 20000 rows"),
        (b"a\n" + b"\n" * 1_100_000, "more than 20000 rows"),
        (b"a" * (MAX_BYTES + 1), "larger than 10 MiB"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel file"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><table>", "web page"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_a_hint(data: bytes, said: str) -> None:
    """What is wrong, in which row, and what to do; never another error."""
    with pytest.raises(BadInputError, match=said) as refusal:
        read_table(data, name="C:\\lists\\my list.csv")
    assert refusal.value.message.startswith("File my list.csv: ")
    assert refusal.value.hint


def test_the_largest_table_is_read() -> None:
    """As many rows and columns as are promised, with any number of empty ones behind them."""
    table = read(b",".join([b"h"] * MAX_COLUMNS) + b"\n" + b"1\n" * MAX_ROWS + b"\n" * 50_000)
    assert (len(table.header), len(table.rows)) == (MAX_COLUMNS, MAX_ROWS)


def test_a_csv_file_has_no_sheets() -> None:
    """Naming one is a mistake that is said."""
    with pytest.raises(BadInputError, match="no sheets"):
        read_table(b"a,b\n", name="x", sheet="List")


WORDS = st.text(alphabet='ab ü",;\t\n=@', max_size=6)


@given(
    st.sampled_from("\t;,"),
    st.lists(st.text(alphabet="abcü", min_size=1, max_size=5), min_size=2, max_size=5),
    st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=6),
)
def test_what_a_program_wrote_is_what_is_read(separator: str, heads: list[str], rows: list[list[str]]) -> None:
    """Whatever cells hold, quotation marks bring them back as they were, but for spaces at the beginning."""
    rows = [row[: len(heads)] for row in rows]
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=separator).writerows([heads, *rows])
    text = target.getvalue()
    assert separator_of(text) == separator
    found = read(text.encode()).cells
    expected = [tuple(cell.lstrip(" ") for cell in row) for row in [heads, *rows]]
    trimmed = [tuple(cell.lstrip(" ") for cell in row) for row in found]
    while expected and not any(cell.strip() for cell in expected[-1]):
        expected.pop()
    assert [_bare(row) for row in trimmed] == [_bare(row) for row in expected]


def _bare(row: tuple[str, ...]) -> tuple[str, ...]:
    """The row without empty cells at its end."""
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    return tuple(cells)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but a table or a refusal that says what is wrong."""
    table = table_or_refusal(data, name="list.csv")
    assert table is None or (any(cell.strip() for cell in table.header) and len(table.header) <= MAX_COLUMNS)


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    """A good file with bytes changed, doubled or cut out gives a table or a refusal."""
    good = data.draw(st.sampled_from([TEXT.encode(), TEXT.encode("utf-16"), TEXT.encode("cp1252")]))
    at = data.draw(st.integers(0, len(good)))
    piece = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"\0", b"\n" * 9, b";" * 200]))
    table = table_or_refusal(good[:at] + piece + good[at + data.draw(st.integers(0, 5)) :], name="list.csv")
    assert table is None or any(cell.strip() for cell in table.header)
