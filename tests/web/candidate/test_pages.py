"""The candidate's page over HTTP: what each state shows, what may be done in it, and for whom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.clock import SECOND_US
from appliance.exchange.exam_parameters import parse_exam
from appliance.sittings.exams import upsert_exam
from appliance.sittings.offers import Offer, offer_places
from appliance.sittings.sessions import finish_session
from tests.web.candidate.handed import HOUR, MINUTE, PAGE, Candidate, Lms, Room, a_room
from tests.web.candidate.served import OF_THE_CANDIDATE

if TYPE_CHECKING:
    from flask import Flask


def actions(lms: Lms) -> list[str]:
    """What the log says, in order."""
    return [line.action for line in reversed(list(show(lms.db, limit=200)))]


def test_the_box_runs_an_exam_alone(ada: Candidate, lms: Lms) -> None:
    """Where nobody is in the room: read, agree, begin, write, finish, and the way back."""
    ada.arrive(duration=60)
    assert ada.state()["step"] == "you"
    assert "What is allowed in this exam" in ada.page("rules").text
    assert "What is recorded here" in ada.page("agreement").text
    assert ada.agree().status_code == 303
    waiting = ada.state()
    assert (waiting["step"], waiting["wait"], waiting["begin"]) == ("waiting", "ready", True)
    began = ada.do("begin").get_json()
    assert (began["step"], began["left_us"]) == ("exam", 60 * MINUTE)
    lms.clock.advance(600)
    assert ada.state()["left_us"] == 50 * MINUTE
    done = ada.do("finish", sure="yes").get_json()
    assert (done["step"], done["return_url"]) == ("finished", "https://lms.example/done")
    assert "Your exam is finished" in ada.page().text
    assert 'href="https://lms.example/done"' in ada.page().text
    assert {"session.handed_over", "session.agreed", "session.finished"} <= set(actions(lms))


def test_a_room_with_an_invigilator(ada: Candidate, lms: Lms, room: Room) -> None:
    """Each thing a person has to do is waited for in words, and the page goes on when it is done."""
    ada.arrive(identification="passport")
    who = lms.facts().candidate.id
    ada.agree()
    assert ada.state()["wait"] == "identity"
    assert "The invigilator checks your identity" in ada.page().text
    room.act("check_identity", who, document="passport", result="matches")
    told = ada.do("here").get_json()
    assert told["wait"] == "seat"
    assert "ask the invigilator for your seat" in ada.page().text
    room.act("seat", who, seat="A4")
    assert ada.state()["wait"] == "start"
    assert "A4" in ada.page().text
    assert ada.do("begin").status_code == 409, "not before the room has started"
    room.act("start")
    assert ada.state()["wait"] == "ready"
    assert ada.do("begin").get_json()["step"] == "exam"


def test_extra_time_reaches_the_candidate_with_its_reason(ada: Candidate, lms: Lms, room: Room) -> None:
    """For one and for all, with the new end, and never twice under another name."""
    begin(ada, lms, room)
    before = ada.state()
    room.act("extend", lms.facts().candidate.id, why="Fire alarm next door", amount_us=10 * MINUTE)
    after = ada.state()
    assert after["left_us"] - before["left_us"] == 10 * MINUTE
    assert [note["words"] for note in after["notes"]] == ["Extra time: +10 minutes (Fire alarm next door)."]
    assert after["until"] != before["until"]
    room.act("extend_all", why="Late start", amount_us=5 * MINUTE)
    keys = [note["key"] for note in ada.state()["notes"]]
    assert len(keys) == len(set(keys)) == 2


@pytest.mark.parametrize(
    ("names", "cover", "whole"),
    [
        (("pause", "resume"), "paused", False),
        (("pause_all", "resume_all"), "all_paused", True),
        (("take_break", "return_from_break"), "break", False),
    ],
)
def test_a_pause_covers_the_exam_and_leaves_it_loaded(
    ada: Candidate, lms: Lms, room: Room, *, names: tuple[str, str], cover: str, whole: bool
) -> None:
    """The page says so, its time stands still where it is made good, and afterwards it is the same page."""
    begin(ada, lms, room)
    who = "" if whole else lms.facts().candidate.id
    room.act(names[0], who, why="Fire alarm")
    paused = ada.state()
    assert (paused["step"], paused["cover"]) == ("exam", cover)
    assert paused["heading"]
    assert paused["mark"] == "exam"
    lms.clock.advance(300)
    later = ada.state()
    if cover != "break":
        assert later["moving"]
        assert later["left_us"] == paused["left_us"]
    room.act(names[1], who)
    assert ada.state()["cover"] == ""


@pytest.mark.parametrize("by", ["lms", "invigilator", "end"])
def test_who_is_finished_elsewhere_is_told(ada: Candidate, lms: Lms, room: Room, by: str) -> None:
    """The LMS's call, the invigilator's act and the end of the sitting each show the end and the way back."""
    begin(ada, lms, room)
    facts = lms.facts()
    if by == "lms":
        finish_session(
            lms.db, facts.session, who="moodle", role="lms", clock=lms.clock, finish_url="https://lms.example/x"
        )
    elif by == "invigilator":
        room.act("finish", facts.candidate.id)
    else:
        room.act("end_early", why="Evacuation")
    told = ada.state()
    assert told["step"] == "finished"
    assert told["return_url"] == ("https://lms.example/x" if by == "lms" else "https://lms.example/done")
    assert ada.do("begin").get_json()["step"] == "finished", "nobody begins again"


def test_a_finish_by_mistake_can_be_undone(ada: Candidate, lms: Lms, room: Room) -> None:
    """The invigilator lets somebody continue, and the same page goes on without a new hand-over."""
    begin(ada, lms, room)
    ada.do("finish", sure="yes")
    assert ada.state()["step"] == "finished"
    room.act("continue_writing", lms.facts().candidate.id, why="Pressed by mistake")
    assert ada.state()["step"] == "exam"


def test_finishing_asks_twice(ada: Candidate, lms: Lms, room: Room) -> None:
    """Without the second confirmation the exam goes on."""
    begin(ada, lms, room)
    assert ada.do("finish", sure="no").get_json()["step"] == "exam"
    assert ada.do("finish").status_code == 422
    assert ada.state()["step"] == "exam"


def test_finishing_twice_is_finishing_once(ada: Candidate, lms: Lms, room: Room) -> None:
    """A page that was not sure whether its answer arrived asks again without harm."""
    begin(ada, lms, room)
    assert [ada.do("finish", sure="yes").get_json()["step"] for _ in range(3)] == ["finished"] * 3
    assert actions(lms).count("session.finished") == 1


def test_no_agreement_without_a_tick_or_to_another_text(ada: Candidate, lms: Lms) -> None:
    """The box has to be ticked, and what is agreed to is what is recorded now."""
    ada.arrive()
    token, page = ada.form_token(), ada.page("agreement").text
    notice = re.search(r'name="notice" value="([^"]+)"', page)
    assert notice
    for fields, said in (
        ({"notice": notice[1]}, "Tick the box"),
        ({"notice": "2026-1-en-0000000000000000", "agree": "yes"}, "has changed since the page was opened"),
    ):
        answer = ada.client.post(f"{ada.where}agree", data={"form_token": token, **fields}, headers=PAGE)
        assert answer.status_code == 422
        assert said in answer.text
    assert lms.facts().session.agreed_us is None


def test_what_was_agreed_to_can_be_read_again(ada: Candidate, lms: Lms) -> None:
    """The version that the log names is kept word by word."""
    ada.arrive()
    ada.agree()
    version = lms.facts().session.agreed_notice
    assert version is not None
    kept = (lms.settings.state_dir / "web" / "notices" / f"{version}.txt").read_text("utf-8")
    assert "Who may see it" in kept
    entry = next(line for line in show(lms.db, limit=200) if line.action == "session.agreed")
    assert version in str(entry)


def test_agreeing_tells_the_lms(ada: Candidate, lms: Lms) -> None:
    """One delivery to the agreement address, however often the form is sent."""
    ada.arrive()
    ada.agree()
    ada.client.post(
        f"{ada.where}agree", data={"form_token": ada.form_token(), "notice": "x", "agree": "yes"}, headers=PAGE
    )
    kinds = [kind for (kind,) in lms.db.conn.execute("SELECT kind FROM delivery")]
    assert kinds.count("agreement") == 1


def test_a_session_without_a_sitting_says_whom_to_ask(ada: Candidate, lms: Lms) -> None:
    """Where the window is not open and nobody planned a sitting, the page sends to the invigilator and says when."""
    from appliance.clock import format_utc

    start = lms.clock.wall_us() + 26 * 60 * MINUTE
    ada.arrive(startDate=format_utc(start), endDate=format_utc(start + 60 * MINUTE))
    ada.agree()
    assert ada.state()["wait"] == "no_sitting"
    assert "speak to the invigilator" in ada.page().text
    assert "It can be taken from" in ada.page().text


def test_an_unregistered_candidate_is_told(ada: Candidate, lms: Lms, room: Room) -> None:
    """The LMS takes a registration back before the start; the page says so and offers the way back."""
    ada.arrive()
    finish_session(lms.db, lms.facts().session, who="moodle", role="lms", clock=lms.clock)
    told = ada.state()
    assert (told["step"], told["wait"]) == ("closed", "unregistered")
    assert told["return_url"] == "https://lms.example/done"
    assert room.id


DEEDS = ("agree", "here", "begin", "finish", "leave")


def test_nobody_gets_to_anothers_session(ada: Candidate, app: Flask, lms: Lms) -> None:
    """With a ticket of one's own, every address of another session is refused, and nothing in it changes."""
    ada.arrive()
    ada.agree()
    ada.do("begin")
    bo = Candidate(app.test_client(), lms)
    bo.arrive(userId="8", firstName="Bo", lastName="Ek", sessionId="s-2")
    token, hers = bo.form_token(), ada.where
    before = lms.facts()
    for path in (hers, f"{hers}state"):
        answer = bo.client.get(path, headers=PAGE)
        assert answer.status_code == 403
        assert "Ada" not in answer.text
    for deed in DEEDS:
        fields = {"form_token": token, "sure": "yes", "agree": "yes", "notice": "x"}
        assert bo.client.post(f"{hers}{deed}", data=fields, headers=PAGE).status_code == 403, deed
    assert lms.facts() == before
    for path in ("/exam/unknown/", "/exam/unknown/state"):
        assert bo.client.get(path, headers=PAGE).status_code == 403


@pytest.mark.parametrize("kind", ["none", "forged", "session cookie", "half", "case"])
def test_without_the_ticket_there_is_nothing(ada: Candidate, app: Flask, kind: str) -> None:
    """No cookie, a made-up one, a dashboard's, a part of it, other letters: the same page that says nothing."""
    answer = ada.arrive()
    value = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    client = app.test_client()
    sent = {"forged": "A" * 43, "half": value[:20], "case": value.swapcase()}.get(kind, "")
    name = "exambox_session" if kind == "session cookie" else "exambox_candidate"
    client.set_cookie(name, value if kind == "session cookie" else sent, path="/")
    for path in (ada.where, f"{ada.where}state"):
        answer = client.get(path, headers=PAGE)
        assert answer.status_code == 403
        assert "Ada" not in answer.text
    for deed in DEEDS:
        assert client.post(f"{ada.where}{deed}", data={"sure": "yes"}, headers=PAGE).status_code == 403


def test_a_stolen_ticket_is_worth_nothing_after_the_end(ada: Candidate, app: Flask, lms: Lms, room: Room) -> None:
    """After the finish it shows the end and the way back; an hour later nothing at all."""
    answer = ada.arrive()
    value = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    begin(ada, lms, room, come=False)
    ada.do("finish", sure="yes")
    thief = app.test_client()
    thief.set_cookie("exambox_candidate", value, path="/exam")
    page = thief.get(ada.where, headers=PAGE)
    assert "Your exam is finished" in page.text
    assert "quiz?attempt" not in page.text
    lms.clock.advance(3600)
    assert thief.get(ada.where, headers=PAGE).status_code == 403
    assert thief.get(f"{ada.where}state").status_code == 403


def test_other_pages_cannot_act_for_a_candidate(ada: Candidate, lms: Lms, room: Room) -> None:
    """Without the form's own token, with another's, or from another site nothing is done; with it, it is."""
    begin(ada, lms, room)
    token = ada.form_token()
    for given in ("", "0" * 40, token[:-1] + ("0" if token[-1] != "0" else "1")):
        assert ada.do("finish", token=given, sure="yes").status_code == 400
    cross = {"X-Exambox-Form": token, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert ada.client.post(f"{ada.where}finish", data={"sure": "yes"}, headers=cross).status_code == 403
    assert ada.state()["step"] == "exam"
    assert ada.do("finish", token=token, sure="yes").get_json()["step"] == "finished"


def test_a_candidate_has_no_way_to_the_dashboard(ada: Candidate) -> None:
    """No page of theirs has a link to another page of the box, and the ticket opens none."""
    ada.arrive()
    for at in ("you", "rules", "agreement"):
        links = re.findall(r'(?:href|action|src)="(/[^"]*)"', ada.page(at).text)
        assert links
        assert all(link.startswith((ada.where, "/static/", "/words/")) for link in links), links
    for path in ("/", "/live", "/recordings", "/admin", "/api/status", "/api/recordings/x"):
        assert ada.client.get(path, headers={"Accept": "application/json"}).status_code == 401


def test_an_exam_goes_on_whatever_the_clock_does(ada: Candidate, lms: Lms, room: Room) -> None:
    """The box's clock set back and forth by hours in mid-exam locks nobody out and changes nobody's time."""
    begin(ada, lms, room)
    left = ada.state()["left_us"]
    for step in (-5 * 3600, 30 * 3600):
        lms.clock.step(step)
        room.act("pause_all", why="look")
        room.act("resume_all")
        assert ada.state()["step"] == "exam"
        assert abs(ada.state()["left_us"] - left) < 2 * SECOND_US


def test_a_planned_start_is_told_in_the_rooms_time(ada: Candidate, lms: Lms) -> None:
    """Before the room opens the page says when the exam is planned."""
    ada.arrive(sessionId="other", userId="99")
    exam = lms.facts("other").exam
    a_room(lms, exam.id, start_us=lms.clock.wall_us() + 45 * MINUTE)
    page = ada.page().text
    assert "Time to write" in page


def begin(ada: Candidate, lms: Lms, room: Room, *, come: bool = True) -> None:
    """Bring Ada to her exam in a room."""
    if come:
        ada.arrive()
    ada.agree()
    ada.do("here")
    room.act("seat", lms.facts().candidate.id, seat="A4")
    room.act("start")
    assert ada.do("begin").get_json()["step"] == "exam"


def test_a_time_is_chosen_and_given_up_again(lms: Lms, ada: Candidate) -> None:
    """Where sittings offer places the page lists them; the chosen one can be given up until its deadline."""
    assert lms.integration is not None
    said = {key: value for key, value in lms.said(schedule=True).items() if key not in OF_THE_CANDIDATE}
    exam = upsert_exam(lms.db, lms.integration, parse_exam(said), clock=lms.clock, who="moodle").exam
    room = a_room(lms, exam.id, start_us=lms.clock.wall_us() + 6 * HOUR)
    offer_places(lms.db, room.id, Offer(1, 2 * HOUR), clock=lms.clock, who="Mia")
    ada.arrive(schedule=True)
    page = ada.page().text
    assert "When do you want to take this exam?" in page
    assert "1 place free" in page
    token = re.search(r'name="form_token" value="([0-9a-f]{40})"', page)
    assert token
    fields = {"form_token": token[1], "sitting": room.id}
    refused = ada.client.post(f"{ada.where}book", data=fields | {"sitting": "nowhere"}, headers=PAGE)
    assert refused.status_code == 409
    assert "This time can no longer be booked." in refused.text
    assert ada.client.post(f"{ada.where}book", data=fields | {"form_token": "0" * 40}, headers=PAGE).status_code == 400
    assert lms.facts().sitting is None, "nothing was booked"
    assert ada.client.post(f"{ada.where}book", data=fields, headers=PAGE).status_code == 303
    booked = ada.page().text
    assert "You have booked a time" in booked
    assert ada.state()["step"] == "booked"
    grace = Candidate(lms.app.test_client(), lms)
    grace.arrive(schedule=True, userId="8", lastName="Hopper", sessionId="s-2")
    assert "No place is free at the moment" in grace.page().text
    given = {"form_token": token[1]}
    assert ada.client.post(f"{ada.where}give-up", data=given, headers=PAGE).status_code == 303
    assert "When do you want to take this exam?" in ada.page().text
    ada.client.post(f"{ada.where}book", data=fields, headers=PAGE)
    lms.clock.advance(5 * 3600)
    late = ada.client.post(f"{ada.where}give-up", data=given, headers=PAGE)
    assert late.status_code == 409
    assert "too late" in late.text
    room.admit()
    assert ada.state()["step"] == "you", "the room is open: the day has come"
