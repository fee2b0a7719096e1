"""Files that pages are made of are our own, or listed with version, licence, source and hash."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).resolve().parents[2] / "appliance" / "web"
FIELDS = {"path", "name", "version", "licence", "source", "sha256"}
# What we write ourselves is text of these kinds, in lines a person reads.
OWN_KINDS = frozenset({".js", ".css", ".svg", ".html", ".txt", ".po", ".py", ".toml", ".typed"})
LONGEST_LINE = 1200
NOTICE = re.compile(
    r"copyright|\(c\)\s+\d{4}|@licen[cs]e|@preserve|^/\*!|sourceMappingURL|Licensed under"
    r"|SPDX-License|all rights reserved",
    re.IGNORECASE | re.MULTILINE,
)
ELSEWHERE = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/)((?:[a-z0-9-]+\.)+[a-z]{2,})""", re.IGNORECASE)
# Names that are set apart for examples (RFC 6761), and the room's own network (RFC 6762): nobody else's.
NOBODYS = re.compile(r"(^|\.)example(\.(org|com|net))?$|\.local$", re.IGNORECASE)


def faults(web: Path, listed: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with a folder of files and its list."""
    found = [f"{entry.get('path')}: fields {sorted(FIELDS ^ set(entry))}" for entry in listed if set(entry) != FIELDS]
    known = {entry["path"]: entry for entry in listed if "path" in entry}
    for path in sorted(path for path in web.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        name = str(path.relative_to(web))
        entry = known.pop(name, None)
        if entry is not None:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found += [f"{name}: sha256 is {digest}"] if digest != entry["sha256"] else []
            found += [] if path.with_suffix(".LICENSE").is_file() else [f"{name}: no licence beside it"]
        elif path.suffix != ".LICENSE":
            found += [f"{name}: {fault}" for fault in foreign(path)]
    return found + [f"{name}: listed, but not there" for name in known]


def foreign(path: Path) -> list[str]:
    """Return what shows that a file was not written here."""
    if path.suffix not in OWN_KINDS:
        return [f"a {path.suffix or 'nameless'} file is not listed"]
    text = path.read_text("utf-8")
    if path.suffix in {".py", ".po", ".toml"}:
        return []
    notice = NOTICE.search(text)
    longest = max(map(len, text.splitlines()), default=0)
    return [
        *([f"carries the notice {notice[0]!r}"] if notice else []),
        *([f"has a line of {longest} signs, as packed files have"] if longest > LONGEST_LINE else []),
    ]


def test_every_file_is_our_own_or_listed() -> None:
    """No unlisted third-party file, no hash that differs, no entry without its file and licence."""
    assert faults(WEB, tomllib.loads((WEB / "VENDORED.toml").read_text("utf-8"))["asset"]) == []


@pytest.mark.parametrize("path", sorted([*WEB.rglob("static/**/*"), *WEB.rglob("templates/**/*.html")]), ids=str)
def test_no_file_names_another_host(path: Path) -> None:
    """No page, style, script or picture holds another host's address, but for XML's namespaces and examples."""
    if path.is_file():
        assert [host for host in ELSEWHERE.findall(path.read_text("utf-8")) if not NOBODYS.search(host)] == []


def test_icons_are_drawn_here() -> None:
    """Every icon is a symbol of our own sheets, and every symbol that pages name is there."""
    sheets = {path: set(re.findall(r'<symbol id="([^"]+)"', path.read_text("utf-8"))) for path in WEB.rglob("*.svg")}
    named = {
        name
        for path in [*WEB.rglob("templates/**/*.html"), *WEB.rglob("*.py")]
        for name in re.findall(r'\b(?:icon|glyph)\("([a-z-]+)"', path.read_text("utf-8"))
    }
    assert named
    assert named <= set().union(*sheets.values())


def test_what_is_not_listed_is_found(tmp_path: Path) -> None:
    """A font, a packed script, somebody's notice, another hash, a missing licence: each is a fault."""
    (tmp_path / "a.woff2").write_bytes(b"\x00font")
    (tmp_path / "b.js").write_text("x" * 5000)
    (tmp_path / "c.css").write_text("/*! Sheet 1.0 | MIT */")
    (tmp_path / "own.js").write_text("export const one = 1;\n")
    (tmp_path / "lib.js").write_text("changed")
    entry = {"path": "lib.js", "name": "lib", "version": "1", "licence": "MIT", "source": "s", "sha256": "0" * 64}
    found = faults(tmp_path, [entry, {**entry, "path": "gone.js"}, {"path": "odd.js"}])
    assert {fault.split(":")[0] for fault in found} == {"a.woff2", "b.js", "c.css", "lib.js", "gone.js", "odd.js"}
    (tmp_path / "lib.LICENSE").write_text("MIT")
    good = {**entry, "sha256": hashlib.sha256(b"changed").hexdigest()}
    assert not [fault for fault in faults(tmp_path, [good]) if fault.startswith("lib.js")]
