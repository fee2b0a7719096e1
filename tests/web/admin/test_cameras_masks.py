"""The mask editor's page: areas as text, checked, never lost, and a look under them that is entered in the log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance import auditlog
from appliance.cameras import store
from tests.web.admin.test_cameras import add, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser, StandInCapture

PATH = "/admin/cameras/front/masks"
LEFT = "0,0 0.5,0 0.5,1 0,1"


@pytest.fixture
def admin(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> Browser:
    """An administrator of a box with one camera."""
    add(db, clock)
    return person("administrator")


def version(db: Database) -> str:
    """Return the version a page began with."""
    return str(store.camera_version(db, "front"))


def test_areas_are_saved_and_drawn_without_script(admin: Browser, db: Database) -> None:
    """Coordinates are enough: they are stored, drawn on the picture by the server, and told in percent."""
    assert admin.submit(PATH, masks=f"{LEFT}\r\n\r\n0.9,0.9 1,0.9 1,1", version=version(db)).status_code == 303
    assert store.get_camera(db, "front").masks == [
        [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)], [(0.9, 0.9), (1.0, 0.9), (1.0, 1.0)],
    ]  # fmt: skip
    page = admin.get(PATH).text
    assert "Masks are saved: 50 % of the picture." in page
    assert 'points="0,0 5000,0 5000,10000 0,10000 "' in page
    assert LEFT in page
    assert admin.submit(PATH, masks="", version=version(db)).status_code == 303
    assert store.get_camera(db, "front").masks == []


@pytest.mark.parametrize(
    "text",
    ["0,0 1,1", "0,0 1,0 1,1.01", "0,0 1,0 nan,1", "a", "0,0 1,0 1,1,1", "\n".join(["0,0 1,0 1,1"] * 33),
     " ".join(["0.5,0.5"] * 65), "<script>alert(1)</script>", "0,0 1,0 1,inf", "x" * 25_000],
)  # fmt: skip
def test_what_is_no_area_is_refused_and_stays_in_the_form(admin: Browser, db: Database, text: str) -> None:
    """Nothing is stored; what was written is shown again, as text."""
    answer = admin.submit(PATH, masks=text, version=version(db))
    assert answer.status_code == 422
    assert store.get_camera(db, "front").masks == []
    assert "<script>alert" not in answer.text
    assert "no area" in answer.text or "areas are more" in answer.text or "more than any areas need" in answer.text


def test_a_colleagues_masks_are_not_overwritten_unseen(admin: Browser, db: Database, clock: ManualClock) -> None:
    """The second to save keeps what they drew, is told, and can save again."""
    began = version(db)
    clock.advance(1)
    theirs = msgspec.structs.replace(store.get_camera(db, "front"), masks=[[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]])
    store.edit_camera(db, theirs, clock=clock, who="Colleague")
    answer = admin.submit(PATH, masks=LEFT, version=began)
    assert answer.status_code == 409
    assert LEFT in answer.text
    assert len(store.get_camera(db, "front").masks[0]) == 3
    shown = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)
    assert shown
    assert admin.submit(PATH, masks=LEFT, version=shown[1]).status_code == 303
    assert len(store.get_camera(db, "front").masks[0]) == 4


def uncover(admin: Browser) -> str:
    """Ask for the picture without masks; return the editor's address with it."""
    answer = send(admin, f"{PATH}/uncover")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def looks(db: Database) -> list[str]:
    """Return who looked under masks."""
    return [line.who for line in auditlog.show(db, limit=50) if line.action == "camera.uncovered"]


def test_a_look_under_the_masks_is_in_the_log(admin: Browser, db: Database, clock: ManualClock) -> None:
    """The page shows the masked picture; the other one only when asked for, once for each entry, and for minutes."""
    admin.submit(PATH, masks=LEFT, version=version(db))
    page = admin.get(PATH).text
    assert "/live/front/snapshot" in page
    assert looks(db) == []
    where = uncover(admin)
    assert looks(db) == ["Administrator"]
    picture = re.search(r'src="(/admin/cameras/trials/[^"]+)"', admin.get(where).text)
    assert picture
    assert admin.get(picture[1]).data == b"\xff\xd8uncovered"
    assert admin.get(picture[1]).headers["Cache-Control"] == "no-store"
    clock.advance(6 * 60)
    assert admin.get(picture[1]).status_code == 404
    assert "/live/front/snapshot" in admin.get(where).text


def test_a_look_that_fails_is_in_the_log_all_the_same(admin: Browser, db: Database, capture: StandInCapture) -> None:
    """First the entry, then the picture."""
    capture.running = False
    assert send(admin, f"{PATH}/uncover").status_code == 503
    assert looks(db) == ["Administrator"]


def test_a_camera_that_is_switched_off_is_asked_for_one_picture(
    admin: Browser, db: Database, clock: ManualClock, capture: StandInCapture
) -> None:
    """Nobody watches it, so it is opened once, without masks, for the editor."""
    add(db, clock, id="off", name="Off", enabled=False, masks=[[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]])
    assert send(admin, "/admin/cameras/off/masks/uncover").status_code == 303
    assert capture.tried[0][0]["masks"] == []
    capture.failing = "unreachable"
    answer = send(admin, "/admin/cameras/off/masks/uncover")
    assert "Nothing answers at this address." in answer.text


def test_an_old_or_foreign_picture_is_just_not_shown(admin: Browser) -> None:
    """A link to a picture that is gone opens the editor with the masked one."""
    page = admin.get(f"{PATH}?uncovered={'0' * 32}")
    assert page.status_code == 200
    assert "/live/front/snapshot" in page.text
