"""The hand-over over HTTP: from the LMS's page to the candidate's, once, with a ticket and without the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.exchange.token import issue_token
from appliance.integrations.store import set_active
from tests.web.candidate.handed import CROSS, LMS, PAGE, Candidate, Lms, Room

if TYPE_CHECKING:
    from flask import Flask


def rows(lms: Lms) -> dict[str, int]:
    """How many exams, candidates, sessions and tickets there are."""
    names = ("exam", "candidate", "session", "session_ticket", "sitting")
    return {name: lms.db.conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608


@pytest.mark.parametrize("post", [True, False], ids=["POST", "GET"])
def test_a_token_brings_a_candidate_to_their_page(ada: Candidate, lms: Lms, *, post: bool) -> None:
    """The LMS's page sends a browser, which gets a ticket and goes on to an address without the token."""
    answer = ada.arrive(post=post)
    assert answer.status_code == 303
    assert ada.where == f"/exam/{lms.facts().session.id}/"
    cookie = answer.headers["Set-Cookie"]
    assert "exambox_candidate=" in cookie
    for mark in ("HttpOnly", "Path=/exam", "SameSite=Lax"):
        assert mark in cookie
    page = ada.page().text
    assert "Ada Lovelace" in page
    assert "Algebra" in page
    assert "2 hours" in page


def test_the_same_token_again_goes_on_where_it_stands(ada: Candidate, lms: Lms) -> None:
    """A reload, or an LMS that sends the candidate back, makes no second session, candidate, exam or sitting."""
    token = lms.token()
    ada.arrive(token=token)
    ada.agree()
    ada.do("begin")
    before = rows(lms)
    ada.arrive(token=token, post=False)
    after = rows(lms)
    assert {**after, "session_ticket": 0} == {**before, "session_ticket": 0}
    assert ada.state()["step"] == "exam"


def test_a_token_with_a_jti_is_good_once(ada: Candidate, app: Flask, lms: Lms) -> None:
    """Replayed it opens nothing in another browser, changes nothing, and whoever has the ticket goes on."""
    token = lms.token(jti="once")
    ada.arrive(token=token)
    before = rows(lms)
    thief = Candidate(app.test_client(), lms)
    answer = thief.arrive(token=token)
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    assert thief.page().status_code == 403
    assert "Ada" not in thief.page().text
    ada.arrive(token=token)
    assert ada.page().status_code == 200
    assert rows(lms) == before


def test_another_candidates_token_replaces_the_ticket(ada: Candidate, lms: Lms) -> None:
    """On a desk that is used again the browser is the newcomer's alone."""
    ada.arrive()
    hers = ada.where
    ada.arrive(userId="8", firstName="Bo", lastName="Ek", sessionId="s-2")
    assert "Bo Ek" in ada.page().text
    assert ada.client.get(hers, headers=PAGE).status_code == 403
    assert ada.client.get(f"{hers}state").status_code == 403


def test_another_browser_takes_the_exam_over(ada: Candidate, app: Flask, lms: Lms) -> None:
    """Whoever moves to another desk goes on there, and the first desk's page is closed."""
    ada.arrive()
    ada.agree()
    ada.do("begin")
    elsewhere = Candidate(app.test_client(), lms)
    elsewhere.arrive()
    assert elsewhere.state()["step"] == "exam"
    assert ada.page().status_code == 403
    assert ada.client.get(f"{ada.where}state").get_json()["code"] == "candidate.no_ticket"


@pytest.mark.parametrize(
    ("change", "status", "heading"),
    [
        ({"secret": "another secret of at least 32 bytes!!"}, 401, "This link to your exam is not valid"),
        ({"life_s": -60}, 401, "This link to your exam has run out"),
        ({"iat": 4_000_000_000}, 401, "Two clocks differ"),
        ({"duration": "two hours"}, 400, "something this room does not understand"),
        ({"sessionUrl": "javascript:alert(1)"}, 400, "something this room does not understand"),
        ({"sessionFinishUrl": "data:text/html,x"}, 400, "something this room does not understand"),
        ({"sessionUrl": None}, 400, "something this room does not understand"),
    ],
    ids=["forged", "expired", "future", "type", "javascript", "data", "missing"],
)
def test_what_is_wrong_is_said_calmly(
    ada: Candidate, lms: Lms, change: dict[str, Any], status: int, heading: str
) -> None:
    """The candidate reads what to do, staff read why, and nothing is stored."""
    before = rows(lms)
    answer = ada.arrive(**change)
    assert answer.status_code == status, answer.text
    assert heading in answer.text
    assert "invigilator" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert rows(lms) == before
    if status == 400:
        assert next(iter(change)) in answer.text
        assert "alert(1)" not in answer.text


def test_the_page_speaks_the_language_of_the_token(ada: Candidate) -> None:
    """German as the LMS names it, English for a language the box does not speak, whatever the browser prefers."""
    ada.arrive(language="de-ch")
    assert '<html lang="de"' in ada.page().text
    ada.arrive(language="pt-br", sessionId="s-5", userId="9")
    assert '<html lang="en"' in ada.client.get(ada.where, headers={**PAGE, "Accept-Language": "de"}).text


def test_an_inactive_integration_says_so(ada: Candidate, lms: Lms) -> None:
    """Switched off, it hands nobody over."""
    assert lms.integration is not None
    set_active(lms.db, lms.integration.id, active=False, clock=lms.clock, who="test")
    answer = ada.arrive()
    assert answer.status_code == 403
    assert "not taken in this room at present" in answer.text


def test_a_session_stays_its_candidates(ada: Candidate, app: Flask, lms: Lms) -> None:
    """A token that gives one candidate's session to another is refused, and the first one's exam is untouched."""
    ada.arrive()
    other = Candidate(app.test_client(), lms)
    assert other.arrive(userId="8", firstName="Eve").status_code == 409
    assert ada.page().status_code == 200


def test_another_attempt_waits_for_the_end_of_the_first(ada: Candidate, lms: Lms, room: Room) -> None:
    """While one is written a second is refused with what to do, in the reader's words; afterwards it is opened."""
    ada.arrive(identification="passport")
    who = lms.facts().candidate.id
    ada.agree()
    room.act("check_identity", who, document="passport", result="matches")
    ada.do("here")
    room.act("seat", who, seat="A4")
    room.act("start")
    ada.do("begin")
    again = ada.arrive(sessionId="s-again", identification="passport")
    assert again.status_code == 409
    assert "Another attempt at this exam is still open" in again.text
    assert "Finish it first" in again.text
    assert ada.state()["step"] == "exam"
    room.act("finish", who)
    assert ada.arrive(sessionId="s-again", identification="passport").status_code == 303
    assert ada.state()["step"] == "you"
    ada.agree()
    ada.do("begin")
    assert ada.state()["step"] == "exam"
    assert lms.facts().status == "finished"
    assert lms.facts("s-again").status == "started"


def test_only_a_browser_that_is_brought_may_come_from_elsewhere(ada: Candidate, lms: Lms) -> None:
    """Another site's page may send a form here, but no script, picture or frame of it reaches the endpoint."""
    token = lms.token()
    where = "/integration/simple/moodle/start/"
    for mode, dest in (("cors", "empty"), ("no-cors", "empty"), ("no-cors", "image"), ("navigate", "object")):
        headers = PAGE | CROSS | {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert ada.client.post(where, data={"token": token}, headers=headers).status_code == 403, (mode, dest)
    assert rows(lms)["session"] == 0
    assert ada.client.post("/sign-in", data={"name": "x"}, headers=PAGE | CROSS).status_code in {400, 403}


def test_a_long_token_comes_by_post(ada: Candidate, lms: Lms) -> None:
    """Instructions of many pages are taken with a form; the answer leads on as ever."""
    assert ada.arrive(rules={"custom_rules": "Be quiet. " * 1900}).status_code == 303
    assert "Be quiet." in ada.page("rules").text


def test_a_body_beyond_any_token_is_refused(ada: Candidate) -> None:
    """Half a megabyte is read by nobody."""
    where = "/integration/simple/moodle/start/"
    answer = ada.client.post(where, data={"token": "x" * 500_000}, headers=PAGE | CROSS)
    assert answer.status_code == 413


def test_every_text_of_the_lms_is_shown_as_text(ada: Candidate, room: Room) -> None:
    """Markup in names, exam, course, rules and account becomes no element of any page."""
    evil = "<script>x</script><img src=x onerror=y>\"'>"
    ada.arrive(
        firstName=evil, lastName=evil, examName=evil, courseName=evil, accountName=evil, rules={"custom_rules": evil},
        instructions=evil,
    )  # fmt: skip
    pages = [ada.page(at).text for at in ("you", "rules", "agreement")]
    ada.agree()
    pages.append(ada.page().text)
    for page in pages:
        assert "<script>x" not in page
        assert "<img" not in page
    assert "&lt;script&gt;x" in pages[0]


def test_the_frames_address_and_policy_are_the_exams(ada: Candidate) -> None:
    """The exam's page alone may be framed, names its owner, and the page itself is framed by nobody."""
    ada.arrive(sessionUrl="https://quiz.example:8443/a?b=1#c")
    ada.agree()
    ada.do("begin")
    answer = ada.page()
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-src https://quiz.example:8443 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert (
        'data-address="https://quiz.example:8443/a?b=1&amp;examus-client-origin=http%3A%2F%2Flocalhost#c"'
        in answer.text
    )
    assert 'data-origin="https://quiz.example:8443"' in answer.text
    assert "frame-src" not in ada.client.get("/sign-in", headers=PAGE).headers["Content-Security-Policy"]


@pytest.mark.parametrize("claims", [{}, {"iat": 1}, {"userId": None}], ids=["nothing", "iat", "null"])
def test_an_empty_token_names_every_field(ada: Candidate, lms: Lms, claims: dict[str, Any]) -> None:
    """A signed token that says nothing is answered with everything that is missing, for staff to read."""
    token = issue_token(lms.secret, now_us=lms.clock.wall_us(), claims=claims)
    answer = ada.arrive(token=token)
    assert answer.status_code == 400
    for name in ("userId", "sessionId", "sessionUrl", "examId", "duration"):
        assert name in answer.text


def test_the_lms_page_is_not_told_who_signed_in(ada: Candidate) -> None:
    """Neither the token nor the ticket is in any page."""
    answer = ada.arrive()
    value = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert value not in ada.page().text
    assert LMS not in answer.headers["Location"]
