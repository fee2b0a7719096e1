"""A code is read as people type it, and tells one hub from another."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.enrol_code import EnrolCodeError, check_hub, new_code, parse_code
from tests.exchange.centre.values import BOX_PUBLIC, HUB_PUBLIC


@given(st.binary(min_size=8, max_size=16))
def test_a_code_is_read_back_however_it_is_typed(random: bytes) -> None:
    """Case, hyphens, spaces, and letters that look like digits do not matter."""
    code = new_code(random, HUB_PUBLIC)
    shown = str(code)
    assert len(shown) == 29
    for typed in (shown, shown.lower(), shown.replace("-", ""), shown.replace("-", " "), f"  {shown}\n"):
        assert parse_code(typed) == code
    assert parse_code(shown.replace("0", "o").replace("1", "l")) == code
    check_hub(parse_code(shown), HUB_PUBLIC)


def test_another_hub_is_found_out() -> None:
    """The key of who answers has to be the one the code was made with."""
    with pytest.raises(EnrolCodeError, match="not the one"):
        check_hub(new_code(bytes(8), HUB_PUBLIC), BOX_PUBLIC)


def test_two_codes_share_no_secret() -> None:
    """Other random bytes make another secret, down to the last of the 60 bits."""
    secrets = {new_code((number << 4).to_bytes(8), HUB_PUBLIC).secret for number in range(200)}
    assert len(secrets) == 200


@pytest.mark.parametrize(
    "text", ["", "ABCD", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ2U", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ234", "-" * 200]
)
def test_what_is_no_code_is_refused_with_what_to_do(text: str) -> None:
    """A code that is too short, too long, or has other signs is refused with an example."""
    with pytest.raises(EnrolCodeError) as refused:
        parse_code(text)
    assert "ABCD-" in refused.value.hint


def test_too_little_chance_is_an_error_of_the_program() -> None:
    """A code is not made of fewer than 60 bits."""
    with pytest.raises(ValueError, match="random"):
        new_code(bytes(7), HUB_PUBLIC)


@given(st.text(max_size=150))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    """No text does more than be refused."""
    with contextlib.suppress(EnrolCodeError):
        assert len(str(parse_code(text))) == 29
