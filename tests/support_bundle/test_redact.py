"""The redactor: no known value stays, however it is spelled, and nothing else is lost."""

from __future__ import annotations

import base64
import html
import json
import string
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.support.redact import ENCODED_FROM, FREE_STANDING, Redactor

NAMES = st.text(
    st.characters(categories=("Lu", "Ll", "Lt", "Lo", "Nd", "Mn", "Pd", "Zs", "Po"), max_codepoint=0x2FFF),
    min_size=FREE_STANDING, max_size=24,
).map(str.strip).filter(lambda text: len(text) >= FREE_STANDING and text.isprintable())  # fmt: skip
AROUND = st.text(string.ascii_letters + string.digits + " .,:;=/\"'<>[]{}()\n", max_size=12)
WORD = "<q 1>"


def _encoded(name: str) -> list[str]:
    raw = name.encode()
    return [
        name, name.upper(), name.lower(), unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name),
        quote(name), quote(name, safe=""), json.dumps(name)[1:-1], html.escape(name), repr(name)[1:-1],
        ascii(name)[1:-1], raw.decode("latin-1"), raw.hex(), raw.hex().upper(), name.encode("utf-16-le").hex(),
    ]  # fmt: skip


@given(NAMES, AROUND, AROUND, st.integers(0, 14))
def test_a_known_value_does_not_stay_in_any_spelling(name: str, before: str, behind: str, which: int) -> None:
    """Plain, in capitals, composed or not, percent-encoded, escaped, in hexadecimal; whatever stands around it."""
    spelled = _encoded(name)[which]
    assume(spelled.lower() not in f"{before}{behind}{WORD}".lower())
    clean = Redactor({name: WORD}).text(before + spelled + behind, patterns=False)
    assert spelled not in clean
    assert WORD in clean


@given(NAMES.filter(lambda name: len(name.encode()) >= ENCODED_FROM + 4), st.binary(max_size=7), st.binary(max_size=7))
def test_a_known_value_inside_of_base64_does_not_stay(name: str, before: bytes, behind: bytes) -> None:
    """At whichever of the three places a group of three bytes begins; nobody can decode it from what is left."""
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        text = coded(before + name.encode() + behind).decode()
        clean = Redactor({name: WORD}).text(f"data={text};", patterns=False)
        assert WORD in clean
        assert text not in clean


@given(AROUND)
def test_text_without_personal_data_stays(text: str) -> None:
    """Nothing known is in it, and nothing that has a form of its own."""
    assume(not any(sign in text for sign in ":/@.") and not any(len(word) >= 32 for word in text.split()))
    assert Redactor({"Wilhelmine": WORD}).text(text) == text


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), st.data())
def test_values_that_overlap_are_all_taken_out(names: list[str], data: st.DataObject) -> None:
    """Among many known values, also where one holds another."""
    text = " | ".join(data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6)))
    clean = Redactor(dict.fromkeys(names, "#")).text(text, patterns=False)
    assert not [name for name in names if name in clean and not set(name) <= set("#| ")]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail anna@example.org now", "mail <e-mail> now"),
        ("from 192.168.7.4:554 came", "from <IP address>:554 came"),
        ("at 127.0.0.1 port 8480", "at 127.0.0.1 port 8480"),
        ("fe80::1ff:fe23:4567:890a%eth0 and 2001:db8::7", "<IP address> and <IP address>"),
        ("mac 00:1a:2B:3c:4d:5e, 00-1A-2B-3C-4D-5E", "mac <MAC address>, <MAC address>"),
        ("rtsp://anna:geheim@cam7.school/live?x=1 failed", "rtsp://<address> failed"),
        ("room7.local answered", "<host> answered"),
        ("/home/anna/box/x.toml: bad", "<path>: bad"),
        (f"key {'a1' * 16} is", "key <hex> is"),
        ("2026-11-25T14:02:01.123Z took 12:30:15", "2026-11-25T14:02:01.123Z took 12:30:15"),
        ("exambox 0.1.0, Python 3.11.2, exambox.db", "exambox 0.1.0, Python 3.11.2, exambox.db"),
        ("999.999.999.999", "999.999.999.999"),
    ],
)
def test_what_has_the_form_of_personal_data_goes(text: str, clean: str) -> None:
    """Addresses of people, machines and files; times and versions stay."""
    assert Redactor({}).text(text) == clean


def test_short_values_are_taken_out_where_they_stand_alone() -> None:
    """`Al` is a person, `normal` is a word."""
    assert Redactor({"Al": WORD}).text("normal: Al, al; Also") == f"normal: {WORD}, {WORD}; Also"


def test_a_tree_is_redacted_in_every_text_and_keeps_its_form() -> None:
    """Lists, objects, numbers: the names of fields are ours."""
    tree = {"camera": ["Frontal", {"n": 7, "ok": True, "none": None}], "text": "at Frontal"}
    assert Redactor({"Frontal": WORD}).tree(tree) == {
        "camera": [WORD, {"n": 7, "ok": True, "none": None}],
        "text": f"at {WORD}",
    }
