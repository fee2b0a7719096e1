"""When a camera's process counts as hung, and how soon a dead one is begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.cameras.model import Camera
from appliance.capture.camera_child import START_GRACE_US, STEADY_US, UNSEALED_US, CameraChild

if TYPE_CHECKING:
    from appliance.clock import ManualClock
    from appliance.config import Settings


class Dead:
    """A process as far as these tests need one: ``status`` None is alive."""

    def __init__(self, status: int | None = None) -> None:
        self.pid = 1
        self.status = status

    def poll(self) -> int | None:
        """Return the exit status."""
        return self.status


@pytest.fixture
def child(settings: Settings, clock: ManualClock) -> CameraChild:
    """A camera's process that has just been started, records, and delivers pictures."""
    camera = Camera(id="door", name="Door", role="room", kind="pattern", address="default")
    child = CameraChild(camera, None, settings, clock)
    begin(child, clock)
    return child


def begin(child: CameraChild, clock: ManualClock) -> None:
    """Start it, as far as the parent can tell."""
    child._process = Dead()  # type: ignore[assignment]
    child._started_mono_us = clock.mono_us()
    child.recording = "sitting"
    child.state.live_mono_us = child.state.sealed_mono_us = clock.mono_us()


def pass_time(child: CameraChild, clock: ManualClock, us: int) -> None:
    """Let time pass in which the process says that it is there."""
    clock.advance(us / 1e6)
    child.state.beat_mono_us = clock.mono_us()


def test_pictures_without_segments_are_a_hang(child: CameraChild, clock: ManualClock) -> None:
    """A process that gets pictures and seals none is ended."""
    pass_time(child, clock, START_GRACE_US + UNSEALED_US)
    assert "no segment" in child.hangs()


def test_a_disk_that_refuses_is_no_hang(child: CameraChild, clock: ManualClock) -> None:
    """A process that says why it cannot write is left alone: it holds what it could not write yet."""
    pass_time(child, clock, START_GRACE_US + UNSEALED_US)
    child.state.refused_mono_us = clock.mono_us() - UNSEALED_US // 2
    assert child.hangs() == ""


def test_a_process_that_lived_a_while_is_begun_anew_at_once(child: CameraChild, clock: ManualClock) -> None:
    """However often it died before: waiting costs pictures; only a crash loop is slowed down."""
    for _ in range(30):
        pass_time(child, clock, STEADY_US + 1)
        child._process = Dead(-9)  # type: ignore[assignment]
        assert child.ended() == -9
        assert child._start_at_mono_us <= clock.mono_us()
        begin(child, clock)
    for _ in range(8):
        child._process = Dead(1)  # type: ignore[assignment]
        child.ended()
        begin(child, clock)
    assert child._start_at_mono_us > clock.mono_us()
