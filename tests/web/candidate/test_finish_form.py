"""The older finish by a link: who may, and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from appliance.exchange.token import issue_token
from tests.web.candidate.handed import LMS, PAGE, Candidate, Lms, Room
from tests.web.candidate.test_pages import begin

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

LINK = "/integration/simple/moodle/finish/s-4711/"
BACK = f"{LMS}/course?id=3"


def follow(client: FlaskClient, *, wanted: str = BACK, referer: str = f"{LMS}/quiz", extra: str = "") -> TestResponse:
    """Follow the link as a browser does: the first answer leads to where the ticket is sent."""
    headers = PAGE | ({"Referer": referer} if referer else {})
    headers |= {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = client.get(f"{LINK}?redirectUrl={quote(wanted)}{extra}", headers=headers)
    if answer.status_code == 303 and answer.headers["Location"].startswith("/exam/leave"):
        return client.get(answer.headers["Location"], headers=PAGE)
    return answer


def test_the_lms_page_ends_the_exam_at_once(ada: Candidate, lms: Lms, room: Room) -> None:
    """Coming from a page of the LMS, the candidate's own browser finishes and goes where it was sent."""
    begin(ada, lms, room)
    answer = follow(ada.client)
    assert (answer.status_code, answer.headers["Location"]) == (303, BACK)
    assert ada.state()["step"] == "finished"


@pytest.mark.parametrize("referer", ["", "https://evil.example/x", "https://lms.example.evil.example/"])
def test_anybody_elses_link_asks_first(ada: Candidate, lms: Lms, room: Room, referer: str) -> None:
    """A link of unknown origin ends nobody's exam by itself; the candidate may."""
    begin(ada, lms, room)
    answer = follow(ada.client, referer=referer)
    assert answer.status_code == 200
    assert "Finish the exam?" in answer.text
    assert ada.state()["step"] == "exam"
    done = ada.client.post(
        f"{ada.where}leave", data={"form_token": ada.form_token(), "sure": "yes", "redirectUrl": BACK}, headers=PAGE
    )
    assert done.status_code == 303
    assert ada.state()["return_url"] == BACK


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", f"{LMS}@evil.example/", f"{LMS}.evil.example/"],
)
def test_nobody_is_sent_to_an_address_nobody_knows(ada: Candidate, lms: Lms, room: Room, wanted: str) -> None:
    """An unknown address is shown as text and followed by nothing."""
    begin(ada, lms, room)
    answer = follow(ada.client, wanted=wanted)
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert f'href="{wanted}' not in answer.text
    assert ada.state()["step"] == "finished"
    assert ada.state()["return_url"] == f"{LMS}/done"


def test_without_a_ticket_the_link_does_nothing(ada: Candidate, app: Flask, lms: Lms, room: Room) -> None:
    """A stranger's browser is told nothing, of a session that is there and of one that is not."""
    begin(ada, lms, room)
    stranger = app.test_client()
    answers = [follow(stranger).text]
    sent = stranger.get("/integration/simple/moodle/finish/none/?redirectUrl=x", headers=PAGE)
    answers.append(stranger.get(sent.headers["Location"], headers=PAGE).text)
    assert answers[0] == answers[1]
    assert ada.state()["step"] == "exam"
    assert stranger.get("/exam/leave?sent=forged", headers=PAGE).status_code == 403


def test_anothers_link_ends_no_exam_of_mine(ada: Candidate, app: Flask, lms: Lms, room: Room) -> None:
    """The ticket of one session is no good for the link of another."""
    begin(ada, lms, room)
    bo = Candidate(app.test_client(), lms)
    bo.arrive(userId="8", sessionId="s-2")
    assert follow(bo.client).status_code == 403
    assert ada.state()["step"] == "exam"


def test_a_token_finishes_from_anywhere(ada: Candidate, app: Flask, lms: Lms, room: Room) -> None:
    """Signed by the integration, the link needs no ticket; another session's or an old token is refused."""
    begin(ada, lms, room)
    other = app.test_client()
    now = lms.clock.wall_us()
    for wrong in (
        issue_token(lms.secret, now_us=now, claims={"sessionId": "s-2"}),
        issue_token(lms.secret, now_us=now, life_s=-60),
        issue_token("another secret of at least 32 bytes!!", now_us=now),
    ):
        assert follow(other, extra=f"&token={wrong}").status_code == 401
    assert ada.state()["step"] == "exam"
    token = issue_token(lms.secret, now_us=now, claims={"sessionId": "s-4711"})
    answer = follow(other, extra=f"&token={token}", referer="")
    assert (answer.status_code, answer.headers["Location"]) == (303, BACK)
    assert ada.state()["step"] == "finished"


def test_in_a_frame_the_page_around_it_is_told(ada: Candidate, lms: Lms, room: Room) -> None:
    """A frame of the exam's page that is led here changes nothing itself, and is shown by the box's pages alone."""
    begin(ada, lms, room)
    framed = PAGE | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    for path in (f"{LINK}?redirectUrl={BACK}", "/integration/simple/moodle/start/?token=x"):
        answer = ada.client.get(path, headers=framed)
        assert answer.status_code == 200
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in answer.headers
    assert ada.state()["step"] == "exam"
    done = ada.do("finish", sure="yes", redirectUrl=BACK).get_json()
    assert done["return_url"] == BACK


def test_the_marker_between_the_two_answers_runs_out(ada: Candidate, lms: Lms, room: Room) -> None:
    """What the first answer found out is signed: a made-up origin is refused."""
    begin(ada, lms, room)
    answer = ada.client.get(f"{LINK}?redirectUrl={BACK}", headers=PAGE | {"Referer": "https://evil.example/"})
    changed = answer.headers["Location"].replace("sent=", "sent=A")
    assert ada.client.get(changed, headers=PAGE).status_code == 403
    assert ada.state()["step"] == "exam"
