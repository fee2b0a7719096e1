"""Numbers and times as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appliance.web import words


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


def test_times_are_of_the_rooms_zone() -> None:
    """The same moment is an hour later on the clock in Berlin in winter, two in summer."""
    assert words.local_words(1_795_291_200_000_000, ZoneInfo("Europe/Berlin")) == "Sat 21 Nov 2026, 21:00:00"
    assert words.zone_words(1_795_291_200_000_000, ZoneInfo("Europe/Berlin")) == "CET"
    assert words.zone_words(1_780_000_000_000_000, ZoneInfo("Europe/Berlin")) == "CEST"
