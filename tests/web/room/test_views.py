"""The live page's addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.cameras.wishes import current_wish
from appliance.ipc import framing
from appliance.web.services import of
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser, StandInCapture, StandInKeyring


def test_without_cameras_the_page_says_how_to_add_one(person: Callable[[str], Browser]) -> None:
    """An empty room tells an administrator how to fill it, and others who can."""
    assert "exambox cameras add" in person("administrator").get("/live").text
    assert "An administrator of the box adds cameras" in person("invigilator").get("/live").text


def test_a_camera_gets_a_tile_and_its_name_is_only_text(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """Names are shown as typed, never as markup."""
    name = '<script>"front"</script>'
    camera = Camera(id="front", name=name, role="room", kind="pattern", address="64x48@5")
    add_camera(db, camera, None, clock=clock, who="test")
    page = person("administrator").get("/live").text
    assert 'data-camera="front"' in page
    assert "<script>&#34;" not in page
    assert "&lt;script&gt;" in page


def test_a_camera_has_an_address_of_its_own(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> None:
    """A link to one camera opens it large; what is no camera is not found."""
    add_camera(db, Camera(id="front", name="Front", role="room", kind="pattern", address="64x48@5"), None, clock=clock,
               who="test")  # fmt: skip
    browser = person("centre_manager")
    assert 'data-large="front"' in browser.get("/live/front").text
    assert browser.get("/live/back").status_code == 404


def test_recording_is_started_and_stopped_without_scripts(person: Callable[[str], Browser], db: Database) -> None:
    """The page's forms work by themselves: they lead back to the room, which says what was done."""
    browser = person("invigilator")
    token = browser.token("/live")
    done = browser.client.post("/api/recording/start", data={"csrf_token": token}, headers={"Accept": "text/html"})
    assert (done.status_code, done.location) == (303, "/live")
    assert current_wish(db) is not None
    assert "Recording has been started." in browser.get("/live").text


def test_live_messages_are_relayed_as_capture_sent_them(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """The stream holds every message in the socket's own framing, and gives its place back when the viewer leaves."""
    capture.messages += [(b"K", b"key"), (b"F", b"more")]
    capture.hold.clear()
    response = person("invigilator").client.get("/live/front/stream", buffered=False)
    assert response.content_type == "application/vnd.exambox.live"
    wanted = b"".join(framing.pack(kind, payload) for kind, payload in capture.messages)
    got = b""
    for piece in response.iter_encoded():
        got += piece.replace(framing.pack(b"H", b""), b"")
        if len(got) >= len(wanted):
            break
    assert got == wanted
    response.close()
    capture.hold.set()
    assert of(app).slots.taken == 0
    until(lambda: capture.closed, 5, "capture's connection closed")


def test_one_cameras_stream_ends_when_it_is_lost(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """The last message of a stream of one camera says why there is no picture; then the place is free."""
    capture.messages = [(b"J", b'{"ok":true,"state":"lost","reason":"cable"}')]
    response = person("invigilator").client.get("/live/front/stream")
    assert response.data == framing.pack(*capture.messages[0])
    assert of(app).slots.taken == 0


def test_a_viewer_who_leaves_gives_the_place_back(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """Closing the response closes capture's connection, also before the first byte was read."""
    browser = person("invigilator")
    capture.hold.clear()
    response = browser.client.get("/live/front/stream", buffered=False)
    assert of(app).slots.taken == 1
    response.close()
    capture.hold.set()
    assert of(app).slots.taken == 0
    until(lambda: capture.closed == 1, 5, "capture's connection closed")


def test_streams_beyond_the_limit_are_told_to_come_later(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """With every place taken a stream gets 503 with Retry-After; still pictures and state go on."""
    browser = person("invigilator")
    for _ in range(of(app).slots.limit):
        of(app).slots.take()
    for path in ("/live/front/stream", "/api/live?camera=front", "/api/events"):
        refused = browser.client.get(path)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
    assert b"event: snapshot" in browser.client.get("/api/events?once=true").data
    assert browser.client.get("/live/front/snapshot").data == b"\xff\xd8picture"
    assert browser.client.get("/api/status").status_code == 200


def test_an_unknown_camera_is_404_and_a_bad_name_is_refused(app: Flask, person: Callable[[str], Browser]) -> None:
    """What is no camera is said before a stream begins, and takes no place."""
    browser = person("invigilator")
    assert browser.client.get("/live/back/stream").status_code == 404
    assert browser.client.get("/live/back/snapshot").status_code == 404
    assert browser.client.get("/live/A..B/stream").status_code == 422
    assert of(app).slots.taken == 0


def test_status_speaks_although_capture_is_silent(person: Callable[[str], Browser], capture: StandInCapture) -> None:
    """A missing capture process is named in the status; keyring and wishes are still told."""
    browser = person("invigilator")
    capture.running = False
    status = browser.client.get("/api/status").json
    assert status is not None
    assert status["capture"]["available"] is False
    assert "not running" in status["capture"]["message"]
    assert status["keyring"] == {"available": True, "locked": False, "unlocks_itself": True, "protected": False,
                                 "idle_lock_us": None, "key_ids": status["keyring"]["key_ids"]}  # fmt: skip


def test_start_and_stop_write_the_wish_in_the_persons_name(person: Callable[[str], Browser], db: Database) -> None:
    """The buttons make and end the wish; pressing one twice is a conflict in words, and changes nothing."""
    browser = person("invigilator")
    sitting = json.loads(browser.call("/api/recording/start").data)["sitting"]
    wish = current_wish(db)
    assert wish is not None
    assert (wish.sitting, wish.wished_by) == (sitting, "Invigilator")
    assert browser.call("/api/recording/start").status_code == 409
    assert browser.call("/api/recording/stop").status_code == 200
    assert current_wish(db) is None
    assert browser.call("/api/recording/stop").status_code == 409


def test_lock_and_unlock(person: Callable[[str], Browser], keyring: StandInKeyring) -> None:
    """A wrong passphrase is refused with 423 and leaves the lock; the right one opens it."""
    browser = person("administrator")
    assert browser.call("/api/keyring/lock").status_code == 200
    assert keyring.locked
    assert browser.call("/api/keyring/unlock", passphrase="wrong").status_code == 423
    assert browser.call("/api/keyring/unlock", passphrase="x" * 2000).status_code == 422
    assert keyring.locked
    assert browser.call("/api/keyring/unlock", passphrase="right").status_code == 200
    assert not keyring.locked
