"""Whether a room is ready: only what was really seen counts, and what is missing says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.diagnosis.readiness import HINTS, CameraFact, Facts, findings, needed_bytes, noted
from appliance.diagnosis.result import Check

GOOD: dict[str, Any] = {
    "cameras": [CameraFact("Front", "live", recording=True, sealed_ms=900)],
    "wish": "morning",
    "sitting": "morning",
    "free": 100_000_000_000,
    "needed": 10_000_000_000,
    "hours": 3.0,
    "roster": 3,
}


def missing(**changes: Any) -> dict[str, str]:
    """What is missing in a room that is ready but for these facts."""
    return noted(findings(Facts(**GOOD | changes)))


def test_a_room_in_which_all_is_seen_is_ready() -> None:
    """Nothing is missing and nothing is said."""
    assert findings(Facts(**GOOD)) == []


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"cameras": None, "capture": "Not running."}, "cameras", "does not answer: Not running."),
        ({"cameras": []}, "cameras", "No camera"),
        ({"cameras": [CameraFact("Rear", "lost")]}, "cameras", "Rear"),
        ({"wish": ""}, "recording", "Nothing is being recorded"),
        ({"cameras": [CameraFact("Front", "live", recording=True)]}, "recording", "Front"),
        ({"cameras": [CameraFact("Front", "live", recording=True, sealed_ms=60_000)]}, "recording", "Front"),
        ({"cameras": [CameraFact("Front", "live", recording=False, sealed_ms=10)]}, "recording", "Front"),
        ({"cameras": [CameraFact("F", "live", recording=True, sealed_ms=10, alarm="no")]}, "recording", "F"),
        ({"free": None}, "disk", "cannot be asked"),
        ({"free": 9_000_000_000}, "disk", "9.0 GB"),
        ({"trusted": False}, "clock", "not synchronised"),
        ({"keys": [Check("keys", "fail", "The device key is gone.", "Restore it.")]}, "keys", "device key"),
        ({"certificate": [Check("certificate", "fail", "It ended.")]}, "certificate", "ended"),
        ({"roster": 0}, "roster", "Nobody"),
    ],
)
def test_each_thing_that_is_missing_is_named(changes: dict[str, Any], name: str, words: str) -> None:
    """A fact that is not as it should be is a finding of its own, in words, with what to do."""
    found = findings(Facts(**GOOD | changes))
    assert [check.name for check in found if check.state == "fail"] == [name]
    assert words in found[0].message
    assert all(check.hint for check in found if check.name in HINTS and check.name not in {"keys", "certificate"})


def test_what_is_worth_knowing_keeps_nobody_out() -> None:
    """A seat that is not planned, a certificate that ends soon, a recording under another name: said, not missing."""
    facts = Facts(
        **GOOD | {"unseated": 2, "wish": "another", "certificate": [Check("certificate", "warn", "It ends soon.")]}
    )
    assert {check.name: check.state for check in findings(facts)} == {
        "recording": "warn", "certificate": "warn", "seats": "warn",
    }  # fmt: skip
    assert noted(findings(facts)) == {}


def test_where_nothing_is_to_be_recorded_cameras_are_not_asked_for() -> None:
    """An exam without recording needs neither camera nor disk."""
    assert missing(wanted=False, cameras=None, wish="", free=None) == {}


@given(st.text(max_size=2000))
def test_what_is_noted_fits_an_event(said: str) -> None:
    """However long a sentence of another part of the box is, the event takes it."""
    assert all(len(text) <= 500 for text in missing(cameras=None, capture=said).values())


def test_what_the_planned_time_takes() -> None:
    """The measured rate where there is one, what cameras usually send otherwise; in proportion to the time."""
    assert needed_bytes(cameras=2, bytes_an_hour=0, length_us=3_600_000_000) == 3_600_000_000
    assert needed_bytes(cameras=2, bytes_an_hour=500, length_us=7_200_000_000) == 1000
