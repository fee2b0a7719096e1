"""Sittings planned and changed; exams that change under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.errors import ConflictError
from appliance.exams.model import Exam
from appliance.exams.states import SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.exams import upsert_exam
from appliance.sittings.planning import (
    ChangedMeanwhileError,
    PlanError,
    accept_changes,
    change_plan,
    changed_since_frozen,
    plan_sitting,
    remove_sitting,
    restore_sitting,
)
from appliance.sittings.runs import exams_of, list_sittings, stored_sitting
from appliance.sittings.values import SittingPlan
from tests.sittings.a_box import MINUTE, NINE, actions, an_exam, exam_said, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A planned sitting with one candidate."""
    return Room(db, settings, "1")


def plan_of(box: Room, /, **changes: Any) -> SittingPlan:
    """A plan like the room's."""
    plan = SittingPlan(name="Tuesday", room="Hall", exams=(box.exam.id,), timing=SittingTiming(start_us=NINE))
    return msgspec.structs.replace(plan, **changes)


def test_a_planned_sitting_has_a_name_of_its_start(room: Room) -> None:
    """Its name is a folder's in the vault; it is planned, by somebody, for the exams."""
    made = plan_sitting(room.db, plan_of(room), clock=room.clock, who="Grace", where="10.0.0.7")
    assert made.id.startswith("20261125-1000-")
    assert (made.status, made.created_by, made.sitting.exams) == (SittingStatus.PLANNED, "Grace", (room.exam.id,))
    assert made == stored_sitting(room.db, made.id)
    with pytest.raises(ConflictError, match="known"):
        plan_sitting(room.db, plan_of(room, id=made.id), clock=room.clock, who="Grace")
    room.db.execute("INSERT INTO recording_wish (sitting, wished_us, wished_by) VALUES ('by-hand', 1, 'x')")
    with pytest.raises(ConflictError, match="known"):
        plan_sitting(room.db, plan_of(room, id="by-hand"), clock=room.clock, who="Grace")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"room": ""}, "room"),
        ({"exams": ()}, "exams"),
        ({"exams": ("nothing",)}, "exams"),
        ({"name": "x" * 256}, "name"),
        ({"lead_us": -1}, "lead_us"),
        ({"id": "Monday"}, "id"),
        ({"timing": SittingTiming(start_us=NINE, last_start_us=NINE - 1)}, "timing.last_start_us"),
        ({"timing": SittingTiming(start_us=1, first_start_us=9, last_start_us=8)}, "timing.last_start_us"),
        ({"timing": SittingTiming(start_us=NINE + 36 * 60 * MINUTE)}, "timing.start_us"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_its_field(room: Room, changes: dict[str, Any], field: str) -> None:
    """The message names the field, and nothing is stored."""
    with pytest.raises(PlanError) as refused:
        plan_sitting(room.db, plan_of(room, **changes), clock=room.clock, who="Grace")
    assert refused.value.field == field
    assert refused.value.hint
    assert room.db.table("sitting").count == 1


def test_a_plan_changes_until_something_happens(room: Room) -> None:
    """The LMS learns of the new start; two who change it at once do not overwrite one another."""
    room.said["schedule"] = True
    session = room.hands_over("1")
    later = plan_of(room, timing=SittingTiming(start_us=NINE + 60 * MINUTE))
    changed = change_plan(room.db, room.sitting, later, clock=room.clock, who="Grace", version=2)
    assert (changed.start_us, changed.sitting.name, changed.version) == (NINE + 60 * MINUTE, "Tuesday", 3)
    assert room.facts(session).session.scheduled_us == NINE + 60 * MINUTE
    assert [body["start"] for _, kind, body in told(room.db) if kind == "schedule"] == [
        "2026-11-25T10:00:00Z",
        "2026-11-25T11:00:00Z",
    ]
    with pytest.raises(ChangedMeanwhileError):
        change_plan(room.db, room.sitting, later, clock=room.clock, who="Grace", version=2)
    other = an_exam(room.db, room.lms, room.clock, examId="other")
    with pytest.raises(PlanError, match="left out"):
        change_plan(room.db, room.sitting, plan_of(room, exams=(other.id,)), clock=room.clock, who="Grace")
    room.does("check_readiness")
    with pytest.raises(ConflictError, match="happened"):
        change_plan(room.db, room.sitting, later, clock=room.clock, who="Grace")


def test_a_removed_sitting_comes_back_as_it_was(room: Room) -> None:
    """It is not listed meanwhile; one in which something happened is called off instead."""
    before = stored_sitting(room.db, room.sitting)
    for _ in range(2):
        remove_sitting(room.db, room.sitting, clock=room.clock, who="Grace")
    assert list_sittings(room.db, now_us=NINE) == []
    assert [one.id for one in list_sittings(room.db, now_us=NINE, removed=True)] == [room.sitting]
    assert restore_sitting(room.db, room.sitting, clock=room.clock, who="Grace") == before
    assert actions(room.db)[-2:] == ["sitting.removed", "sitting.restored"]
    room.does("check_readiness")
    with pytest.raises(ConflictError, match="happened"):
        remove_sitting(room.db, room.sitting, clock=room.clock, who="Grace")


def test_sittings_are_listed_as_people_look_for_them(room: Room) -> None:
    """The nearest of those not over first, then what is closed, newest first, page by page."""
    for name, hours in (("far", 9), ("near", 1), ("older", -9), ("newer", -5)):
        plan = plan_of(room, id=name, name=f"{name} %", timing=SittingTiming(start_us=NINE + hours * 60 * MINUTE))
        plan_sitting(room.db, plan, clock=room.clock, who="Grace")
    room.db.execute("UPDATE sitting SET status = 'closed' WHERE id IN ('older', 'newer')")
    room.db.conn.commit()
    listed = [one.id for one in list_sittings(room.db, now_us=NINE)]
    assert listed == ["monday", "near", "far", "newer", "older"]
    page = list_sittings(room.db, now_us=NINE, limit=2, before=(NINE - 5 * 60 * MINUTE, "newer"))
    assert [one.id for one in page] == ["older"]
    assert [one.id for one in list_sittings(room.db, now_us=NINE, text="AR %")] == ["near", "far"]


def test_what_changes_in_a_frozen_exam_is_told_and_taken_over_by_a_person(room: Room) -> None:
    """The room sees which fields differ; accepting moves the ends, and the rules shown, from then on."""
    room.writes("1")
    assert changed_since_frozen(room.db, room.sitting) == []
    news = exam_said(identification="skip", duration=90, rules={"allow_voices": True})
    upsert_exam(room.db, room.lms, news, clock=room.clock, who="moodle")
    (change,) = changed_since_frozen(room.db, room.sitting)
    assert change.fields == ("duration_us", "rules")
    assert room.run.end_of(room.id_of("1"), now_us=NINE).at_us == NINE + 120 * MINUTE
    with pytest.raises(IllegalTransitionError):
        accept_changes(room.db, room.sitting, room.exam.id, clock=room.clock, who="x", role="reviewer")
    assert len(changed_since_frozen(room.db, room.sitting)) == 1
    accept_changes(room.db, room.sitting, room.exam.id, clock=room.clock, who="Grace", role="invigilator")
    assert changed_since_frozen(room.db, room.sitting) == []
    assert room.run.end_of(room.id_of("1"), now_us=NINE).at_us == NINE + 90 * MINUTE
    assert exams_of(room.db, room.sitting)[room.exam.id].rules.allow_voices
    assert (room.run.history[-1].name, room.run.history[-1].who) == ("accept_change", "Grace")
    with pytest.raises(ConflictError, match="Nothing"):
        accept_changes(room.db, room.sitting, room.exam.id, clock=room.clock, who="Grace", role="invigilator")


def test_every_field_of_an_exam_is_compared(room: Room) -> None:
    """Nothing of the definition changes unseen."""
    room.does("check_readiness")
    news = {"examName": "B", "endDate": "2026-12-25T08:00:00Z", "proctoring": "online", "auxiliaryCamera": True}
    upsert_exam(room.db, room.lms, exam_said(identification="face", **news), clock=room.clock, who="moodle")
    (change,) = changed_since_frozen(room.db, room.sitting)
    assert change.fields == ("name", "window_end_us", "method", "identification", "auxiliary_camera")
    assert set(change.fields) < set(Exam.__struct_fields__)
