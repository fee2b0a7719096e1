"""Planning over HTTP: the list, a plan made and changed, removed and brought back."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from appliance.sittings.runs import list_sittings, stored_sitting
from appliance.web.sittings.listing import grouped
from tests.web.sittings.conftest import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser
    from tests.web.sittings.conftest import Day

PLAN = {
    "name": "Second date",
    "room": "Room 2",
    "start": "2027-01-15T09:00",
    "late_rule": "common_end",
    "lead_minutes": "20",
    "places": "0",
    "cancel_hours": "24",
    "opening": "people",
}


def test_an_empty_box_says_how_exams_come(person: Callable[[str], Browser]) -> None:
    """Before anything is planned the list explains the LMS, rosters and exams by hand, and offers the first step."""
    page = person("centre_manager").get("/sittings").text
    assert "from the LMS" in page
    assert "with a roster" in page
    assert '"/exams/new"' in page
    assert "No exam to choose yet" in person("administrator").get("/sittings/plan").text


def test_a_plan_becomes_a_sitting(
    person: Callable[[str], Browser], db: Database, exam: str, clock: ManualClock
) -> None:
    """What the form says is what is planned; times are the room's, and the page of the new sitting opens."""
    manager = person("centre_manager")
    answer = manager.submit("/sittings/plan", **PLAN, exams=exam, last_start="2027-01-15T09:30")
    assert answer.status_code == 303, answer.text
    (made,) = list_sittings(db, now_us=clock.wall_us())
    assert answer.headers["Location"] == f"/sittings/{made.id}"
    assert (made.sitting.name, made.sitting.room, made.sitting.exams) == ("Second date", "Room 2", (exam,))
    assert made.start_us == 1_800_003_600_000_000
    assert made.sitting.timing.last_start_us == made.start_us + 30 * MINUTE
    assert (made.sitting.timing.late_rule, made.lead_us) == ("common_end", 20 * MINUTE)
    page = manager.get("/sittings").text
    assert "Second date" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Give it a name."),
        ({"start": "tomorrow"}, "is no date and time"),
        ({"lead_minutes": "9999"}, "0 to 240 minutes."),
        ({"exams": ""}, "Choose at least one exam."),
        ({"last_start": "2027-01-15T08:00", "first_start": "2027-01-15T08:30"}, ""),
    ],
)
def test_a_wrong_plan_is_told_at_its_field(
    person: Callable[[str], Browser], db: Database, exam: str, changes: dict[str, str], words: str
) -> None:
    """The form comes back with what was entered and what is wrong; nothing is planned."""
    fields = {key: value for key, value in (PLAN | {"exams": exam} | changes).items() if value}
    answer = person("centre_manager").submit("/sittings/plan", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Room 2"' in answer.text
    assert list_sittings(db, now_us=0) == []


def test_a_plan_is_changed_until_the_check_begins(day: Day) -> None:
    """Before the readiness check the plan changes; a page that is out of date, or a begun day, changes nothing."""
    fields = PLAN | {"exams": day.exam, "name": "Later", "version": str(stored_sitting(day.db, day.sitting).version)}
    assert day.invigilator.submit(f"{day.path}/plan", **fields).status_code == 303
    assert stored_sitting(day.db, day.sitting).sitting.name == "Later"
    again = day.invigilator.submit(f"{day.path}/plan", **fields)
    assert again.status_code == 409
    day.do("check_readiness")
    fields["version"] = str(stored_sitting(day.db, day.sitting).version)
    assert day.invigilator.submit(f"{day.path}/plan", **fields).status_code == 409


def test_a_sitting_is_removed_and_brought_back(day: Day) -> None:
    """The list no longer has it, and offers to bring it back; in a sitting that has begun nothing is removed."""
    assert day.post(f"{day.path}/remove").status_code == 303
    removed = day.invigilator.get("/sittings").text
    assert "Bring back" in removed
    assert day.post(f"{day.path}/restore").status_code == 303
    assert "Bring back" not in day.invigilator.get("/sittings").text
    day.do("check_readiness")
    assert day.post(f"{day.path}/remove").status_code == 409


def test_the_list_is_in_groups_of_the_rooms_days(day: Day) -> None:
    """Today's stand first, a planned one of yesterday is shown as not held, a closed one is past."""
    stored = stored_sitting(day.db, day.sitting)
    now = stored.start_us
    assert grouped([stored], now, UTC).today == (stored,)
    assert grouped([stored], now - 30 * 60 * MINUTE, UTC).ahead == (stored,)
    assert grouped([stored], now + 30 * 60 * MINUTE, UTC).missed == (stored,)
    assert grouped([], now, UTC).empty


def test_reviewers_find_the_register_and_nothing_to_change(day: Day, person: Callable[[str], Browser]) -> None:
    """A reviewer's list leads to registers; neither planning nor the day is offered."""
    page = person("reviewer").get("/sittings").text
    assert f"{day.path}/register" in page
    assert "/sittings/plan" not in page
    assert f'href="{day.path}"' not in page
