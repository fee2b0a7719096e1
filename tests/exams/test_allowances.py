"""Extra time as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import BadInputError
from appliance.exams.allowances import NONE, Allowance, ceil_second, parse_allowance


@pytest.mark.parametrize(
    ("text", "percent_hundredths", "minutes"),
    [
        ("25 %", 2500, 0),
        ("12,5%", 1250, 0),
        ("33.33 percent", 3333, 0),
        ("30 min", 0, 30),
        ("30 Minuten", 0, 30),
        ("25 % + 10 min", 2500, 10),
        ("10 min + 25 %", 2500, 10),
        ("", 0, 0),
        ("0", 0, 0),
        (" - ", 0, 0),
    ],
)
def test_what_a_cell_means(text: str, percent_hundredths: int, minutes: int) -> None:
    """Percent, minutes, both in either order, decimal point or comma, and nothing."""
    assert parse_allowance(text) == Allowance(percent_hundredths=percent_hundredths, minutes=minutes)


@pytest.mark.parametrize(
    "text", ["25", "some", "-5 min", "25 % + 5 %", "1 min + 2 min", "2.5 min", "301 %", "601 min", "1 % +", "9" * 99]
)
def test_what_is_refused(text: str) -> None:
    """A bare number is ambiguous; fractions of minutes, repeats and too much are refused with a hint."""
    with pytest.raises(BadInputError) as problem:
        parse_allowance(text)
    assert problem.value.hint


@given(st.text(max_size=200))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """Nothing else than BadInputError comes out of a cell, and what is understood is in range."""
    try:
        allowance = parse_allowance(text)
    except BadInputError:
        return
    assert 0 <= allowance.percent_hundredths <= 30_000
    assert 0 <= allowance.minutes <= 600


@given(st.integers(0, 10**13), st.integers(0, 30_000), st.integers(0, 600))
def test_extra_time_is_whole_seconds_in_favour_of_the_candidate(duration: int, percent: int, minutes: int) -> None:
    """Never less than the exact share, never a second more, and none where none is planned."""
    extra = Allowance(percent_hundredths=percent, minutes=minutes).extra_us(duration)
    exact = duration * percent / 10_000 + minutes * 60 * SECOND_US
    assert extra % SECOND_US == 0
    assert exact - 1 <= extra < exact + SECOND_US + 1
    assert NONE.extra_us(duration) == 0
    assert ceil_second(extra) == extra
