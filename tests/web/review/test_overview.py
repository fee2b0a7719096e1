"""What the player is told first of a sitting, pure."""

from __future__ import annotations

import pytest

from appliance.clock import SECOND_US
from appliance.vault.facts import Gap
from appliance.web.access import REVIEWER
from appliance.web.account.sessions import Person
from appliance.web.review.listing import line_of
from appliance.web.review.overview import BEHIND_US, Overview, overview
from tests.web.review.test_listing import summary

NAMES = {"front": "Front", "back": "Back"}


def of_two(reached_us: int, state: str = "open", lost: tuple[str, ...] = ()) -> Overview:
    """Return the overview of a sitting whose camera at the back reaches so far; the one at the front 100 s."""
    lines = [
        line_of(summary(camera="front", state="open", end_us=100 * SECOND_US), NAMES, "exam"),
        line_of(summary(camera="back", state=state, end_us=reached_us, gaps=(Gap(1, 2, "starting"),)), NAMES, "exam"),
    ]
    person = Person(1, "Rita", REVIEWER, b"", b"", 0, 0, 0)
    return overview("exam", lines, [], person, held=False, lost=lost)


@pytest.mark.parametrize(("lost", "words"), [((), "no recording yet"), (("back",), "camera lost")])
def test_a_camera_that_is_lost_now_has_a_gap_up_to_now(lost: tuple[str, ...], words: str) -> None:
    """What its recording can state only when it goes on is shown as a gap that grows with the other cameras."""
    gaps = of_two(40 * SECOND_US, lost=lost).gaps
    assert gaps["front"] == []
    assert gaps["back"][0][:2] == (1, 2)
    assert gaps["back"][-1][:2] == (40 * SECOND_US, 100 * SECOND_US)
    assert words in gaps["back"][-1][2]


@pytest.mark.parametrize(
    ("reached_us", "state"), [(100 * SECOND_US - BEHIND_US, "open"), (100 * SECOND_US, "open"), (SECOND_US, "closed")]
)
def test_only_a_camera_in_recording_that_is_far_behind_has_one(reached_us: int, state: str) -> None:
    """Sealing takes a moment, and a recording that was ended has no hole after its end."""
    assert len(of_two(reached_us, state).gaps["back"]) == 1
