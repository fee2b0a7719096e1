"""Incidents, warnings, the register and exams over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.exams.records import Warning as Flag
from appliance.exams.states import SittingStatus
from appliance.sittings.exams import get_exam, list_exams
from appliance.sittings.incidents import list_incidents
from appliance.sittings.warnings import note_warning, warnings_of
from tests.sittings.a_box import an_exam, an_integration

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser
    from tests.web.sittings.conftest import Day


def test_an_incident_in_two_taps(day: Day) -> None:
    """The category is the button: recorded at once, of this moment, with the candidate's seat."""
    day.writing("Lovelace")
    ada = day.candidate("Lovelace")
    made = day.post(f"{day.path}/incidents", category="illness", candidate=ada)
    assert made.status_code == 200
    (one,) = list_incidents(day.db, sitting=day.sitting)
    assert (one.incident.category, one.incident.severity, one.incident.seat) == ("illness", "minor", "A1")
    assert (one.incident.at_us, one.incident.who) == (day.clock.wall_us(), "Invigilator")
    assert "Illness" in day.page()
    assert "Illness" in day.page("/register")


def test_a_correction_stands_beside_what_was_said(day: Day) -> None:
    """Corrected and withdrawn, both with what was there before; a correction is not made twice."""
    day.post(f"{day.path}/incidents", category="illness", note="Headache")
    (first,) = list_incidents(day.db, sitting=day.sitting)
    where = f"{day.path}/incidents/{first.incident.id}"
    assert day.post(f"{where}/correct", category="disturbance", severity="major", note="Noise").status_code == 200
    assert day.post(f"{where}/correct", category="other").status_code == 409
    page = day.page("/incidents")
    assert "Headache" in page
    assert "Noise" in page
    (now,) = list_incidents(day.db, sitting=day.sitting)
    assert (now.incident.category, now.incident.severity) == ("disturbance", "major")
    withdraw = f"{day.path}/incidents/{now.incident.id}/withdraw"
    assert day.post(withdraw).status_code == 409, "it needs a reason"
    assert day.post(withdraw, why="It was another room").status_code == 200
    assert "It was another room" in day.page("/incidents")
    assert day.post(f"{day.path}/incidents/none/correct", category="other").status_code == 404


def test_a_warning_is_judged_by_a_person(day: Day) -> None:
    """Confirmed with one tap, dismissed with a reason; of another sitting it cannot be judged here."""
    day.writing("Lovelace")
    now = day.clock.wall_us()
    flag = Flag(id="w1", session="", kind="phone", start_us=now, end_us=now + 1, model="m 1", confidence=0.9)
    number = note_warning(day.db, flag, clock=day.clock, sitting=day.sitting, seat="A1").number
    page = day.page()
    assert "A telephone" in page
    assert "Warnings: 1" in page, "at the candidate who sits there"
    where = f"{day.path}/warnings/{number}"
    assert day.post(where, decision="dismissed").status_code == 409
    assert day.post(where, decision="dismissed", why="A calculator").status_code == 200
    assert day.post(where, decision="confirmed", why="It was one after all").status_code == 200
    assert warnings_of(day.db, sitting=day.sitting)[0].warning.decision == "confirmed"
    assert "A calculator" in day.page("/warnings")
    assert day.post(f"{day.path}/warnings/{number + 1}", decision="confirmed").status_code == 404


def test_the_register_holds_everybody_and_is_signed(day: Day, person: Callable[[str], Browser]) -> None:
    """Open attendance blocks the signature; ghosts are closed with a reason; what changes afterwards voids it."""
    day.writing("Lovelace", "Babbage")
    day.do("end_early", why="Evacuation")
    assert "Candidates whose attendance is open: 1." in day.page("/register")
    assert day.do("sign_register", status=409).json["hint"]
    day.do("close_ghosts", why="Did not come", back="register")
    day.do("submit", day.candidate("Lovelace"), papers="5")
    day.do("sign_register")
    page = day.page("/register")
    assert "Invigilator," in page
    for name in ("Ada Lovelace", "Charles Babbage", "Grace Hopper"):
        assert name in page
    day.do("correct_papers", day.candidate("Lovelace"), papers="6", why="Counted again")
    assert "not yet" in day.page("/register")
    day.do("sign_register")
    day.do("close")
    table = person("auditor").get(f"{day.path}/register.csv").text
    assert len(table.strip().splitlines()) == 4
    assert "absent" in table
    assert day.run.status is SittingStatus.CLOSED
    manager = person("centre_manager")
    assert manager.call(f"{day.path}/acts", name="reopen", why="A name was wrong").status_code == 200


def test_a_reviewer_reads_and_changes_nothing(day: Day, person: Callable[[str], Browser]) -> None:
    """The register is for those who review and audit, without buttons; the day's page is not."""
    day.ready()
    reviewer = person("reviewer")
    page = reviewer.get(f"{day.path}/register")
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    assert "/acts" not in page.text
    assert reviewer.get(day.path).status_code == 403


def test_an_exam_by_hand(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> None:
    """A centre without an LMS makes an exam with its window and instructions, and changes it."""
    manager = person("centre_manager")
    fields = {
        "name": "Logic", "course": "", "duration": "45", "window_start": "2027-01-15T07:00",
        "window_end": "2027-01-15T18:00", "method": "record_only", "requires_validation": "", "identification": "skip",
        "instructions": "Bring a pen.",
    }  # fmt: skip
    answer = manager.submit("/exams/new", **fields)
    assert answer.status_code == 303, answer.text
    (made,) = list_exams(db, now_us=clock.wall_us())
    assert (made.exam.name, made.exam.method, made.exam.instructions) == ("Logic", "record_only", "Bring a pen.")
    assert made.exam.exam_id.startswith("logic-")
    edit = f"/exams/{made.id}/edit"
    assert manager.submit(edit, **(fields | {"duration": "60", "code": made.exam.exam_id})).status_code == 303
    assert get_exam(db, made.id).exam.duration_us == 3_600_000_000
    wrong = manager.submit("/exams/new", **(fields | {"window_end": "2027-01-14T18:00"}))
    assert wrong.status_code == 422
    assert "is not after the beginning" in wrong.text
    taken = manager.submit("/exams/new", **(fields | {"code": made.exam.exam_id}))
    assert taken.status_code == 422


def test_what_the_lms_owns_is_not_edited_here(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """The page says whose it is; the centre's choices win, and are given back to the LMS's word by leaving them."""
    stored = an_exam(db, an_integration(db), clock)
    manager = person("centre_manager")
    page = manager.get(f"/exams/{stored.id}").text
    assert "owned by the LMS" in page
    assert f"/exams/{stored.id}/edit" not in page
    assert manager.get(f"/exams/{stored.id}/edit").status_code == 422
    where = f"/exams/{stored.id}/choices"
    chosen = {"method": "live", "requires_validation": "yes", "identification": "", "instructions": "Quiet, please."}
    token = manager.token(f"/exams/{stored.id}")
    html = {"Accept": "text/html"}
    assert manager.client.post(where, data={"csrf_token": token, **chosen}, headers=html).status_code == 303
    one = get_exam(db, stored.id).exam
    assert (one.method, one.requires_validation, one.instructions) == ("live", True, "Quiet, please.")
    left = {"csrf_token": token, "method": "", "requires_validation": "", "identification": "", "instructions": ""}
    assert manager.client.post(where, data=left, headers=html).status_code == 303
    assert get_exam(db, stored.id).exam.method == "full"


@pytest.mark.parametrize("where", ["/sittings/none", "/sittings/none/roster", "/sittings/none/register", "/exams/none"])
def test_what_is_not_there_is_said(person: Callable[[str], Browser], where: str) -> None:
    """A page of a sitting or exam that does not exist is a 404 with a way on."""
    assert person("centre_manager").get(where).status_code == 404
