"""The list's words, pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.facts import DamagedPart, Gap
from appliance.vault.recording import RecordingSummary
from appliance.web.review import listing


def summary(**changes: Any) -> RecordingSummary:
    """Return a closed recording of ten seconds, with changes."""
    values: dict[str, Any] = {
        "sitting": "exam", "camera": "front", "parts": 1, "start_us": 0, "end_us": 10_000_000, "bytes": 5,
        "state": "closed", "trusted": True, "masked": False, "audio": False, "gaps": (), "damaged": (),
    }  # fmt: skip
    return RecordingSummary(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "now", "state"),
    [
        ({}, None, "sealed"),
        ({"state": "open"}, "exam", "recording"),
        ({"state": "open"}, "another", "interrupted"),
        ({"state": "open"}, None, "interrupted"),
        ({"gaps": (Gap(1, 2, "interrupted"),)}, None, "recovered"),
        ({"gaps": (Gap(1, 2, "camera_lost"),)}, None, "sealed"),
        ({"damaged": (DamagedPart(Path("x"), 1, "torn"),)}, "exam", "damaged"),
    ],
)
def test_the_state_of_a_recording(changes: dict[str, Any], now: str | None, state: str) -> None:
    """Each recording is called what it is; damage outweighs everything."""
    assert listing.state_of(summary(**changes), now) == state


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted), max_size=12))
def test_overlapping_gaps_are_counted_once(stretches: list[list[int]]) -> None:
    """The time gaps cover together is the size of their union."""
    union = {moment for start, end in stretches for moment in range(start, end)}
    assert listing.covered_us((start, end) for start, end in stretches) == len(union)
