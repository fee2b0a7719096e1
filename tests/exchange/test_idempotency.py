"""A delivery's key has one text, and a text one key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.idempotency import MAX_SEQ, DeliveryKey, DeliveryKeyError, parse_delivery_key

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@given(NAMES, NAMES, st.integers(1, MAX_SEQ))
def test_a_key_is_read_as_it_is_written(box: str, epoch: str, seq: int) -> None:
    """Box, epoch and number come back from the text."""
    key = DeliveryKey(box, epoch, seq)
    assert str(key) == f"{box}:{epoch}:{seq}"
    assert parse_delivery_key(str(key)) == key


@given(st.text(max_size=40) | st.text("a1:-0", max_size=12))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    """No two texts are one key, and nothing else is raised."""
    try:
        key = parse_delivery_key(text)
    except DeliveryKeyError:
        return
    assert str(key) == text


@pytest.mark.parametrize(
    "text",
    ["", "box", "box:1", "box:1:0", "box:1:-1", "box:1:01", "box:1: 1", "box:1:1:1", ":1:1", "box::1", "box:1:",
     "bo x:1:1", "box:1:9223372036854775808", "box:1:\N{ARABIC-INDIC DIGIT ONE}", "-box:1:1", "b" * 65 + ":1:1",
     "box:1:1\n"],
)  # fmt: skip
def test_other_forms_are_refused(text: str) -> None:
    """Missing, empty, doubled and strange parts, leading zeros and numbers beyond 64 bits are refused."""
    with pytest.raises(DeliveryKeyError):
        parse_delivery_key(text)


def test_keys_sort_as_their_causes_happened() -> None:
    """Within a box and epoch, order is by number, not by text."""
    assert DeliveryKey("b", "1", 9) < DeliveryKey("b", "1", 10)
