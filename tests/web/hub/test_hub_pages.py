"""What people do on the hub's pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.exchange.centre.enrol_code import parse_code
from appliance.exchange.exam_parameters import parse_exam
from appliance.hub.assigning import boxes_assigned
from appliance.sittings.exams import upsert_exam
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from tests.support.hub_box import HubBox
    from tests.web.conftest import Browser


def test_a_code_from_the_page_lets_a_box_join(person: Callable[[str], Browser], new_box: Callable[..., HubBox]) -> None:
    """The code that the page shows once lets a box join, which then stands on the page of rooms."""
    browser = person("centre_manager")
    page = browser.submit("/rooms/code", room="Hall 9", hours="2").text
    code = re.search(r'class="big-code">([^<]+)<', page)
    assert code
    box = new_box("box-nine", join=False)
    assert box.enrol(parse_code(code[1]).secret).status == 200
    box.report()
    rooms = browser.get("/rooms").text
    assert "Hall 9" in rooms
    assert code[1] not in rooms


def test_a_wrong_room_is_said_beside_the_form(person: Callable[[str], Browser]) -> None:
    """A blank room or a wrong address is refused on the form, and no code is made."""
    browser = person("administrator")
    for fields in ({"room": " "}, {"room": "Hall 9", "address": "hall-9"}):
        answer = browser.submit("/rooms/code", hours="2", **fields)
        assert answer.status_code == 422
        assert "big-code" not in answer.text


def test_a_box_is_renamed_and_revoked(person: Callable[[str], Browser], new_box: Callable[..., HubBox]) -> None:
    """Room and address are changed on the box's page; revoked there, the box is refused at once."""
    browser, box = person("administrator"), new_box()
    path = f"/rooms/{box.box}"
    assert browser.submit(path, room="Aula", address="https://aula.example").status_code == 302
    assert "Aula" in browser.get("/rooms").text
    answer = browser.client.post(f"{path}/revoke", data={"csrf_token": browser.token(path), "why": "stolen"})
    assert answer.status_code == 302
    assert box.report().status == 403
    assert "stolen" in browser.get(path).text


def test_an_exam_is_assigned_to_rooms(
    person: Callable[[str], Browser],
    new_box: Callable[..., HubBox],
    lms: tuple[Integration, str],
    db: Database,
    clock: ManualClock,
) -> None:
    """The rooms that are ticked get the exam, and no others."""
    browser, box, other = person("centre_manager"), new_box(), new_box("box-other", room="Hall 3")
    exam = upsert_exam(db, lms[0], parse_exam(EXAMPLE), clock=clock, who="LMS").exam.id
    path = f"/rooms/exams/{exam}"
    browser.submit(path, boxes=other.box)
    assert boxes_assigned(db, "exam", exam) == [other.box]
    assert "Hall 3" in browser.get("/rooms/exams?past=true").text
    browser.submit(path)
    assert boxes_assigned(db, "exam", exam) == []
    assert box.pull_all() == {}
