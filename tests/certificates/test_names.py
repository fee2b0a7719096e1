"""Names and addresses of a certificate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9.:\[\]-]{1,70}"))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """What comes out is lower case and made of plain signs."""
    try:
        (word,) = names_of([text]).words()
    except BadInputError:
        return
    assert word == word.lower()
    assert word.isascii()


@given(st.lists(st.sampled_from(["a", "B.local", "10.0.0.1", "fd00::1", "[fd00:0::1]", "a."])))
def test_covering_is_an_order(texts: list[str]) -> None:
    """Names cover themselves and any part of them; making them anew from their words changes nothing."""
    names = names_of(texts)
    assert names_of(names.words()) == names
    assert names.covers(names_of(texts[1:]))
    assert names_of([*texts, "more"]).covers(names)
    assert not names.covers(names_of([*texts, "more"]))
