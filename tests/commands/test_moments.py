"""Times as people write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US, parse_utc
from appliance.commands.moments import parse_moment, say_bytes, say_length, say_moment
from appliance.errors import BadInputError

BERLIN = ZoneInfo("Europe/Berlin")
START = parse_utc("2026-11-21T22:00:00Z")
END = parse_utc("2026-11-22T01:30:00Z")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-21T23:30:00", "2026-11-21T22:30:00Z"),
        ("2026-11-21T22:30:00Z", "2026-11-21T22:30:00Z"),
        ("2026-11-21T22:30:00.250+00:00", "2026-11-21T22:30:00.250Z"),
        ("23:05", "2026-11-21T22:05:00Z"),
        ("0:15:30", "2026-11-21T23:15:30Z"),
        ("02:00", "2026-11-22T01:00:00Z"),
        ("12:00", "2026-11-21T11:00:00Z"),
        ("-90s", "2026-11-22T01:28:30Z"),
        ("-5m", "2026-11-22T01:25:00Z"),
        ("-1h", "2026-11-22T00:30:00Z"),
        ("+10m", "2026-11-21T22:10:00Z"),
        (" 23:05:00.5 ", "2026-11-21T22:05:00.500Z"),
    ],
)
def test_a_time_means_what_a_person_in_the_room_means(text: str, utc: str) -> None:
    """Without an offset the room's zone counts; a time of day falls on the recording's day it lies in."""
    assert parse_moment(text, zone=BERLIN, start_us=START, end_us=END) == parse_utc(utc)


@pytest.mark.parametrize(
    "text", ["", "noon", "25:00", "12:60", "-5", "5m", "2026-13-01", "-5d", "12:00:00:00", "x" * 500]
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    """The error shows how times are written."""
    with pytest.raises(BadInputError) as caught:
        parse_moment(text, zone=BERLIN, start_us=START, end_us=END)
    assert "-90s" in caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_bad_input(text: str) -> None:
    """Nothing that is typed gives another error."""
    try:
        found = parse_moment(text, zone=BERLIN, start_us=START, end_us=END)
    except BadInputError:
        return
    assert isinstance(found, int)


@given(st.integers(0, 4_000_000_000))
def test_what_is_shown_can_be_typed_again(seconds: int) -> None:
    """A time printed in UTC reads back as itself."""
    zone = ZoneInfo("UTC")
    assert parse_moment(say_moment(seconds * SECOND_US, zone), zone=zone, start_us=0, end_us=0) == seconds * SECOND_US


def test_lengths_and_sizes() -> None:
    """Lengths are hours, minutes, seconds; sizes are decimal."""
    assert say_length(3_723_400_000) == "1:02:03"
    assert [say_bytes(count) for count in (999, 1_800_000_000, 5 * 10**15)] == ["999 B", "1.8 GB", "5000.0 TB"]
    assert say_moment(None, BERLIN) == "-"
