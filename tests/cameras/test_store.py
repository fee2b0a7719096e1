from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance import auditlog
from appliance.cameras import store
from appliance.errors import BadInputError, ConflictError, DatabaseError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.cameras.model import Camera
    from appliance.clock import ManualClock


def actions(db: Database) -> list[str]:
    """Return what the log says, in its order of showing."""
    return [line.action for line in auditlog.show(db)]


def test_a_stored_camera_comes_back_as_it_was(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """Every field survives, masks and flags included."""
    camera = make(
        audio=True, masks=[[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0)]], retention_hours=100, retention_reason="appeal"
    )
    store.add_camera(db, camera, b"sealed", clock=clock, who="anna")
    assert store.get_camera(db, "front") == camera
    assert store.list_cameras(db) == [camera]
    assert store.sealed_credential(db, "front") == b"sealed"
    assert actions(db) == ["camera.added"]


def test_an_id_is_made_from_the_name_and_never_given_twice(
    db: Database, clock: ManualClock, make: Callable[..., Camera]
) -> None:
    """A removed camera's id stays its own, because recordings go on naming it."""
    assert store.new_camera_id(db, "Tür links / Süd") == "tur-links-sud"
    assert store.new_camera_id(db, "カメラ") == "camera"
    first = make(id=store.new_camera_id(db, "Front"))
    store.add_camera(db, first, None, clock=clock, who="anna")
    store.remove_camera(db, first.id, clock=clock, who="anna")
    assert store.new_camera_id(db, "Front") == "front-2"
    with pytest.raises(ConflictError):
        store.add_camera(db, first, None, clock=clock, who="anna")


@pytest.mark.parametrize("name", ["x" * 200, "-", "a" * 31 + "-b", "9", "Ä" * 80])
def test_every_name_gives_a_usable_id(db: Database, clock: ManualClock, make: Callable[..., Camera], name: str) -> None:
    """Also long and odd names give ids that a camera may have, twice over."""
    for number in range(3):
        camera = make(id=store.new_camera_id(db, name), name=f"{name[:190]} {number}")
        store.add_camera(db, camera, None, clock=clock, who="anna")


def test_two_cameras_cannot_share_a_name(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """People tell cameras apart by name; a removed one's name is free again."""
    store.add_camera(db, make(), None, clock=clock, who="anna")
    with pytest.raises(ConflictError):
        store.add_camera(db, make(id="other"), None, clock=clock, who="anna")
    store.add_camera(db, make(id="other", name="Other"), None, clock=clock, who="anna")
    with pytest.raises(ConflictError):
        store.edit_camera(db, make(id="other"), clock=clock, who="anna")
    store.remove_camera(db, "front", clock=clock, who="anna")
    store.edit_camera(db, make(id="other"), clock=clock, who="anna")
    assert store.get_camera(db, "other").name == "Front"


def test_a_removed_camera_is_gone_but_its_row_stays(
    db: Database, clock: ManualClock, make: Callable[..., Camera]
) -> None:
    """Its sealed password is destroyed; its name and purpose stay for whoever reads its recordings."""
    store.add_camera(db, make(), b"sealed", clock=clock, who="anna")
    store.remove_camera(db, "front", clock=clock, who="anna")
    assert store.list_cameras(db) == []
    assert [camera.id for camera in store.list_cameras(db, removed=True)] == ["front"]
    for act in (store.get_camera, store.sealed_credential):
        with pytest.raises(NotFoundError):
            act(db, "front")
    with pytest.raises(NotFoundError):
        store.remove_camera(db, "front", clock=clock, who="anna")
    assert list(db.query("SELECT credential, removed_us FROM camera")) == [
        {"credential": None, "removed_us": clock.wall_us()}
    ]


def test_editing_says_in_the_log_which_fields_changed(
    db: Database, clock: ManualClock, make: Callable[..., Camera]
) -> None:
    """The log names fields, not values; an edit that changes nothing is no entry."""
    store.add_camera(db, make(), b"old", clock=clock, who="anna")
    store.edit_camera(db, make(), clock=clock, who="anna")
    store.edit_camera(db, make(audio=True), clock=clock, who="anna", credential_sealed=b"new")
    assert actions(db).count("camera.edited") == 1
    assert store.sealed_credential(db, "front") == b"new"
    edited = next(line for line in auditlog.show(db) if line.action == "camera.edited")
    assert edited.detail == {"camera": "front", "fields": ["audio", "credential"]}


def test_a_password_follows_no_camera_to_another_host(
    db: Database, clock: ManualClock, make: Callable[..., Camera]
) -> None:
    """A changed path keeps the stored password; a changed host would be told it, so it is forgotten."""
    store.add_camera(db, make(), b"sealed", clock=clock, who="anna")
    store.edit_camera(db, make(address="rtsp://10.0.0.2/sub"), clock=clock, who="anna")
    assert store.sealed_credential(db, "front") == b"sealed"
    store.edit_camera(db, make(address="rtsp://10.6.6.6/sub"), clock=clock, who="anna")
    assert store.sealed_credential(db, "front") is None


def test_a_password_can_be_forgotten(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """None takes the stored credential away."""
    store.add_camera(db, make(), b"sealed", clock=clock, who="anna")
    store.edit_camera(db, make(), clock=clock, who="anna", credential_sealed=None)
    assert store.sealed_credential(db, "front") is None


def test_no_password_enters_the_database_in_an_address(
    db: Database, clock: ManualClock, make: Callable[..., Camera]
) -> None:
    """An address with a password is refused wherever it comes from, and nothing is stored."""
    camera = make(address="rtsp://admin:hunter2@10.0.0.2/main")
    with pytest.raises(BadInputError):
        store.add_camera(db, camera, None, clock=clock, who="anna")
    store.add_camera(db, make(), None, clock=clock, who="anna")
    with pytest.raises(BadInputError):
        store.edit_camera(db, camera, clock=clock, who="anna")
    assert "hunter2" not in "".join(db.conn.iterdump())


def test_unchecked_values_are_checked_here_too(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """A camera built past the edge's checks does not get into the database."""
    for bad in ({"id": "../x"}, {"role": "spy"}, {"retention_hours": 0}, {"retention_hours": 100}):
        with pytest.raises(BadInputError):
            store.add_camera(db, msgspec.structs.replace(make(), **bad), None, clock=clock, who="anna")
    with pytest.raises(BadInputError):
        store.add_camera(db, make(), b"x" * 5000, clock=clock, who="anna")
    assert store.list_cameras(db, removed=True) == []
    assert actions(db) == []


def test_a_damaged_row_is_named(db: Database, clock: ManualClock, make: Callable[..., Camera]) -> None:
    """A row another hand has spoilt is a plain error that names the camera."""
    store.add_camera(db, make(), None, clock=clock, who="anna")
    db.conn.execute("UPDATE camera SET masks = 'x'")
    with pytest.raises(DatabaseError, match="front"):
        store.list_cameras(db)
