"""Names and addresses of a certificate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates.hints import SYSTEMS, grouped, likely_system
from appliance.certificates.names import names_of
from appliance.errors import BadInputError


def test_names_are_sorted_and_each_there_once() -> None:
    """Capital letters, last dots and brackets make no difference; addresses are known as such."""
    found = names_of(["Room-1.", "room-1", "[fd00::1]", "fd00:0::1", "10.0.0.2"])
    assert found.words() == ["room-1", "10.0.0.2", "fd00::1"]


@pytest.mark.parametrize(
    "text", ["", "a b", "-a", "a-", "a..b", "*.local", "x" * 64, "a/b", "1.2.3", "ä.local", "a\x00"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """No wildcard, no path, no half address."""
    with pytest.raises(BadInputError):
        names_of([text])


def test_there_is_a_limit() -> None:
    """A certificate does not grow without end."""
    with pytest.raises(BadInputError):
        names_of([f"room-{number}" for number in range(41)])


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """What comes out is lower case and made of plain signs."""
    try:
        (word,) = names_of([text]).words()
    except BadInputError:
        return
    assert word == word.lower()
    assert word.isascii()


@pytest.mark.parametrize(
    ("agent", "system"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130", "windows"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "ios"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14)", "macos"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel)", "android"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130", "linux"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko Firefox/130.0", "firefox"),
        ("", "windows"),
    ],
)
def test_the_likely_system_comes_first(agent: str, system: str) -> None:
    """The steps of the device in one's hand are the first."""
    assert likely_system(agent) == system


@given(st.text())
def test_any_browser_gets_some_steps(agent: str) -> None:
    """Whatever a browser calls itself."""
    assert likely_system(agent) in SYSTEMS


def test_fingerprints_are_read_in_groups() -> None:
    """Four signs at a time, capital."""
    assert grouped("0123abcd45") == "0123 ABCD 45"
