"""Makes a device's own words safe to show: a plug may say anything, and it is shown to people, kept and sent on."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from appliance.usb.model import TEXT_CHARACTERS

READ_AT_MOST: Final = 4096
"""Characters (or bytes) looked at; sysfs gives a page."""

MARK: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands where something was that cannot be shown, so that it is seen that there was something."""

MARKS_IN_A_ROW: Final = 3
"""Combining marks kept upon one character; text heaped with them paints over the lines around it."""

# Letters and signs that show nothing (Unicode: Default_Ignorable_Code_Point, and the blank of Braille).
INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Controls, formats (bidirectional overrides, zero width), surrogates, private use, unassigned, line and paragraph ends.
NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
COMBINING: Final = frozenset({"Mn", "Me", "Mc"})
WHITE: Final = re.compile(r"\s+")
MARKS: Final = re.compile(f"{MARK}(?: ?{MARK})+")


def clean(text: str | bytes) -> str:
    """Return ``text`` in one line, printable, valid Unicode, at most ``TEXT_CHARACTERS`` long.

    Bytes are taken as UTF-8, as the kernel writes them. What cannot be shown (control characters, direction overrides,
    invisible letters, lone surrogates, bytes that are no UTF-8) becomes one replacement character a run; white space
    becomes one space; trailing NULs, which careless firmware leaves, are dropped. Markup stays as it is written:
    it is text, and every template escapes text. Cleaning twice changes nothing.
    """
    shown = text[:READ_AT_MOST].decode("utf-8", "replace") if isinstance(text, bytes) else text[:READ_AT_MOST]
    shown = WHITE.sub(" ", shown.rstrip("\0"))
    shown = "".join(_kept(shown))
    shown = MARKS.sub(MARK, shown)
    return _cut(WHITE.sub(" ", shown).strip())


def _kept(text: str) -> list[str]:
    kept: list[str] = []
    combined = 0
    for character in text:
        category = unicodedata.category(character)
        combined = combined + 1 if category in COMBINING else 0
        if combined > MARKS_IN_A_ROW:
            continue
        shows = category not in NOT_SHOWN and not INVISIBLE.match(character)
        kept.append(character if shows else MARK)
    return kept


def _cut(text: str) -> str:
    if len(text) <= TEXT_CHARACTERS:
        return text
    return text[: TEXT_CHARACTERS - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
