"""The day over HTTP: readiness, admission, start, extra time, pauses, end; refusals are calm and change nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.cameras.wishes import current_wish, stop_recording
from appliance.exams.states import CandidateStatus, SittingStatus
from appliance.sittings.exams import upsert_exam
from appliance.sittings.runs import exams_of
from appliance.web.sittings.own_exams import own_integration, own_parameters
from tests.web.sittings.conftest import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.web.conftest import Browser
    from tests.web.sittings.conftest import Day


def test_a_whole_day_by_its_buttons(day: Day) -> None:
    """Readiness check, admission, start, end, signature, close: each step is offered, works, and leads to the next."""
    assert "Begin the readiness check" in day.page()
    day.ready()
    page = day.page()
    assert "The room is ready." in page
    assert "Begin admission" in page
    assert current_wish(day.db) is not None, "recording begins with the check"
    day.do("admit")
    day.admit("Lovelace", "Babbage")
    day.do("start")
    day.do("begin", day.candidate("Lovelace"))
    day.do("begin", day.candidate("Babbage"))
    assert "Has not begun" not in day.page()
    assert "Not here" in day.page(), "who is expected while others write is seen"
    day.do("mark_absent", day.candidate("Hopper"))
    refused = day.do("end", status=409)
    assert "still have time" in refused.json["detail"]
    for _ in range(4):
        day.clock.advance(19 * 60)
        assert day.post("/api/session").status_code == 200, "who watches stays signed in when they say so"
    day.do("end")
    assert day.run.status is SittingStatus.ENDED
    day.do("submit", day.candidate("Babbage"), papers="4")
    assert "Sign the register off" in day.page()
    day.do("sign_register")
    day.do("close")
    assert day.run.status is SittingStatus.CLOSED
    assert current_wish(day.db) is None, "and ends with the close"


def test_what_is_missing_is_a_red_banner_and_may_be_overridden(day: Day) -> None:
    """A clock that is not trusted blocks admission, is named with what to do, and a named person may go on."""
    day.capture.trusted = False
    day.ready()
    page = day.page()
    assert "callout-bad banner" in page
    assert "The clock is not synchronised: times are not proven." in page
    assert "Set up a time server" in page
    assert day.do("admit", status=409).json["hint"].startswith("Mend what the readiness check names")
    assert day.do("override_readiness", status=409).json["detail"].endswith("needs a reason.")
    day.do("override_readiness", why="Compared with the radio clock")
    assert "Compared with the radio clock" in day.page()
    day.do("admit")


def test_the_room_is_looked_at_again(day: Day) -> None:
    """Once the fault is mended, looking again makes the room ready; the same finding twice is noted once."""
    day.capture.sealed = False
    day.ready()
    assert dict(day.run.readiness.missing).keys() == {"recording"}
    count = len(day.run.history)
    assert day.post(f"{day.path}/readiness").json["said"] == "1 thing is missing."
    assert len(day.run.history) == count
    day.capture.sealed = True
    assert day.post(f"{day.path}/readiness").json["said"] == "The room is ready."
    assert day.run.readiness.missing == ()
    day.capture.running = False
    day.post(f"{day.path}/readiness")
    assert "cameras" in dict(day.run.readiness.missing)


def test_extra_time_says_who_and_why_at_the_end(day: Day) -> None:
    """Extra time needs a reason; the candidate's end moves and names the amount, the person and the reason."""
    day.writing("Lovelace")
    ada = day.candidate("Lovelace")
    assert day.do("extend", ada, minutes="10", status=409).json["detail"].endswith("needs a reason.")
    assert day.do("extend", ada, minutes="0", why="Noise", status=409).status_code == 409
    day.do("extend", ada, minutes="10", why="Noise from the yard")
    end = day.run.end_of(ada, now_us=day.clock.wall_us())
    assert end.at_us - end.from_us == 85 * MINUTE
    page = day.page(f"/candidates/{ada}")
    assert "extra time (Invigilator, Noise from the yard)" in page
    assert "planned extra time" in page
    assert "+10 min 00 s" in page


def test_a_pause_of_all_is_given_back(day: Day) -> None:
    """Pause all with a reason, resume: everybody ends later by as much, unless it was said not to."""
    day.writing("Lovelace", "Babbage")
    bob = day.candidate("Babbage")
    before = day.run.end_of(bob, now_us=day.clock.wall_us()).at_us
    day.do("pause_all", why="Fire drill", keep_time="true")
    assert "stands still" in day.page()
    day.clock.advance(300)
    day.do("resume_all")
    assert day.run.end_of(bob, now_us=day.clock.wall_us()).at_us == before + 5 * MINUTE
    day.do("pause_all", why="Announcement", keep_time="false")
    day.clock.advance(60)
    day.do("resume_all")
    assert day.run.end_of(bob, now_us=day.clock.wall_us()).at_us == before + 5 * MINUTE


def test_an_act_by_a_form_comes_back_to_its_page(day: Day) -> None:
    """Without scripts the form leads back to where it was sent from; a refusal shows that page, calmly."""
    day.ready()
    token = day.token
    html = {"Accept": "text/html"}
    sent = {"csrf_token": token, "name": "admit"}
    answer = day.invigilator.client.post(f"{day.path}/acts", data=sent, headers=html)
    assert (answer.status_code, answer.headers["Location"]) == (303, day.path)
    ada = day.candidate("Lovelace")
    sent = {"csrf_token": token, "name": "seat", "candidate": ada, "seat": "A1", "back": "candidate"}
    refused = day.invigilator.client.post(f"{day.path}/acts", data=sent, headers=html)
    assert refused.status_code == 409
    assert "callout-warn" in refused.text
    assert "is not possible: the present state is" in refused.text
    assert "Lovelace" in refused.text
    sent |= {"name": "arrive"}
    done = day.invigilator.client.post(f"{day.path}/acts", data=sent, headers=html)
    assert done.headers["Location"] == f"{day.path}/candidates/{ada}"


def test_one_act_for_everybody_in_a_state(day: Day) -> None:
    """All who are expected arrive with one tap; who cannot begin is left out, and the answer says why."""
    day.ready()
    day.do("admit")
    answer = day.post(f"{day.path}/bulk", name="arrive")
    assert (answer.json["done"], answer.json["refused"]) == (3, 0)
    assert {one.status for one in day.run.people.values()} == {CandidateStatus.ARRIVED}
    assert day.post(f"{day.path}/bulk", name="withdraw").status_code == 422
    for name in ("Lovelace", "Babbage"):
        one = day.candidate(name)
        day.do("skip_identity", one)
        day.do("consent", one, notice="2026-1")
        day.do("seat", one, seat=day.run.people[one].seat)
    day.do("start")
    answer = day.post(f"{day.path}/bulk", name="begin")
    assert answer.json["done"] == 2
    assert answer.json["said"] == "Done for 2 candidates."


def test_nobody_does_what_only_the_box_does(day: Day, person: Callable[[str], Browser]) -> None:
    """Findings and steps of the clock cannot be made up; an administrator sees, and acts in nothing but the check."""
    day.ready()
    before = day.run
    assert day.do("note_readiness", status=422).json["detail"] == "name: only the box itself does this."
    assert day.do("clock_stepped", status=422).status_code == 422
    admin = person("administrator")
    assert admin.call(f"{day.path}/acts", name="admit").status_code == 409
    assert admin.call(f"{day.path}/bulk", name="arrive").status_code == 403
    assert day.run == before
    page = admin.get(day.path).text
    assert "Invigilators and the centre manager lead the sitting." in page
    assert 'name="name" value="admit"' not in page


def test_the_seating_plan_stands_beside_the_list(day: Day) -> None:
    """Rows and columns as they are in the room, who sits where, and what is free."""
    day.ready()
    page = day.page()
    grid = page[page.index("seat-grid") : page.index("</table>", page.index("seat-grid"))]
    labels = re.findall(r"<strong>([AB][12])</strong>", grid)
    assert labels == ["A1", "A2", "B1", "B2"]
    assert grid.count("free") == 1
    assert "Ada Lovelace" in grid


def test_every_order_shows_everybody(day: Day) -> None:
    """However it is sorted, nobody is missing."""
    day.ready()
    for order in ("problem", "seat", "end", "name"):
        assert day.page(f"?order={order}").count("data-row=") == 3


def test_the_pulse_differs_when_something_happened(day: Day) -> None:
    """The page asks for it every two seconds: the box's time, and a text that changes with each act and incident."""
    day.ready()
    ask = f"/api{day.path}/pulse"
    first = day.invigilator.get(ask).json
    assert first["now_us"] == day.clock.wall_us()
    assert day.invigilator.get(ask).json["version"] == first["version"]
    day.do("admit")
    second = day.invigilator.get(ask).json["version"]
    assert second != first["version"]
    assert day.post(f"{day.path}/incidents", category="illness").status_code == 200
    assert day.invigilator.get(ask).json["version"] != second
    assert day.invigilator.get("/api/sittings/none/pulse").status_code == 404


def test_a_changed_exam_waits_for_acceptance(day: Day) -> None:
    """Once frozen, an exam goes on as it was; the banner says what changed, and accepting it is an act."""
    day.writing("Babbage")
    bob = day.candidate("Babbage")
    before = day.run.end_of(bob, now_us=day.clock.wall_us()).at_us
    longer = own_parameters(
        code="algebra-1",
        name="Algebra 1",
        course="Mathematics",
        duration_minutes=90,
        start_us=day.clock.wall_us() - 60 * MINUTE,
        end_us=day.clock.wall_us() + 24 * 60 * MINUTE,
    )
    upsert_exam(day.db, own_integration(day.db, clock=day.clock), longer, clock=day.clock, who="t", origin="box")
    assert day.run.end_of(bob, now_us=day.clock.wall_us()).at_us == before
    assert "was changed by the LMS or the central service" in day.page()
    assert day.post(f"{day.path}/changes/{day.exam}").status_code == 200
    assert day.run.end_of(bob, now_us=day.clock.wall_us()).at_us == before + 30 * MINUTE
    assert exams_of(day.db, day.sitting)[day.exam].duration_us == 90 * MINUTE
    assert "was changed by the LMS or the central service" not in day.page()


def test_a_recording_that_was_ended_by_hand_is_seen_and_made_good(day: Day) -> None:
    """While candidates write, a missing recording is a red banner; recording again is one tap and covers the room."""
    day.writing("Babbage")
    stop_recording(day.db, clock=day.clock, who="somebody")
    assert "This sitting is not being recorded." in day.page()
    assert day.post(f"{day.path}/recording").status_code == 200
    assert current_wish(day.db) is not None
    page = day.page()
    assert "This sitting is not being recorded." not in page
    assert "Another recording covers this sitting." in page


def test_stopping_a_sittings_recording_on_the_rooms_page_needs_a_reason(day: Day) -> None:
    """The room's button cannot end an exam's recording by mistake; with a reason it does, and the log has both."""
    day.writing("Babbage")
    refused = day.post("/api/recording/stop")
    assert refused.status_code == 409
    assert "Morning" in refused.json["detail"]
    assert current_wish(day.db) is not None
    status = day.invigilator.get("/api/status").json
    assert status["wish"]["of"] == "Morning"
    assert day.post("/api/recording/stop", why="The wrong room").status_code == 200
    assert current_wish(day.db) is None
    said = day.db.conn.execute("SELECT value FROM log_personal WHERE value = 'The wrong room'").fetchall()
    assert len(said) == 1


def test_what_people_enter_is_never_markup(day: Day) -> None:
    """A reason with tags in it is shown as text, on every page that shows it."""
    day.writing("Babbage")
    day.do("extend", day.candidate("Babbage"), minutes="5", why="<script>alert(1)</script>")
    for page in (day.page(), day.page(f"/candidates/{day.candidate('Babbage')}"), day.page("/history")):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
