"""Incidents people record, correct and withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.errors import ConflictError, NotFoundError
from appliance.exams.records import Incident
from appliance.sittings.incidents import (
    IncidentError,
    correct_incident,
    get_incident,
    list_incidents,
    record_incident,
)
from tests.sittings.a_box import MINUTE, NINE, actions
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A sitting in which one candidate writes."""
    room = Room(db, settings, "1")
    room.hands_over("1")
    room.writes("1")
    return room


def an_incident(box: Room, /, **changes: Any) -> Incident:
    """Somebody talks."""
    incident = Incident(
        id="",
        sitting=box.sitting,
        category="disturbance",
        severity="minor",
        at_us=NINE,
        who="Grace",
        note="talked",
        seat="A1",
        session=box.hands_over("1").id,
        evidence=("clip 3",),
    )
    return msgspec.structs.replace(incident, **changes)


def worst(room: Room) -> int:
    """What the queue is ordered by."""
    return int(room.db.execute("SELECT incident FROM review").fetchone()[0])


def test_an_incident_is_kept_as_it_was_said(room: Room) -> None:
    """It orders the review queue, and the log says that it was recorded but not what."""
    kept = record_incident(room.db, an_incident(room), clock=room.clock)
    assert msgspec.structs.replace(kept.incident, id="") == an_incident(room)
    assert get_incident(room.db, kept.incident.id) == kept
    assert worst(room) == 2
    assert actions(room.db)[-1] == "session.handed_over"
    assert "incident.recorded" in actions(room.db)
    bodies = room.db.execute("SELECT CAST(body AS TEXT) FROM log_entry").fetchall()
    assert not [body for (body,) in bodies if "talked" in body]


def test_a_correction_stands_beside_what_it_corrects(room: Room) -> None:
    """Both stay; only the newest counts; it can be corrected itself but not passed over."""
    first = record_incident(room.db, an_incident(room, severity="critical"), clock=room.clock)
    assert worst(room) == 4
    news = an_incident(room, severity="info", note="coughed", who="somebody else")
    second = correct_incident(room.db, first.incident.id, news, who="Grace", clock=room.clock)
    assert (second.corrects, second.incident.who) == (first.incident.id, "Grace")
    assert worst(room) == 1
    assert [one.incident.note for one in list_incidents(room.db, sitting=room.sitting)] == ["coughed"]
    every = list_incidents(room.db, sitting=room.sitting, all_versions=True)
    assert [(one.incident.note, one.corrected_by) for one in every] == [
        ("talked", second.incident.id),
        ("coughed", None),
    ]
    with pytest.raises(ConflictError, match="already"):
        correct_incident(room.db, first.incident.id, news, who="Grace", clock=room.clock)


def test_an_incident_is_withdrawn_with_a_reason(room: Room) -> None:
    """It was none: nothing stands, everything is kept, and the queue forgets it."""
    first = record_incident(room.db, an_incident(room), clock=room.clock)
    with pytest.raises(ConflictError, match="reason"):
        correct_incident(room.db, first.incident.id, None, who="Grace", why=" ", clock=room.clock)
    gone = correct_incident(room.db, first.incident.id, None, who="Grace", why="wrong seat", clock=room.clock)
    assert gone.withdrawn == "wrong seat"
    assert list_incidents(room.db, session=an_incident(room).session) == []
    assert len(list_incidents(room.db, session=an_incident(room).session, all_versions=True)) == 2
    assert worst(room) == 0
    assert actions(room.db).count("incident.corrected") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at_us": NINE + 2 * MINUTE}, "at_us"),
        ({"who": " "}, "who"),
        ({"note": "x" * 10_001}, "note"),
        ({"category": "party"}, "category"),
        ({"evidence": ("e",) * 101}, "evidence"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(room: Room, changes: dict[str, Any], field: str) -> None:
    """Nothing is stored of it."""
    with pytest.raises(IncidentError) as refused:
        record_incident(room.db, an_incident(room, **changes), clock=room.clock)
    assert refused.value.field == field
    assert room.db.table("incident").count == 0


def test_an_incident_is_of_something_that_is_known(room: Room) -> None:
    """Sitting, session and what is corrected have to be there."""
    for changes in ({"sitting": "no"}, {"session": "no"}):
        with pytest.raises(NotFoundError):
            record_incident(room.db, an_incident(room, **changes), clock=room.clock)
    with pytest.raises(NotFoundError):
        correct_incident(room.db, "no", None, who="Grace", why="so", clock=room.clock)
    assert record_incident(room.db, an_incident(room, session="", seat=""), clock=room.clock).incident.session == ""
