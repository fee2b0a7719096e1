"""What a trial box does at its very first start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.cameras import store, wishes
from appliance.cameras.model import camera_from
from appliance.commands import first_start

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_without_a_camera_the_test_picture_is_recorded(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """An empty box gets keys, the moving test picture, and a wish to record."""
    told = first_start.prepare(settings, db, clock, devices=tmp_path / "none")
    assert [camera.kind for camera in store.list_cameras(db)] == ["pattern"]
    assert wishes.current_wish(db) is not None
    assert (settings.keys_dir / "recipients.json").exists()
    assert any("Camera added: Test picture" in line for line in told)


def test_usb_cameras_are_found_by_their_stable_names(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """Each USB camera is added once, by its stable name; metadata nodes are no cameras."""
    for name in (
        "usb-046d_HD_Pro_Webcam_C920_8A4F5B1F-video-index0",
        "usb-046d_HD_Pro_Webcam_C920_8A4F5B1F-video-index1",
        "usb-Generic_Cam-video-index0",
        "usb-Generic_Cam_2b3c4d5e-video-index0",
    ):
        (tmp_path / name).touch()
    first_start.prepare(settings, db, clock, devices=tmp_path)
    found = {camera.name: camera for camera in store.list_cameras(db)}
    assert sorted(found) == ["Generic Cam", "Generic Cam (2)", "HD Pro Webcam C920"]
    assert sorted(camera.role for camera in found.values()) == ["auxiliary", "auxiliary", "room"]
    assert found["HD Pro Webcam C920"].address.endswith("C920_8A4F5B1F-video-index0")


def test_a_camera_this_user_may_not_open_is_said_and_left_out(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A USB camera without permission is named with the remedy; the test picture stands in."""
    (tmp_path / "usb-Cam-video-index0").touch()
    monkeypatch.setattr(first_start.os, "access", lambda *_args: False)
    told = first_start.prepare(settings, db, clock, devices=tmp_path)
    assert any("group `video`" in line for line in told)
    assert [camera.kind for camera in store.list_cameras(db)] == ["pattern"]


def test_a_second_start_changes_nothing(settings: Settings, db: Database, clock: ManualClock, tmp_path: Path) -> None:
    """What people changed since the first start stays: no camera comes back, no stopped recording starts."""
    first_start.prepare(settings, db, clock, devices=tmp_path)
    keys = {path.name: path.read_bytes() for path in settings.keys_dir.iterdir() if path.is_file()}
    wishes.stop_recording(db, clock=clock, who="test")
    store.remove_camera(db, store.list_cameras(db)[0].id, clock=clock, who="test")
    assert first_start.prepare(settings, db, clock, devices=tmp_path) == []
    assert store.list_cameras(db) == []
    assert wishes.current_wish(db) is None
    assert {path.name: path.read_bytes() for path in settings.keys_dir.iterdir() if path.is_file()} == keys


def test_own_cameras_are_not_joined_by_others(
    settings: Settings, db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """A box whose people added a camera before the first start gets no other, but records."""
    values = {"id": "mine", "name": "Mine", "role": "room", "kind": "pattern", "address": "640x360@25"}
    store.add_camera(db, camera_from(values), None, clock=clock, who="test")
    first_start.prepare(settings, db, clock, devices=tmp_path)
    assert [camera.id for camera in store.list_cameras(db)] == ["mine"]
    assert wishes.current_wish(db) is not None
