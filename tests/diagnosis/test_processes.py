"""Cameras, as the doctor and the health page judge them."""

from __future__ import annotations

import pytest

from appliance.diagnosis.processes import OLD_SEGMENT_MS, camera_check

LIVE = {"camera": "front", "name": "Front", "state": "live", "recording": True, "width": 1280, "height": 720}


@pytest.mark.parametrize(
    ("changes", "settled", "state"),
    [
        ({"last_segment_age_ms": 900}, True, "ok"),
        ({"last_segment_age_ms": OLD_SEGMENT_MS + 1}, True, "fail"),
        ({"last_segment_age_ms": OLD_SEGMENT_MS + 1}, False, "ok"),
        ({"last_segment_age_ms": 900, "alarm": "The disk refuses."}, True, "fail"),
        ({"recording": False}, True, "warn"),
    ],
)
def test_a_camera_that_shows_pictures_but_is_not_written_fails(
    changes: dict[str, object], settled: bool, state: str
) -> None:
    """What counts is the age of the last sealed segment, once recording was wished for long enough."""
    assert camera_check({**LIVE, **changes}, wished=True, settled=settled).state == state


def test_a_camera_that_nobody_wants_recorded_is_fine() -> None:
    """An old segment is no finding then."""
    assert camera_check({**LIVE, "recording": False, "last_segment_age_ms": 10**7}, wished=False).state == "ok"
