"""The zip an XLSX file is: measured before anything is unpacked, and reduced to the few parts a table needs.

What a hostile file can do is bounded here, so that the reader behind it meets only five kinds of parts, all UTF-8,
without document types, of a bounded number of elements, and of a sheet nothing but its cells.
Source: ECMA-376 part 1 (SpreadsheetML) and part 2 (packages).
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from appliance.errors import BadInputError
from appliance.rosters.sheet_xml import SheetPart, bare_texts, cut_sheet
from appliance.rosters.table import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

MAX_ENTRIES: Final = 2000
MAX_UNPACKED: Final = 128 << 20
MAX_READ: Final = 32 << 20
MAX_RATIO: Final = 200
MAX_TAGS: Final = 2_000_000
MAX_SMALL_TAGS: Final = 100_000
"""Of a part that is held as a tree: everything but texts and cells."""
_RATIO_FROM = 4 << 20
_ENCRYPTED = 1
_CONTENT_TYPES = "[Content_Types].xml"
_STYLES = "xl/styles.xml"
_WORKBOOK = re.compile(r"(sheet|template)(\.macroEnabled)?\.main\+xml$")
_DECLARED = re.compile(rb"\A\s*<\?xml[^<>]*?encoding\s*=\s*[\"']([\w.-]+)")
_LONG_FORMAT = re.compile(rb"formatCode\s*=\s*(?:\"[^\"<>]{1000}|'[^'<>]{1000})")
"""A number's format has 255 characters at most; openpyxl's patterns take long over longer ones."""
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError,
    ParseError, DefusedXmlException,
)  # fmt: skip


class Package(msgspec.Struct, frozen=True):
    """A workbook of one sheet, as an XLSX file's bytes, and what was cut from it: see ``SheetPart``."""

    data: bytes
    sheet: str
    others: tuple[str, ...]
    part: SheetPart


def reduced(data: bytes, sheet: str | None) -> Package:
    """Return the one sheet of a workbook that is wanted: the named one, or the first that is not hidden.

    Raises:
        BadInputError: it is no workbook, is damaged, protected or too large, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _measure(archive.infolist())
            return _reduced(archive, sheet)
    except _BROKEN as problem:
        raise damaged() from problem


def damaged() -> BadInputError:
    """Return what is said of a file that cannot be understood."""
    return BadInputError(
        "The file is no XLSX workbook, or it is damaged.",
        hint="Open it in a spreadsheet program and save it anew as XLSX, or as CSV UTF-8.",
    )


def _measure(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what would cost too much before a byte is unpacked; zipfile never unpacks more than an entry states."""
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise BadInputError("The file is protected by a password.", hint="Save it without a password.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or unpacked > max(_RATIO_FROM, packed * MAX_RATIO):
        raise too_large()
    if len({entry.filename for entry in entries}) < len(entries):
        raise damaged()


def too_large() -> BadInputError:
    """Return what is said of a workbook that would take too much to read."""
    return BadInputError(
        "There is too much in this workbook.", hint="Copy the table into a new workbook, or save it as CSV UTF-8."
    )


def _reduced(archive: zipfile.ZipFile, wanted: str | None) -> Package:
    names = set(archive.namelist())
    if "mimetype" in names and b"opendocument" in archive.read("mimetype"):
        raise BadInputError("This is an OpenDocument file, no CSV or XLSX file.", hint="Save it as XLSX.")
    parts = _Parts(archive)
    types = _tree(parts.take(_CONTENT_TYPES))
    workbook = _typed(types, _WORKBOOK) or ("xl/workbook.xml" if "xl/workbook.xml" in names else "")
    if not workbook:
        raise damaged()
    relations = f"{posixpath.dirname(workbook)}/_rels/{posixpath.basename(workbook)}.rels".lstrip("/")
    targets = _targets(_tree(parts.take(relations)), posixpath.dirname(workbook))
    sheets = [(name, targets.get(key, ""), hidden) for name, key, hidden in _sheets(_tree(parts.take(workbook)))]
    sheets = [one for one in sheets if "worksheets/" in one[1] or one[1] in names]
    name, path = _choose(sheets, wanted)
    if _STYLES in names:
        parts.take(_STYLES)
    if (texts := _typed(types, re.compile(r"sharedStrings\+xml$"))) in names:
        parts.taken[texts] = bare_texts(parts.take(texts, MAX_TAGS))
    part = cut_sheet(parts.take(path, MAX_TAGS))
    parts.taken[path] = part.cells
    return Package(parts.packed(), name, tuple(one for one, _, hidden in sheets if one != name and not hidden), part)


class _Parts:
    """The parts that are needed, each read and checked once, with a common limit."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.taken: dict[str, bytes] = {}
        self._bytes = self._tags = 0

    def take(self, name: str, most_tags: int = MAX_SMALL_TAGS) -> bytes:
        if name in self.taken:
            return self.taken[name]
        self._bytes += self._archive.getinfo(name).file_size
        if self._bytes > MAX_READ:
            raise too_large()
        xml = self._archive.read(name).removeprefix(b"\xef\xbb\xbf")
        tags = xml.count(b"<")
        self._tags += tags
        if tags > most_tags or self._tags > MAX_TAGS:
            raise too_large()
        _refuse_strange(xml)
        self.taken[name] = xml
        return xml

    def packed(self) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, xml in self.taken.items():
                archive.writestr(zipfile.ZipInfo(name), xml)
        return target.getvalue()


def _refuse_strange(xml: bytes) -> None:
    """Refuse XML that is not UTF-8 (so that looking at its bytes is enough) or that defines anything of its own."""
    declared = _DECLARED.match(xml[:300])
    strange = (
        not xml.lstrip().startswith(b"<")
        or b"\0" in xml
        or (declared and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii", b"ascii"})
        or b"<!DOCTYPE" in xml
        or b"<!ENTITY" in xml
        or _LONG_FORMAT.search(xml)
    )
    if strange:
        raise damaged()


def _tree(xml: bytes) -> Element:
    tree: Element = fromstring(xml, forbid_dtd=True)
    return tree


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _children(tree: Element, name: str) -> Iterable[dict[str, str]]:
    for element in tree.iter():
        if _local(str(element.tag)) == name:
            yield {_local(key): value for key, value in element.attrib.items()}


def _typed(types: Element, wanted: re.Pattern[str]) -> str:
    """Return the part of this content type, without its leading slash; empty if there is none."""
    found = (one for one in _children(types, "Override") if wanted.search(one.get("ContentType", "")))
    return next((one.get("PartName", "").lstrip("/") for one in found), "")


def _targets(relations: Element, folder: str) -> dict[str, str]:
    return {
        one.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/")
        for one in _children(relations, "Relationship")
        if one.get("Type", "").endswith("/worksheet")
    }


def _sheets(workbook: Element) -> list[tuple[str, str, bool]]:
    """Return each sheet's name, its relation and whether it is hidden, in the workbook's order."""
    return [
        (one.get("name", ""), one.get("id", ""), one.get("state", "visible") != "visible")
        for one in _children(workbook, "sheet")
    ]


def _choose(sheets: list[tuple[str, str, bool]], wanted: str | None) -> tuple[str, str]:
    sheets = [one for one in sheets if one[1]]
    if wanted is not None:
        for name, path, _ in sheets:
            if name.casefold() == wanted.strip().casefold():
                return name, path
        known = ", ".join(one_line(name) for name, _, _ in sheets[:10])
        raise BadInputError(f"There is no sheet {one_line(wanted)!r}.", hint=f"Name one of these: {known}.")
    for name, path, hidden in sheets:
        if not hidden:
            return name, path
    raise BadInputError("The workbook has no sheet with a table.", hint="Save it anew as XLSX, or as CSV UTF-8.")
