"""Dates and times people type into filters."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import parse_utc
from appliance.errors import BadInputError
from appliance.web.moments import typed_moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "end", "means"),
    [
        ("2026-11-21", False, "2026-11-20T23:00:00Z"),
        ("2026-11-21", True, "2026-11-21T23:00:00Z"),
        ("2026-11-21T09:30", False, "2026-11-21T08:30:00Z"),
        ("2026-11-21T09:30", True, "2026-11-21T08:31:00Z"),
        ("2026-11-21T09:30+00:00", False, "2026-11-21T09:30:00Z"),
        ("2026-10-25", True, "2026-10-25T23:00:00Z"),  # a day of 25 hours
    ],
)
def test_a_typed_time_is_of_the_shown_zone_and_both_ends_are_inside(text: str, end: bool, means: str) -> None:
    """A day or minute is read in the zone of the pages; as an end it includes itself."""
    assert typed_moment(text, "from", BERLIN, end=end) == parse_utc(means)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_time_or_an_error_that_names_the_field(text: str) -> None:
    """Nonsense is refused with the field's name, nothing else happens."""
    try:
        found = typed_moment(text, "from", UTC)
    except BadInputError as problem:
        assert problem.message.startswith("from: ")  # noqa: PT017  what is tested is either
    else:
        assert (found is None) == (text == "")
