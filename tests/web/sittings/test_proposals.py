"""What the centre wants changed in a running sitting: a banner with a button to accept and one to decline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.web.services import of
from tests.support.a_centre import ACentre

if TYPE_CHECKING:
    from tests.web.sittings.conftest import Day


@pytest.fixture
def centre(day: Day) -> ACentre:
    """The central service the box belongs to, while a sitting runs."""
    made = ACentre(day.db, of(day.app).settings, day.clock)
    day.ready()
    day.do("admit")
    day.do("start")
    return made


def number(day: Day) -> int:
    """Return the number of the one change that waits."""
    return int(day.db.conn.execute("SELECT number FROM centre_waiting").fetchone()[0])


def test_extra_time_is_a_banner_that_is_accepted_by_a_button(day: Day, centre: ACentre) -> None:
    """The page says who gives what and why, changes by itself when it comes, and accepting gives the time."""
    pulse = f"/api/sittings/{day.sitting}/pulse"
    before = day.invigilator.get(pulse).text
    centre.tell(centre.extra_time(day.sitting, 10))
    assert day.invigilator.get(pulse).text != before
    page = day.page()
    assert "The central service gives everybody" in page
    assert "cara: fire alarm" in page
    assert "The sitting goes on as it is until you accept." in page
    answer = day.post(f"/sittings/{day.sitting}/proposals/{number(day)}/accept")
    assert answer.status_code in {200, 303}
    assert [one.name for one in day.run.history if one.role == "centre"] == ["extend_all"]
    assert "The central service gives everybody" not in day.page()
    assert day.post(f"/sittings/{day.sitting}/proposals/1/accept").status_code == 404


def test_declining_needs_a_reason_and_is_remembered_on_the_page(day: Day, centre: ACentre) -> None:
    """Without a reason nothing is decided; with one the page says who declined what, and nothing was given."""
    centre.tell(centre.extra_time(day.sitting, 10))
    path = f"/sittings/{day.sitting}/proposals/{number(day)}/decline"
    assert day.post(path, why=" ").status_code == 422
    assert "The central service gives everybody" in day.page()
    assert day.post(path, why="it was next door").status_code in {200, 303}
    page = day.page()
    assert "it was next door" in page
    assert f"/proposals/{number(day)}/accept" not in page
    assert not [one for one in day.run.history if one.role == "centre"]


def test_a_proposal_of_another_sitting_is_not_found(day: Day, centre: ACentre) -> None:
    """A number of another sitting's proposal decides nothing here."""
    centre.tell(centre.extra_time("another-sitting", 10))
    assert day.post(f"/sittings/{day.sitting}/proposals/{number(day)}/accept").status_code == 404


def test_a_roster_says_who_would_come_and_go(day: Day, centre: ACentre) -> None:
    """The banner of a changed roster names who would be enrolled and withdrawn."""
    word = {"id": "c9", "number": "9", "last_name": "Noether", "first_name": "Emmy"}
    body = {"entries": [{"candidate": word, "exam": "e1"}]}
    centre.tell(centre.change("roster", day.sitting, body, sitting=day.sitting))
    page = day.page()
    assert "The central service has changed the roster." in page
    assert "1 would be enrolled: Noether, Emmy" in page or "1 would be enrolled: Emmy Noether" in page
    assert "would be withdrawn" in page


def test_another_plan_says_what_would_be_otherwise(day: Day, centre: ACentre) -> None:
    """The banner of a changed plan names its start, its rule for late starts, and the exams that come and go."""
    timing = {"start_us": day.clock.wall_us() + 7_260_000_000, "late_rule": "common_end"}
    body = {"name": "Another name", "room": "Hall 2", "exams": ["e-new"], "timing": timing}
    centre.tell(centre.change("sitting", day.sitting, body, sitting=day.sitting))
    page = day.page()
    assert "The central service has changed the plan of this sitting." in page
    assert "The planned start would be" in page
    assert "Who begins late would end together with the others." in page
    assert "Exams that come to it: e-new" in page
    assert "Exams that are left out:" in page
    assert "Nobody here would notice" not in page
