"""One value has one text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.canonical import canonical, sha256_text
from tests.exchange.values import TEXTS

EXACT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(EXACT)
def test_a_text_is_read_back_as_the_value_it_was_made_of(value: Any) -> None:
    """What is written is JSON of the same value, and writing that again gives the same bytes."""
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


def test_the_order_of_keys_and_spaces_are_not_a_matter_of_taste() -> None:
    """Keys are sorted, nothing is spaced, and what is not ASCII stands as it is."""
    assert canonical({"b": [1, True, None], "a": "ü\n"}) == '{"a":"ü\\n","b":[1,true,null]}'.encode()


@pytest.mark.parametrize("value", [1.5, [1.0], {"a": {"b": 0.0}}, {1: "a"}, b"bytes", (1,)])
def test_what_has_no_one_text_is_refused(value: Any) -> None:
    """Floats, keys that are no texts and what is no JSON are errors of the program."""
    with pytest.raises(TypeError):
        canonical(value)


def test_half_a_surrogate_pair_is_refused() -> None:
    """A text that cannot be written as UTF-8 is not signed."""
    with pytest.raises(ValueError, match="surrogate"):
        canonical("\ud800")


def test_a_hash_is_written_as_43_signs() -> None:
    """The hash of nothing is the known one, in base64url without padding."""
    assert sha256_text(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
