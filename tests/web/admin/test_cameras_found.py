"""Cameras found on the network: chosen, signed in, a stream tried; what devices say of themselves stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance import auditlog
from appliance.cameras import store
from appliance.cameras.model import camera_from
from appliance.vault import keys
from tests.web.admin.test_cameras import EVIL, SECRET, send, settings_of, stored_password, trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture

DEVICE = {"host": "192.0.2.64", "port": 80, "tls": False, "name": "Front", "hardware": "IPC-T5442T", "location": ""}
STREAM = {"name": "main", "address": "rtsp://192.0.2.64:554/main", "codec": "H264", "width": 2688, "height": 1520,
          "fps": 20.0, "kbit": 4096}  # fmt: skip


@pytest.fixture(autouse=True)
def _keys(settings: Settings, clock: ManualClock) -> None:
    """Give the box its keys."""
    keys.init_keys(settings, passphrase=None, clock=clock)


@pytest.fixture
def admin(person: Callable[[str], Browser], capture: StandInCapture) -> Browser:
    """An administrator in whose network there is one camera."""
    capture.found = [dict(DEVICE)]
    capture.offered = [dict(STREAM), {**STREAM, "name": "sub", "address": "rtsp://192.0.2.64:554/sub", "width": 640}]
    return person("administrator")


def signing_in(**fields: str) -> dict[str, str]:
    """Return what the form of a found device sends."""
    return {"host": "192.0.2.64", "port": "80", "tls": "", "name": "Front", "user": "box", "password": SECRET, **fields}


def test_from_the_search_to_the_stored_camera(
    admin: Browser, db: Database, settings: Settings, capture: StandInCapture
) -> None:
    """Found, signed in, the second stream chosen, tried, described, stored with the password sealed."""
    assert "192.0.2.64" not in admin.get("/admin/cameras/find").text
    found = admin.submit("/admin/cameras/find")
    assert "IPC-T5442T" in found.text
    assert "1 camera answered." in found.text
    streams = trial(send(admin, "/admin/cameras/find/device", **signing_in()))
    page = admin.get(streams)
    assert "2688 \N{MULTIPLICATION SIGN} 1520" in page.text
    assert SECRET not in page.text
    tried = trial(admin.submit(streams, stream="1"))
    asked = capture.tried[0][0]
    assert asked["address"] == "rtsp://192.0.2.64:554/sub"
    assert admin.submit(tried, **settings_of(camera_from(asked))).status_code == 303
    assert stored_password(db, settings, "front") == ("box", SECRET)
    assert "already added" in admin.submit("/admin/cameras/find").text
    logged = [line.action for line in auditlog.show(db, limit=100)]
    assert {"camera.searched", "camera.tested", "camera.added"} <= set(logged)


def test_a_wrong_password_is_asked_again(admin: Browser, capture: StandInCapture) -> None:
    """The form comes back with the reason, and without the password."""
    capture.failing = "unauthorised"
    answer = send(admin, "/admin/cameras/find/device", **signing_in())
    assert answer.status_code == 502
    assert "The user name or the password is wrong." in answer.text
    assert SECRET not in answer.text
    assert 'value="192.0.2.64"' in answer.text


@pytest.mark.parametrize("fields", [{"port": "x"}, {"port": "0"}, {"port": "99999"}, {"name": ""}, {"host": "x" * 60}])
def test_what_no_search_found_is_refused(admin: Browser, capture: StandInCapture, fields: dict[str, str]) -> None:
    """A form that was tampered with asks nobody."""
    assert send(admin, "/admin/cameras/find/device", **signing_in(**fields)).status_code == 422
    assert capture.asked == []


def test_nobody_answers_and_capture_is_away(admin: Browser, capture: StandInCapture) -> None:
    """Both are said with what to do."""
    capture.found = []
    assert "Switch ONVIF on" in admin.submit("/admin/cameras/find").text
    capture.running = False
    assert admin.submit("/admin/cameras/find").status_code == 503


@pytest.mark.parametrize("stream", ["7", "-1", "x", ""])
def test_a_stream_that_is_not_there_is_refused(admin: Browser, capture: StandInCapture, stream: str) -> None:
    """Only what was offered can be chosen."""
    streams = trial(send(admin, "/admin/cameras/find/device", **signing_in()))
    assert admin.submit(streams, stream=stream).status_code == 422
    assert capture.tried == []


@pytest.mark.parametrize("address", ["rtsp://192.0.2.64:22/", "rtsp://127.0.0.1:8480/"])
def test_a_stream_at_another_service_is_not_tried(admin: Browser, capture: StandInCapture, address: str) -> None:
    """What holds for entered addresses holds for those a device names."""
    capture.offered[0]["address"] = address
    streams = trial(send(admin, "/admin/cameras/find/device", **signing_in()))
    assert admin.submit(streams, stream="0").status_code == 422
    assert capture.tried == []


def test_what_devices_say_stays_text(admin: Browser, db: Database, capture: StandInCapture) -> None:
    """Markup in name, hardware, place, maker, model and streams is shown and does nothing; a long name is cut."""
    capture.found = [{**DEVICE, "name": EVIL, "hardware": EVIL, "location": EVIL}]
    for stream in capture.offered:
        stream["name"] = stream["codec"] = EVIL
    pages: list[Any] = [admin.submit("/admin/cameras/find").text]
    where = trial(send(admin, "/admin/cameras/find/device", **signing_in(name=EVIL)))
    pages += [admin.get(where).text, admin.get(trial(admin.submit(where, stream="0"))).text]
    for text in pages:
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert store.list_cameras(db) == []
