"""Trying a camera tells within 5 seconds whether it works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.cameras.credentials import Credential
from appliance.cameras.model import Camera
from appliance.capture.probe import probe
from appliance.capture.sources.failures import WORDS, camera_error
from appliance.config import Settings
from appliance.errors import CameraError
from tests.support.fixtures import rtsp_camera as rtsp_camera  # noqa: PLC0414  a fixture, used by its name
from tests.support.lying_rtsp import LyingCamera

if TYPE_CHECKING:
    from tests.support.rtsp_camera import RtspCamera


def camera(kind: str, address: str) -> Camera:
    """Return a camera that is not stored."""
    return Camera(id="cam", name="Cam", role="room", kind=kind, address=address)  # type: ignore[arg-type]


def refused(subject: Camera, **more: Any) -> CameraError:
    """Return why a camera was refused, in time."""
    began = time.monotonic()
    with pytest.raises(CameraError) as problem:
        probe(subject, None, Settings(), **more)
    assert time.monotonic() - began < 5.5
    return problem.value


@pytest.mark.media
def test_a_camera_that_works_gives_facts_and_a_picture(rtsp_camera: RtspCamera) -> None:
    """A real camera with digest sign-in answers with its codec, size and a JPEG, within 5 seconds."""
    secret = Credential(user=rtsp_camera.user, password=rtsp_camera.password)
    result = probe(camera("rtsp", rtsp_camera.url), secret, Settings())
    assert (result.info.codec, result.info.width, result.info.height) == ("h264", 640, 360)
    assert result.jpeg[:2] == b"\xff\xd8"
    assert result.seconds < 5


@pytest.mark.media
def test_a_wrong_password_is_said(rtsp_camera: RtspCamera) -> None:
    """Without the right password the reason is that, not a general failure."""
    assert refused(camera("rtsp", rtsp_camera.url)).reason == "unauthorised"


def test_a_camera_that_keeps_silent_is_given_up_in_time() -> None:
    """A server that accepts and never answers is a timeout within 5 seconds."""
    with LyingCamera(answer={"OPTIONS": "silence"}) as liar:
        assert refused(camera("rtsp", liar.url)).reason == "timeout"


def test_the_limit_is_hard() -> None:
    """Whatever the child is doing, it is ended at the limit."""
    assert refused(camera("pattern", "3840x2160@60"), limit_seconds=0.01).reason == "timeout"


def test_no_server_at_all_is_refused() -> None:
    """A closed port is told apart from a wrong address."""
    problem = refused(camera("rtsp", "rtsp://127.0.0.1:9/x"))
    assert problem.reason == "refused"
    assert problem.hint


@pytest.mark.parametrize("reason", sorted(WORDS))
def test_every_reason_has_words_and_a_hint(reason: str) -> None:
    """Each reason names the camera and says what to do next."""
    problem = camera_error(reason, "rtsp://host/x")
    assert problem.reason == reason
    assert "rtsp://host/x" in problem.message
    assert problem.hint.endswith(".")
