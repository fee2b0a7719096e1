"""Writes the list of words no password may be built from: `python -m tools.make_blocklist`.

Put together from facts, not from anybody's leaked list: words kept by hand in `blocklist_words.txt`, walks over
keyboards, months, weekdays, countries and languages as Babel names them, and the cities of the time zones.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zoneinfo
from pathlib import Path

from babel import Locale

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path(__file__).with_name("blocklist_words.txt")
TARGET = ROOT / "appliance" / "web" / "account" / "blocklist.txt"
HEAD = """\
# Words that people build passwords from first. Compared after digits and symbols at both ends are
# stripped and the usual substitutions (@ for a, 0 for o, 3 for e ...) undone. One a line, lower case.
# Written by tools/make_blocklist.py.
"""
LEAST, MOST = 4, 16
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_COLUMNS = ("qaz", "wsx", "edc", "rfv", "tgb", "yhn", "ujm")
_CALENDARS = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "tr", "sv", "cs", "ro")
_PLACES = ("en", "de", "fr", "es")


def words() -> list[str]:
    """Return every word, in order, each once."""
    kept = (line.strip() for line in KEPT.read_text(encoding="utf-8").splitlines())
    found = {word for line in kept if not line.startswith("#") for word in line.split()}
    found |= _walks() | _calendar() | _places()
    plain = {form for word in found for form in _forms(word)}
    return sorted(word for word in plain if LEAST <= len(word) <= MOST)


def _forms(word: str) -> set[str]:
    """The word in small letters, without spaces, and as people type it without accents."""
    small = re.sub(r"[\s.'\u2019()/-]", "", unicodedata.normalize("NFKC", word).casefold())
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", small) if not unicodedata.combining(sign))
    spelt = small.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return {form for form in (small, bare, spelt) if form.isalpha()}


def _walks() -> set[str]:
    """Keys side by side, forward, back and twice; columns of keys one after the other."""
    found = set()
    for row in (*_ROWS, _ALPHABET):
        for length in range(LEAST, min(len(row), 10) + 1):
            for start in range(len(row) - length + 1 if row != _ALPHABET else 3):
                walk = row[start : start + length]
                found |= {walk, walk[::-1]}
        found |= {row[:length] * 2 for length in range(2, 6)}
    for start in range(len(_COLUMNS)):
        for count in range(2, 5):
            found.add("".join(_COLUMNS[start : start + count]))
    found |= {sign * length for sign in _ALPHABET for length in range(LEAST, 9)}
    return found


def _calendar() -> set[str]:
    found = set()
    for code in _CALENDARS:
        locale = Locale.parse(code)
        for kind in ("format", "stand-alone"):
            found |= set(locale.months[kind]["wide"].values()) | set(locale.days[kind]["wide"].values())
    return found


def _places() -> set[str]:
    found = {part for zone in zoneinfo.available_timezones() for part in zone.split("/")[1:]}
    found = {part.replace("_", " ") for part in found}
    for code in _PLACES:
        locale = Locale.parse(code)
        found |= set(locale.territories.values())
    found |= set(Locale.parse("en").languages.values())
    return found


def main() -> int:
    """Write the list; return 0."""
    found = words()
    TARGET.write_text(HEAD + "\n".join(found) + "\n", encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(found)} words, {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
