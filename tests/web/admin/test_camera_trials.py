"""Cameras that were tried wait for their person, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.cameras.model import Camera
from appliance.errors import NotFoundError
from appliance.web.admin.camera_trials import MAX_TRIALS, Trial, Trials

if TYPE_CHECKING:
    from appliance.clock import ManualClock

CAMERA = Camera(id="one", name="One", role="room", kind="rtsp", address="rtsp://192.0.2.1:8554/a")


def test_a_trial_is_its_makers_until_it_is_forgotten(clock: ManualClock) -> None:
    """Another account does not find it; forgetting twice is nothing."""
    trials = Trials(clock)
    name = trials.keep(1, Trial("add", CAMERA))
    assert trials.find(1, name).camera == CAMERA
    for account, asked in ((2, name), (1, "0" * 32), (1, "")):
        with pytest.raises(NotFoundError):
            trials.find(account, asked)
    trials.forget(name)
    trials.forget(name)
    with pytest.raises(NotFoundError):
        trials.find(1, name)


def test_the_oldest_goes_when_there_are_too_many(clock: ManualClock) -> None:
    """However many are tried, memory holds a fixed number of pictures."""
    trials = Trials(clock)
    names = [trials.keep(1, Trial("add", CAMERA)) for _ in range(MAX_TRIALS + 1)]
    with pytest.raises(NotFoundError):
        trials.find(1, names[0])
    assert trials.find(1, names[1])
    assert trials.find(1, names[-1])


def test_each_goes_in_its_time(clock: ManualClock) -> None:
    """A picture without masks after five minutes, others after half an hour, whichever was first."""
    trials = Trials(clock)
    long, short = trials.keep(1, Trial("add", CAMERA)), trials.keep(1, Trial("uncovered", CAMERA))
    clock.advance(5 * 60 + 1)
    with pytest.raises(NotFoundError):
        trials.find(1, short)
    assert trials.find(1, long)
    clock.advance(25 * 60)
    with pytest.raises(NotFoundError):
        trials.find(1, long)


@pytest.mark.parametrize(
    ("address", "user", "told"),
    [
        ("rtsp://192.0.2.1:8554/b", "box", True),
        ("RTSP://192.0.2.1:8554/b", "", True),
        ("rtsp://192.0.2.1/b", "box", False),
        ("rtsp://192.0.2.2:8554/a", "box", False),
        ("rtsp://192.0.2.1:8554/a", "other", False),
    ],
)
def test_a_password_goes_to_the_same_host_and_user_alone(address: str, user: str, told: bool) -> None:
    """Another host, port or user never gets the password that was entered for this one."""
    trial = Trial("add", CAMERA, sealed=b"sealed", user="box")
    assert (trial.password_for("rtsp", address, user) == b"sealed") is told
