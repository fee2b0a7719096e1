"""Hostile words of devices are safe to show (`appliance.usb.cleaning`)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.usb.cleaning import MARK, MARKS_IN_A_ROW, NOT_SHOWN, clean
from appliance.usb.model import TEXT_CHARACTERS


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("SanDisk", "SanDisk"),
        ("  Prolific Technology Inc. \0\0", "Prolific Technology Inc."),
        ("one\ntwo\tthree", "one two three"),
        ("\x1b[2J\x07wiped", f"{MARK}[2J{MARK}wiped"),
        ("\u202egnp.exe", f"{MARK}gnp.exe"),
        ("zero\u200bwidth", f"zero{MARK}width"),
        ("\u3164\u3164", MARK),
        ("\u2028line", "line"),
        ("a\ud800b", f"a{MARK}b"),
        ("a\ue000b", f"a{MARK}b"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xfe broken", f"{MARK} broken"),
        (b"\xed\xa0\x80", MARK),
        ("<b onclick=x>&amp;", "<b onclick=x>&amp;"),
        ("键盘", "键盘"),
        ("Z" + "\u0301" * 40, "Z" + "\u0301" * MARKS_IN_A_ROW),
        ("", ""),
        ("\0", ""),
    ],
)
def test_hostile_words_become_one_harmless_line(said: str | bytes, shown: str) -> None:
    """What cannot be shown becomes one mark, white space one space, and plain words stay as they are."""
    assert clean(said) == shown


def test_overlong_words_are_cut_where_a_descriptor_would_end() -> None:
    """A name longer than a string descriptor can hold ends with an ellipsis at that length."""
    shown = clean("A" * 100_000)
    assert len(shown) == TEXT_CHARACTERS
    assert shown.endswith("A…")


@given(st.one_of(st.text(alphabet=st.characters(), max_size=400), st.binary(max_size=400)))
@example("a" * 125 + " b")
@example("\u0301" * 200)
@example(("a" + "\u0301" * 5) * 60)
@example("\ufffd \ufffd x \ufffd")
def test_whatever_a_device_says_is_safe_to_show(said: str | bytes) -> None:
    """Any words come out in one line, short, printable, as valid Unicode, and cleaning them again changes nothing."""
    shown = clean(said)
    assert len(shown) <= TEXT_CHARACTERS
    assert not {unicodedata.category(character) for character in shown} & NOT_SHOWN
    assert shown.encode().decode() == shown
    assert shown == " ".join(shown.split())
    assert clean(shown) == shown
