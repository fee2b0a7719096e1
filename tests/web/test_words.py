"""Numbers and times as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from appliance.web import words

if TYPE_CHECKING:
    from flask import Flask


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB"), (270_553_174_016, "271 GB")],
)
def test_sizes(count: int, said: str) -> None:
    """Bytes are said in the unit that fits."""
    assert words.size_words(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0 s"), (0.4, "0 s"), (59.6, "1 min 00 s"), (187, "3 min 07 s"), (3720, "1 h 02 min")]
)
def test_lengths(seconds: float, said: str) -> None:
    """Lengths are said in hours, minutes and seconds."""
    assert words.length_words(round(seconds * 1_000_000)) == said


@pytest.mark.parametrize(("share", "said"), [(0, "0.0 %"), (0.1234, "12.3 %"), (1, "100.0 %")])
def test_shares(share: float, said: str) -> None:
    """A share is said in percent with one decimal place."""
    assert words.percent_words(share) == said


@pytest.mark.parametrize(
    ("hours", "said"), [(1, "1 h"), (24, "24 h"), (36, "36 h"), (48, "2 days"), (72, "3 days"), (73, "73 h")]
)
def test_how_long_something_is_kept(hours: int, said: str) -> None:
    """Whole days from two on are said as days, everywhere alike."""
    assert words.hours_words(hours) == said


def test_a_share_has_the_readers_decimal_mark(app: Flask) -> None:
    """In German it is a comma."""
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert words.percent_words(0.1234) == "12,3 %"


def test_times_are_of_the_rooms_zone() -> None:
    """The same moment is an hour later on the clock in Berlin in winter, two in summer."""
    assert words.local_words(1_795_291_200_000_000, ZoneInfo("Europe/Berlin")) == "Sat 21 Nov 2026, 21:00:00"
    assert words.zone_words(1_795_291_200_000_000, ZoneInfo("Europe/Berlin")) == "CET"
    assert words.zone_words(1_780_000_000_000_000, ZoneInfo("Europe/Berlin")) == "CEST"
