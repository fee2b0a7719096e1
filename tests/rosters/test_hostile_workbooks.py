"""Workbooks made to cost time or memory, or to make a reader do something else."""

from __future__ import annotations

import io
import re
import time
import tracemalloc
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import BadInputError
from appliance.rosters import xlsx_package
from appliance.rosters.sheets import read_table
from tests.rosters.made import changed, packed, parts_of, table_or_refusal, with_shared_strings, workbook

SHEET, BOOK, STYLES, TYPES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"
GOOD = with_shared_strings(workbook(["Nummer", "Name"], ["1", "Löwe"], [2, 0.5], title="List"))
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def refused(data: bytes) -> str:
    """What is said of a file that is refused, soon and without much memory."""
    tracemalloc.start()
    try:
        begun = time.process_time()
        with pytest.raises(BadInputError) as refusal:
            read_table(data, name="list.xlsx")
        assert time.process_time() - begun < 20
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert refusal.value.hint
    return refusal.value.message


def test_openpyxl_reads_xml_through_defusedxml() -> None:
    """Its own parsing has no entities either, should a part come past ours."""
    assert openpyxl.DEFUSEDXML is True


@pytest.mark.parametrize("part", [SHEET, BOOK, STYLES, TYPES, "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"])
@pytest.mark.parametrize("types", [LAUGHS, OUTSIDE])
def test_a_document_type_is_refused(part: str, types: bytes) -> None:
    """In every part that is read, in UTF-8 and in any other coding."""
    evil = changed(GOOD, part, lambda xml: types + re.sub(rb"\A<\?xml[^>]*\?>", b"", xml))
    assert "damaged" in refused(evil)
    utf16 = changed(GOOD, part, lambda xml: (types.decode() + xml.decode()).encode("utf-16"))
    assert "damaged" in refused(utf16)
    seven = changed(
        GOOD, part, lambda _: b'<?xml version="1.0" encoding="utf-7"?>' + types.decode().encode("utf-7") + b"<a/>"
    )
    assert "damaged" in refused(seven)


def test_zip_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """By stated size, by ratio, and by number of entries."""
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    parts = {TYPES: b"<a/>"}
    assert "too much" in refused(packed({**parts, "xl/a.bin": bytes(xlsx_package.MAX_UNPACKED)}))
    assert "too much" in refused(packed({**parts, "xl/a.bin": bytes(8 << 20)}))
    assert "too much" in refused(packed({str(number): b"" for number in range(xlsx_package.MAX_ENTRIES + 1)}))


def test_a_lie_about_the_size_is_refused() -> None:
    """An entry that holds more than it states is damaged, not unpacked."""
    data = bytearray(packed({**parts_of(GOOD), SHEET: b"<worksheet>" + b" " * 100_000}))
    at = data.rfind(SHEET.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = (500).to_bytes(4, "little")
    assert "damaged" in refused(bytes(data))


def test_protected_and_doubled_entries_are_refused() -> None:
    """A password is named as what is wrong; two parts of one name are never read as two different ones."""
    data = bytearray(GOOD)
    at = data.rfind(SHEET.encode()) - 46
    data[at + 8] |= 1
    assert "password" in refused(bytes(data))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts_of(GOOD).items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(SHEET, b"<worksheet/>")
    assert "damaged" in refused(target.getvalue())


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        (SHEET, b"<sheetData>", b"<sheetData>" + b"<a/>" * 2_100_000, "too much"),
        (SHEET, b"<sheetData>", b"<sheetData>" + b"<row>" * 150_000, "damaged"),
        (STYLES, b"<cellXfs", b'<a formatCode="' + b"[" * 200_000 + b'"/><cellXfs', "damaged"),
        (SHEET, b"<sheetData>", b"<sheetData><row/>" + b"<c/>" * 1000 + b"<row></row>", "damaged"),
        (SHEET, b"<sheetData>", b"<sheetData><!--" + b"<row>" + b"--><c/><row></row>", "damaged"),
        (SHEET, b"<sheetData>", b"<sheetData><row>" + b"<c/>" * 210_000 + b"</row>", "damaged"),
        (BOOK, b"<sheets>", b"<sheets>" + b"<a/>" * 110_000, "too much"),
        (SHEET, b"</sheetData>", b"</f>" + b" " * 3_000_000 + b"x</sheetData>", "damaged"),
        (SHEET, b'r="1"', b'r="1' + b"0" * 5000 + b'"', "nothing in the table|damaged"),
    ],
    ids=range(9),
)  # fmt: skip
def test_costly_parts_are_refused_soon(part: str, old: bytes, new: bytes, said: str) -> None:
    """Floods of elements, deep nesting, and texts on which patterns would take for ever."""
    assert re.search(said, refused(changed(GOOD, part, lambda xml: xml.replace(old, new, 1))))


def test_a_sheet_named_many_times_is_read_once() -> None:
    """A workbook cannot make one sheet cost more by listing it again and again."""
    sheets = b"".join(b'<sheet name="s%d" sheetId="%d" r:id="rId1"/>' % (at, at) for at in range(2, 5000))
    relations = b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    data = changed(
        GOOD,
        BOOK,
        lambda xml: xml.replace(b"</sheets>", sheets + b"</sheets>").replace(
            b"<workbook ", b"<workbook " + relations, 1
        ),
    )
    begun = time.process_time()
    table = table_or_refusal(data, name="x")
    assert time.process_time() - begun < 10
    assert table is not None
    assert table.header == ("Nummer", "Name")


def test_what_patterns_look_for_may_stand_there_often() -> None:
    """Reading stays linear in a part where a pattern's beginning is repeated without its end."""
    data = changed(GOOD, SHEET, lambda xml: xml.replace(b"<worksheet", b"<worksheet" * 150_000, 1))
    begun = time.process_time()
    assert table_or_refusal(data, name="x") is not None
    assert time.process_time() - begun < 10


def test_wide_merges_cost_nothing() -> None:
    """Ranges over the whole sheet, twenty thousand of them, fill no more than there is."""
    ranges = (
        b"<mergeCells>" + b'<mergeCell ref="A2:XFD1048576"/>' * 30_000 + b'<mergeCell ref="A0:A9999999"/></mergeCells>'
    )
    data = changed(GOOD, SHEET, lambda xml: xml.replace(b"</worksheet>", ranges + b"</worksheet>"))
    begun = time.process_time()
    assert read_table(data, name="x").rows == (("1", "Löwe"), ("2", "0.5"))
    assert time.process_time() - begun < 10


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes of the zip, or of the XML in it, changed, doubled or cut out give a table or a refusal."""
    piece = data.draw(st.binary(max_size=5) | st.sampled_from(PIECES))
    if data.draw(st.booleans()):
        whole = GOOD
        rebuilt = lambda mutated: mutated  # noqa: E731
    else:
        part = data.draw(
            st.sampled_from([SHEET, BOOK, STYLES, TYPES, "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"])
        )
        whole = PARTS[part]
        rebuilt = lambda mutated: packed({**PARTS, part: mutated})  # noqa: E731
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 30))
    table = table_or_refusal(rebuilt(whole[:at] + piece + whole[at + cut :]), name="list.xlsx")
    assert table is None or table.header


PARTS = parts_of(GOOD)
PIECES = [
    b"<",
    b">",
    b"/>",
    b'"',
    b"-1",
    b"99999999999",
    b"NaN",
    b"1e999",
    b"&#0;",
    b"<c><v>1</v></c>",
    b't="d"',
    b't="s"',
    b"<row/>",
]
