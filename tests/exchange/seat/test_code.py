"""Codes by which workstations join: read as people type them, bound to one box."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.seat.code import SeatCode, SeatCodeError, check_anchor, new_code, parse_code
from appliance.exchange.seat.routes import agent_id

RANDOM = st.binary(min_size=8, max_size=32)
ANCHORS = st.binary(max_size=64)


@given(RANDOM, ANCHORS)
def test_a_code_is_read_as_it_was_shown(random: bytes, anchor: bytes) -> None:
    """What is shown in eight groups of four is read back, however it is typed."""
    code = new_code(random, anchor)
    shown = str(code)
    assert [len(group) for group in shown.split("-")] == [4] * 8
    assert parse_code(shown) == code
    assert parse_code(f"  {shown.lower().replace('-', ' ')} ") == code
    assert parse_code(shown.replace("0", "o").replace("1", "l").replace("-", "")) == code
    check_anchor(code, anchor)


@given(RANDOM, ANCHORS, ANCHORS)
def test_another_box_is_noticed(random: bytes, anchor: bytes, other: bytes) -> None:
    """A box with another anchor than the code's is refused."""
    if anchor == other:
        return
    with pytest.raises(SeatCodeError, match="not the one"):
        check_anchor(new_code(random, anchor), other)


@given(st.text(max_size=200))
def test_what_is_no_code_is_refused_in_words(text: str) -> None:
    """Any text is a code or is refused with what a code looks like; nothing else happens."""
    if len(text.strip()) < 32:
        with pytest.raises(SeatCodeError, match="eight groups"):
            parse_code(text)
        return
    with contextlib.suppress(SeatCodeError):
        assert isinstance(parse_code(text), SeatCode)


def test_a_code_needs_enough_chance() -> None:
    """Fewer than sixty random bits are refused."""
    with pytest.raises(ValueError, match="60 random bits"):
        new_code(b"1234567", b"anchor")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_an_agents_name_is_its_keys(one: bytes, other: bytes) -> None:
    """The name follows from the key, so that nobody can take another's."""
    assert agent_id(one) == agent_id(bytes(one))
    assert (agent_id(one) == agent_id(other)) == (one == other)
