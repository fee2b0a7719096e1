"""Sessions through the hub: candidates are sent to their room's box, and the LMS is answered what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from appliance.exchange.centre.bodies import SessionBody
from appliance.exchange.centre.messages import message_of
from appliance.exchange.enums import SessionStatus
from appliance.exchange.exam_parameters import parse_exam
from appliance.exchange.messages import Review, SessionName, status_body
from appliance.exchange.moment import zulu
from appliance.exchange.token import authorization, issue_token
from appliance.hub.assigning import assign
from appliance.hub.boxes import edit_box, revoke_box
from appliance.sittings.exams import find_exam, remove_exam, restore_exam, upsert_exam
from tests.exchange.values import EXAMPLE, SESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from tests.support.hub_box import HubBox

START = "/integration/simple/campus/start/"
NAME = SessionName(123, "828331bda025")


class Lms:
    """The LMS: brings candidates, asks, and ends sessions."""

    def __init__(self, app: Flask, clock: ManualClock, secret: str) -> None:
        self.client = app.test_client()
        self.clock = clock
        self.secret = secret

    def token(self, **more: Any) -> str:
        """Return a start token."""
        day = 24 * 3600 * 1_000_000
        window = {"startDate": zulu(self.clock.wall_us() - day), "endDate": zulu(self.clock.wall_us() + day)}
        claims = {**EXAMPLE, **window, "schedule": False, **SESSION, **more}
        return issue_token(self.secret, now_us=self.clock.wall_us(), claims=claims, jti=None)

    def bring(self, token: str, **form: str) -> TestResponse:
        """Bring a browser, by its address or with a form."""
        if form:
            return self.client.post(START, data={"token": token, **{k: v for k, v in form.items() if v}})
        return self.client.get(START, query_string={"token": token})

    def ask(self, what: str) -> dict[str, Any]:
        """Ask how the session stands, or end it."""
        header = {"Authorization": authorization(issue_token(self.secret, now_us=self.clock.wall_us()))}
        path = f"/api/v2/integration/simple/campus/sessions/{NAME.session_id}/{what}/"
        answer = self.client.post(path, headers=header) if what == "finish" else self.client.get(path, headers=header)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json or {}
        return found


@pytest.fixture
def campus(app: Flask, clock: ManualClock, lms: tuple[Integration, str]) -> Lms:
    """The LMS."""
    return Lms(app, clock, lms[1])


@pytest.fixture
def give(db: Database, lms: tuple[Integration, str], clock: ManualClock) -> Callable[..., str]:
    """Assign the exam of the tokens to boxes; return its id."""

    def to(*boxes: HubBox) -> str:
        found = find_exam(db, lms[0].id, "123", "a3875623")
        name = found.id if found else upsert_exam(db, lms[0], parse_exam(EXAMPLE), clock=clock, who="LMS").exam.id
        assign(db, "exam", name, [one.box for one in boxes], clock=clock, who="test")
        return name

    return to


def test_a_candidate_is_sent_to_the_box_of_their_room(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str]
) -> None:
    """The browser goes to the box that has the exam with the same token, and the box gets the booking."""
    box = new_box()
    give(box)
    token = campus.token()
    answer = campus.bring(token)
    assert answer.status_code == 303
    there = urlsplit(answer.location)
    assert (there.netloc, there.path, parse_qs(there.query)["token"]) == ("hall-2.example:8443", START, [token])
    held = box.pull_all()
    booking = next(message_of(SessionBody, one.content()) for key, one in held.items() if key[0] == "session")
    assert (booking.session, booking.account, booking.integration) == (NAME.session_id, NAME.account_id, "campus")
    assert booking.candidate.user_id == "5"
    assert campus.bring(token).location == answer.location


def test_a_box_that_loses_an_exam_loses_the_bookings_for_it(
    new_box: Callable[..., HubBox],
    campus: Lms,
    give: Callable[..., str],
    db: Database,
    clock: ManualClock,
) -> None:
    """A booking goes with the exam it is for, however that goes, and comes back with it; what has begun stays."""
    box = new_box()
    exam = give(box)
    campus.bring(campus.token())
    (booking,) = (key for key in box.pull_all() if key[0] == "session")
    give()
    assert box.pull_all()[booking].deleted
    give(box)
    assert not box.pull_all()[booking].deleted
    remove_exam(db, exam, clock=clock, who="test")
    assert box.pull_all()[booking].deleted
    restore_exam(db, exam, clock=clock, who="test")
    assert not box.pull_all()[booking].deleted
    begun = Review(session=NAME, attention=30, rejected=80, start_us=clock.wall_us()).body()
    box.push(box.item("review", {"integration": "campus", "kind": "review", "message": begun}, stream="s"))
    give()
    assert booking not in box.pull_all()


def test_a_form_is_sent_on_as_a_form(new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str]) -> None:
    """A token that came in a form stays out of every address."""
    give(new_box())
    token = campus.token()
    answer = campus.bring(token, posted="yes")
    assert (answer.status_code, answer.location) == (307, f"https://hall-2.example:8443{START}")


def test_an_exam_without_a_room_says_so(new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str]) -> None:
    """Where no box has the exam the candidate reads that they did nothing wrong, and staff what to do."""
    new_box()
    answer = campus.bring(campus.token())
    assert answer.status_code == 409
    assert "hub.no_room" in answer.text
    assert "Exams and rooms" in answer.text


def test_a_candidate_chooses_among_rooms(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str], db: Database, clock: ManualClock
) -> None:
    """Where several rooms have the exam the candidate chooses, and stays where they began."""
    box, other = new_box(), new_box("box-other", room="Hall 3")
    edit_box(db, other.box, room="Hall 3", address="https://hall-3.example", clock=clock, who="test")
    give(box, other)
    token = campus.token()
    page = campus.bring(token)
    assert page.status_code == 200
    assert "Hall 2" in page.text
    assert "Hall 3" in page.text
    forms = "form-action 'self' https://hall-2.example:8443 https://hall-3.example;"
    assert forms in page.headers["Content-Security-Policy"]
    chosen = campus.bring(token, box=other.box)
    assert (chosen.status_code, chosen.location) == (307, f"https://hall-3.example{START}")
    begun = {"integration": "campus", "kind": "review"}
    message = Review(session=NAME, attention=30, rejected=80, start_us=clock.wall_us()).body()
    other.push(other.item("review", {**begun, "message": message}, stream="s"))
    assert campus.bring(token, box=box.box).location == chosen.location


def test_a_revoked_box_gets_no_candidates(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str], db: Database, clock: ManualClock
) -> None:
    """Nobody is sent to a box that was revoked."""
    box = new_box()
    give(box)
    revoke_box(db, box.box, why="stolen", clock=clock, who="test")
    assert campus.bring(campus.token()).status_code == 409


@pytest.mark.parametrize("token", ["", "a.b.c"])
def test_a_bad_token_reaches_no_box(new_box: Callable[..., HubBox], campus: Lms, token: str) -> None:
    """Without a good token the browser is sent nowhere."""
    answer = campus.bring(token)
    assert (answer.status_code, answer.headers.get("Location")) == (401, None)


def test_the_lms_is_told_what_boxes_told(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str], clock: ManualClock
) -> None:
    """How a session stands is what its box told last."""
    box = new_box()
    give(box)
    campus.bring(campus.token())
    assert campus.ask("status")["status"] == "ready_to_start"
    told = {"integration": "campus", "kind": "status"}
    started = status_body(NAME, SessionStatus.STARTED, start_us=clock.wall_us(), end_us=None)
    box.push(box.item("session", {**told, "message": started}, stream="s"))
    answer = campus.ask("status")
    assert (answer["status"], answer["sessionStart"]) == ("started", zulu(clock.wall_us()))
    ended = status_body(NAME, SessionStatus.FINISHED, start_us=clock.wall_us(), end_us=clock.wall_us() + 60_000_000)
    box.push(box.item("session", {**told, "message": ended}, stream="s"))
    assert campus.ask("status")["status"] == "finished"
    assert campus.ask("finish") == {"message": "not_changed"}


def test_finishing_is_a_signed_change_for_the_box(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str], clock: ManualClock
) -> None:
    """The LMS's wish to end a session reaches the box once; asking again changes nothing."""
    box = new_box()
    give(box)
    campus.bring(campus.token())
    box.pull_all()
    assert campus.ask("finish") == {"message": "finished"}
    assert campus.ask("finish") == {"message": "not_changed"}
    (change,) = box.pull_all().values()
    wish = message_of(SessionBody, change.content()).finish
    assert wish is not None
    assert (wish.asked_us, wish.who) == (clock.wall_us(), "LMS campus")


def test_a_session_no_box_has_is_unregistered(campus: Lms) -> None:
    """Where no room has the exam the LMS takes the candidate back, once."""
    assert campus.bring(campus.token()).status_code == 409
    assert campus.ask("finish") == {"message": "finished"}
    assert campus.ask("finish") == {"message": "not_changed"}
    assert campus.ask("status")["status"] == "not_scheduled"


def test_a_reviewer_is_sent_to_the_recordings_box(
    new_box: Callable[..., HubBox], campus: Lms, give: Callable[..., str]
) -> None:
    """A reviewer whom the LMS brings goes on to the box that has the session, with the same token."""
    box = new_box()
    give(box)
    token = campus.token()
    campus.bring(token)
    path = f"/integration/simple/campus/archive/{NAME.session_id}/"
    answer = campus.client.get(path, query_string={"token": token})
    assert answer.status_code == 303
    assert answer.location.startswith(f"https://hall-2.example:8443{path}?token=")
    assert campus.client.get(path).status_code == 401
