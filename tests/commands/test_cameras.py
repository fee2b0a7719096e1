"""`exambox cameras` from the outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from appliance.cameras import store
from appliance.cameras.credentials import credential_context, unpack_credential
from appliance.cameras.masks import masks_from
from appliance.cli import exambox
from appliance.commands.camera_input import kind_and_address
from appliance.database import open_box_database
from appliance.errors import ApplianceError, BadInputError, CameraError, ConflictError, NotFoundError
from appliance.vault import keys
from tests.support.fixtures import rtsp_camera as rtsp_camera  # noqa: PLC0414  a fixture, used by its name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.config import Settings
    from tests.support.rtsp_camera import RtspCamera

    Run = Callable[..., str]

PATTERN = "pattern:160x96@10"


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a subcommand of `exambox cameras`; errors are raised as they are."""
    monkeypatch.setenv("EXAMBOX_PATHS__STATE", str(settings.state_dir))
    monkeypatch.setenv("EXAMBOX_PATHS__RUN", str(settings.run_dir))

    def go(*words: str, text: str | None = None) -> str:
        result = CliRunner().invoke(exambox, ["cameras", *words], input=text)
        if isinstance(result.exception, ApplianceError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return go


def listed(run: Run) -> list[dict[str, Any]]:
    """Return the cameras as JSON lists them."""
    cameras: list[dict[str, Any]] = json.loads(run("list", "--json"))
    return cameras


def test_adding_tries_the_camera_and_gives_a_picture(run: Run, tmp_path: Path) -> None:
    """Success says what the camera delivers, writes a snapshot, and stores it with all its settings."""
    picture = tmp_path / "shot.jpg"
    words = run("add", PATTERN, "--name", "Front", "--mask", "0,0 0.5,0 0.5,1", "--snapshot", str(picture))
    assert "It works: H.264 160x96" in words
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    (camera,) = listed(run)
    assert (camera["id"], camera["name"], camera["kind"], camera["audio"]) == ("front", "Front", "pattern", False)
    assert camera["masks"] == [[[0, 0], [0.5, 0], [0.5, 1]]]
    assert camera["retention_hours"] == 72
    assert "front" in run("list")


def test_a_camera_that_fails_is_not_stored_unless_forced(run: Run) -> None:
    """A failed try names the reason and stores nothing; --force and --no-test store all the same."""
    with pytest.raises(CameraError) as refused:
        run("add", "rtsp://127.0.0.1:9/x")
    assert refused.value.reason == "refused"
    assert "Nothing was stored" in refused.value.hint
    assert listed(run) == []
    run("add", "rtsp://127.0.0.1:9/x", "--force", "--name", "A")
    run("add", "rtsp://127.0.0.1:9/y", "--no-test", "--name", "B")
    assert [camera["state"] for camera in listed(run)] == ["unknown", "unknown"]


@pytest.mark.media
def test_a_password_is_asked_for_sealed_and_never_shown(run: Run, rtsp_camera: RtspCamera, settings: Settings) -> None:
    """The typed password opens the camera, is stored sealed, and appears in no output."""
    words = run("add", rtsp_camera.url, "--user", rtsp_camera.user, "--name", "Real", text=rtsp_camera.password + "\n")
    words += run("list") + run("list", "--json") + run("test", "real")
    assert "It works: H.264 640x360" in words
    assert rtsp_camera.password not in words
    sealed = store.sealed_credential(open_box_database(settings.database), "real")
    assert sealed
    assert rtsp_camera.password.encode() not in sealed
    opened = keys.open_for_capture(settings.keys_dir, sealed, context=credential_context("real", rtsp_camera.url))
    assert unpack_credential(opened).password == rtsp_camera.password


def test_a_password_file_is_read(run: Run, tmp_path: Path) -> None:
    """The file's first line is the password; a missing one is named."""
    secret = tmp_path / "secret"
    secret.write_text("pass word\nmore\n")
    run("add", "rtsp://box@127.0.0.1:9/x", "--no-test", "--password-file", str(secret))
    assert listed(run)[0]["password"] is True
    with pytest.raises(BadInputError, match="cannot be read"):
        run("add", "rtsp://127.0.0.1:9/y", "--user", "u", "--no-test", "--password-file", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "address",
    ["rtsp://u:secret@host/x", "/dev/video0", "ftp://host/x", "front", "", "rtsp://host/x?password=secret"],
)
def test_addresses_that_cannot_be_are_refused(run: Run, address: str) -> None:
    """Each gets a reason and what to do instead; a password in it is not repeated."""
    with pytest.raises(BadInputError) as refused:
        run("add", address, "--no-test")
    assert refused.value.hint
    assert "secret" not in refused.value.message + refused.value.hint
    assert listed(run) == []


def test_long_retention_needs_a_reason(run: Run) -> None:
    """More than 72 hours is refused without a written reason, and kept with one."""
    with pytest.raises(BadInputError, match="retention_reason"):
        run("add", PATTERN, "--no-test", "--retention-hours", "100")
    run("add", PATTERN, "--no-test", "--retention-hours", "100", "--retention-reason", "Appeals run for four days")
    assert listed(run)[0]["retention_hours"] == 100


def test_editing_changes_what_is_named_only(run: Run) -> None:
    """Other settings stay; a name that is taken is refused."""
    run("add", PATTERN, "--no-test", "--name", "One", "--purpose", "P", "--mask", "0,0 1,0 1,1")
    run("add", PATTERN, "--no-test", "--name", "Two")
    run("edit", "one", "--role", "auxiliary", "--no-masks", "--no-test")
    one = next(camera for camera in listed(run) if camera["id"] == "one")
    assert (one["role"], one["purpose"], one["masks"], one["name"]) == ("auxiliary", "P", [], "One")
    with pytest.raises(ConflictError):
        run("edit", "one", "--name", "Two")
    run("edit", "one", "--disable")
    assert next(camera for camera in listed(run) if camera["id"] == "one")["state"] == "disabled"


def test_a_new_address_does_not_get_the_old_password(run: Run, tmp_path: Path) -> None:
    """When the host changes the stored password is forgotten."""
    (tmp_path / "pw").write_text("secret\n")
    run("add", "rtsp://u@127.0.0.1:9/x", "--no-test", "--password-file", str(tmp_path / "pw"), "--id", "cam")
    run("edit", "cam", "--address", "rtsp://127.0.0.2:9/x", "--no-test")
    assert listed(run)[0]["password"] is False


def test_removing_asks_first(run: Run) -> None:
    """Without a yes the camera stays; with it, it is gone."""
    run("add", PATTERN, "--no-test", "--id", "cam")
    with pytest.raises(AssertionError):
        run("remove", "cam", text="n\n")
    assert len(listed(run)) == 1
    run("remove", "cam", text="y\n")
    assert listed(run) == []
    with pytest.raises(NotFoundError):
        run("remove", "cam", "--yes")


def test_an_address_is_tested_without_being_stored(run: Run) -> None:
    """`test` takes an address too, and answers in JSON."""
    answer = json.loads(run("test", PATTERN, "--json"))
    assert (answer["ok"], answer["codec"], answer["width"]) == (True, "h264", 160)
    assert listed(run) == []
    with pytest.raises(NotFoundError):
        run("test", "nobody")


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_bad_input(text: str) -> None:
    """Whatever is typed either names a kind of camera or is refused as bad input."""
    try:
        kind, address, _ = kind_and_address(text)
    except BadInputError as refused:
        assert refused.message  # noqa: PT017  both ends are right
    else:
        assert kind in ("rtsp", "v4l2", "picamera", "file", "pattern")
        assert address


@pytest.mark.parametrize(
    "text", ["", "0,0", "0,0 1,1", "0,0 1,0 2,2", "a,b c,d e,f", "0,0 nan,0 1,1", "0 1 2", "0,0,0 1,1 1,0"]
)
def test_masks_that_are_none_are_refused(text: str) -> None:
    """An area needs three corners within the picture."""
    with pytest.raises(BadInputError):
        masks_from([text])


def test_cameras_on_the_network_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`discover --network` lists who answers, as text and as JSON, and says what to do when nobody does."""
    from tests.support.onvif_device import OnvifDevice

    monkeypatch.setenv("EXAMBOX_CAPTURE__DISCOVERY_ADDRESSES", '["127.0.0.1"]')
    with OnvifDevice(name="Front%20left"):
        assert "127.0.0.1  Front left" in run("discover", "--network")
        assert json.loads(run("discover", "--network", "--json"))[0]["hardware"] == "DS-2CD2042WD-I"
    monkeypatch.setenv("EXAMBOX_CAPTURE__DISCOVERY_ADDRESSES", '["192.0.2.200"]')
    assert "No camera answered" in run("discover", "--network")
