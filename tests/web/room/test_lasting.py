"""Answers that last end with their session, whoever ends it, and keep nobody signed in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from appliance.cameras.wishes import start_recording
from appliance.ipc import framing
from appliance.web.account import changes
from appliance.web.services import of
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser, StandInCapture

LASTING = ("/api/events", "/api/live?camera=front")


class Reading:
    """Reads an event stream block by block."""

    def __init__(self, response: TestResponse) -> None:
        assert response.status_code == 200, response.data
        self.response = response
        self._pieces = iter(response.iter_encoded())
        self._rest = b""

    def next(self, kind: str) -> tuple[str, dict[str, Any]]:
        """Return id and data of the next event of a kind."""
        while True:
            block, end, rest = self._rest.partition(b"\n\n")
            if not end:
                self._rest += next(self._pieces)
                continue
            self._rest = rest
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
            if fields.get(b"event") == kind.encode():
                return fields.get(b"id", b"").decode(), json.loads(fields[b"data"])


@pytest.fixture
def stopped(app: Flask) -> Iterator[None]:
    """Let the process's threads end with the test."""
    yield
    of(app).stopping.set()
    until(lambda: not ((thread := of(app).room._thread) and thread.is_alive()), 5, "the watch ended")


@dataclass
class Watcher:
    """Somebody who watches, and the ways their session can end."""

    browser: Browser
    app: Flask
    db: Database
    clock: ManualClock

    @property
    def places(self) -> int:
        """How many lasting answers there are."""
        return of(self.app).slots.taken

    def end(self, how: str) -> None:
        """End the session."""
        if how == "signed out":
            assert self.browser.call("/sign-out").status_code in {200, 302, 303}
        elif how == "disabled":
            changes.disable_account(self.db, "Invigilator", clock=self.clock, who="test")
        elif how == "other role":
            changes.set_role(self.db, "Invigilator", "auditor", clock=self.clock, who="test")
        else:
            self.clock.advance(31 * 60)


@pytest.fixture
def watcher(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture, clock: ManualClock, db: Database
) -> Iterator[Watcher]:
    """An invigilator, while the one camera delivers."""
    capture.hold.clear()
    yield Watcher(person("invigilator"), app, db, clock)
    capture.hold.set()


@pytest.mark.usefixtures("stopped")
def test_events_begin_with_everything_and_go_on_with_changes(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """A newcomer gets the whole state; then what somebody else does comes by itself."""
    reading = Reading(person("invigilator").client.get("/api/events", buffered=False))
    _, snapshot = reading.next("snapshot")
    assert snapshot["facts"]["wish"] is None
    assert snapshot["facts"]["camera.front"]["state"] == "live"
    wish = start_recording(db, clock=clock, who="Ada")
    event_id, change = reading.next("change")
    while "wish" not in change["set"]:
        event_id, change = reading.next("change")
    assert change["set"]["wish"]["sitting"] == wish.sitting
    assert event_id
    reading.response.close()


@pytest.mark.usefixtures("stopped")
def test_events_resume_where_the_browser_left_off(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """With the last id, by header or address, only what was missed comes; a foreign id begins anew."""
    browser = person("invigilator")
    first = Reading(browser.client.get("/api/events", buffered=False))
    event_id, _ = first.next("snapshot")
    first.response.close()
    wish = start_recording(db, clock=clock, who="Ada")
    headers = {"Last-Event-ID": event_id}

    def later() -> str:  # what was looked at within the last half second is not looked at again
        text = browser.client.get("/api/events?once=true", headers=headers).data.decode()
        return text if wish.sitting in text else ""

    assert "event: snapshot" not in until(later, 5, "the wish as an event")
    assert wish.sitting in browser.client.get(f"/api/events?once=true&after={event_id}").data.decode()
    foreign = browser.client.get("/api/events?once=true&after=0123456789abcdef-4").data.decode()
    assert "event: snapshot" in foreign
    assert browser.client.get(f"/api/events?once=true&after={'9' * 60}").status_code == 422


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("path", LASTING)
@pytest.mark.parametrize("how", ["signed out", "disabled", "other role", "idle"])
def test_a_lasting_answer_ends_with_its_session(path: str, how: str, watcher: Watcher) -> None:
    """Within a moment after a session ended, nothing more is sent, and the place is free."""
    response = watcher.browser.client.get(path, buffered=False)
    assert response.status_code == 200
    pieces = iter(response.response)
    next(pieces)
    assert watcher.places == 1
    watcher.end(how)
    for _ in pieces:
        pass
    assert watcher.places == 0


@pytest.mark.usefixtures("stopped")
def test_the_end_of_a_session_is_said(person: Callable[[str], Browser], clock: ManualClock) -> None:
    """The last event says that the session ended, so that the page can ask to sign in again."""
    reading = Reading(person("invigilator").client.get("/api/events", buffered=False))
    reading.next("snapshot")
    clock.advance(31 * 60)
    assert reading.next("end")[1] == {"why": "session"}


@pytest.mark.usefixtures("stopped")
def test_watching_is_no_sign_of_life(
    person: Callable[[str], Browser], capture: StandInCapture, clock: ManualClock
) -> None:
    """A page left open with pictures and events is signed out in time, however often it connects."""
    browser = person("invigilator")
    for _ in range(4):
        clock.advance(8 * 60)
        for path in ("/api/events?once=true", "/live/front/snapshot", "/live/front/stream"):
            last = browser.client.get(path)
    assert last.status_code == 401


@pytest.mark.usefixtures("stopped")
def test_the_process_can_end_while_people_watch(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """When the process is asked to stop, every lasting answer ends at once."""
    browser = person("invigilator")
    capture.hold.clear()
    answers = [browser.client.get(path, buffered=False) for path in LASTING]
    of(app).stopping.set()
    for answer in answers:
        for _ in answer.response:
            pass
    capture.hold.set()
    assert of(app).slots.taken == 0


@pytest.mark.usefixtures("stopped")
def test_several_cameras_share_one_connection(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """Each portion is marked with its camera's number; a camera that cannot be watched says so in the stream."""
    capture.messages += [(b"K", b"key")]
    capture.hold.clear()
    response = person("centre_manager").client.get("/api/live?camera=back&camera=front", buffered=False)
    seen: dict[int, list[tuple[bytes, bytes]]] = {0: [], 1: []}
    cutter, number = framing.Messages(), -1
    for piece in response.iter_encoded():
        for kind, message in cutter.feed(piece):
            if kind == b"C":
                number = message[5]
            elif kind != b"H":
                seen[number].append((kind, message[5:]))
        if seen[0] and len(seen[1]) >= 3:
            break
    response.close()
    capture.hold.set()
    assert seen[1][:3] == [*capture.messages[:2], (b"K", b"key")]
    assert json.loads(seen[0][0][1]) == {"state": "lost", "reason": "There is no such camera."}
    assert of(app).slots.taken == 0


def test_what_is_watched_is_named_properly(person: Callable[[str], Browser]) -> None:
    """Cameras must be given, and by possible names."""
    browser = person("invigilator")
    assert browser.client.get("/api/live").status_code == 422
    assert browser.client.get("/api/live?camera=A..B").status_code == 422
    assert browser.client.get("/api/live?" + "&".join(f"camera=c{n}" for n in range(80))).status_code == 422
