from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.cameras import events, store
from appliance.errors import BadInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.cameras.model import Camera
    from appliance.clock import ManualClock


@pytest.fixture
def cameras(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """Two cameras, front and back."""
    for name in ("front", "back"):
        store.add_camera(db, make(id=name, name=name), None, clock=clock, who="anna")


@pytest.mark.usefixtures("cameras")
def test_the_newest_event_of_each_camera_is_found(db: Database, clock: ManualClock) -> None:
    """The latest state is one look-up, also when the clock went back in between."""
    events.record_event(db, "front", "live", clock=clock)
    events.record_event(db, "back", "live", clock=clock)
    clock.step(-3600)
    events.record_event(db, "front", "lost", "timeout", "no picture for 3 s", clock=clock)
    latest = events.latest_events(db)
    assert latest["front"] == events.CameraEvent("front", clock.wall_us(), "lost", "timeout", "no picture for 3 s")
    assert latest["back"].state == "live"
    assert [event.state for event in events.camera_events(db, "front")] == ["lost", "live"]


@pytest.mark.usefixtures("cameras")
def test_a_flapping_camera_fills_no_disk(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each camera only the newest events are kept; another camera's are untouched."""
    monkeypatch.setattr(events, "KEPT_PER_CAMERA", 10)
    events.record_event(db, "back", "live", clock=clock)
    for number in range(25):
        events.record_event(db, "front", "lost", str(number), "x" * 10_000, clock=clock)
    kept = events.camera_events(db, "front")
    assert [event.reason for event in kept] == [str(number) for number in range(24, 14, -1)]
    assert len(kept[0].detail) == events.MAX_DETAIL
    assert len(events.camera_events(db, "back")) == 1


@pytest.mark.usefixtures("cameras")
@pytest.mark.parametrize(
    ("camera", "state", "error"), [("none", "live", NotFoundError), ("front", "odd", BadInputError)]
)
def test_events_of_nothing_are_refused(
    db: Database, clock: ManualClock, camera: str, state: Any, error: type[Exception]
) -> None:
    """An unknown camera or state is an error and leaves no row."""
    with pytest.raises(error):
        events.record_event(db, camera, state, clock=clock)
    assert events.latest_events(db) == {}
