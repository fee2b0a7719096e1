"""Codes that people carry by hand (`appliance.exchange.typed_code`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.typed_code import GROUP, SIGNS, grouped, signs, typed


@given(st.binary(min_size=20, max_size=40), st.integers(1, 32))
def test_what_is_read_out_is_understood(data: bytes, length: int) -> None:
    """However it is typed, in groups, in lower case, with letters taken for digits, the same signs come out."""
    made = signs(data, length)
    assert len(made) == length
    assert set(made) <= set(SIGNS)
    careless = grouped(made).lower().replace("0", "o").replace("1", "l")
    assert typed(f"  {careless}\t", length) == made
    assert all(len(group) == GROUP for group in grouped(made).split("-")[:-1])


@given(st.text(max_size=120))
def test_any_text_is_a_code_or_none(text: str) -> None:
    """Whatever is typed, nothing but a code of the length comes out."""
    found = typed(text, 12)
    assert found is None or (len(found) == 12 and set(found) <= set(SIGNS))


def test_too_few_bits_and_too_long_texts_are_refused() -> None:
    """A code is never shorter than it looks, and a long text is not read."""
    with pytest.raises(ValueError, match="60 random bits"):
        signs(b"1234567", 12)
    assert typed("A" * 101, 101) is None
