"""What the box does by itself, and how recording follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.cameras.wishes import current_wish, start_recording, stop_recording
from appliance.exams.states import CandidateStatus, SessionStatus, SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.sittings.acts import act
from appliance.sittings.automatic import NOBODY_THERE, TIME_IS_OVER, DueAct, due_acts, tick
from appliance.sittings.planning import change_plan
from appliance.sittings.recording import recording_of, recordings_of
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.sessions import record_agreement
from appliance.sittings.values import SittingPlan
from appliance.sittings.walking import walk
from tests.sittings.a_box import MINUTE, NINE
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.sittings.values import StoredSession


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A planned sitting with two candidates."""
    return Room(db, settings, "1", "2")


def ticks(room: Room) -> int:
    """One second of the box."""
    return tick(room.db, room.clock, settings=room.settings)


def begun(room: Room, number: str, **changes: object) -> StoredSession:
    """A candidate nobody attends, who has begun."""
    session = room.hands_over(number, examId="online", **changes)
    record_agreement(room.db, session, notice="1", clock=room.clock)
    walk(room.db, session, clock=room.clock)
    act(
        room.db,
        str(session.sitting),
        "begin",
        who="the page",
        role="candidate",
        clock=room.clock,
        candidate=session.candidate,
    )
    return session


def test_recording_begins_before_the_planned_start(room: Room) -> None:
    """So long before as the sitting says, once, and not again after somebody stopped it."""
    timing = SittingTiming(start_us=NINE + 60 * MINUTE)
    plan = SittingPlan(name="A", room="B", exams=(room.exam.id,), timing=timing, lead_us=20 * MINUTE)
    change_plan(room.db, room.sitting, plan, clock=room.clock, who="Grace")
    room.clock.advance(39 * 60)
    assert ticks(room) == 0
    room.clock.advance(60)
    assert due_acts(room.db, now_us=room.clock.wall_us()) == [DueAct(sitting=room.sitting, name="record")]
    assert ticks(room) == 1
    assert recording_of(room.db, room.sitting).own
    assert ticks(room) == 0
    stop_recording(room.db, clock=room.clock, who="Grace")
    assert ticks(room) == 0
    room.does("check_readiness")
    assert current_wish(room.db) is None


def test_somebodys_own_recording_is_left_alone(room: Room) -> None:
    """It covers the sitting under its own name; closing the sitting does not stop it."""
    room.clock.advance(-60)
    start_recording(room.db, clock=room.clock, who="Grace", sitting="by-hand")
    room.clock.advance(60)
    session = room.hands_over("1")
    room.writes("1")
    found = recording_of(room.db, room.sitting)
    assert (found.as_sitting, found.own) == ("by-hand", False)
    room.clock.advance(60)
    room.closes()
    assert current_wish(room.db) is not None
    (where,) = recordings_of(room.db, session, now_us=room.clock.wall_us())
    assert (where.sitting, where.from_us, where.to_us) == ("by-hand", NINE, NINE + MINUTE)


def test_a_session_knows_each_recording_it_is_in(room: Room) -> None:
    """One that was stopped and one begun afterwards; cameras are those with parts; before it begins there is none."""
    session = room.hands_over("1")
    assert recordings_of(room.db, session, now_us=NINE) == []
    room.writes("1")
    room.clock.advance(600)
    stop_recording(room.db, clock=room.clock, who="Grace")
    room.clock.advance(600)
    start_recording(room.db, clock=room.clock, who="Grace", sitting="again")
    for camera in ("front", "back"):
        room.db.execute(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, state)"
            " VALUES (?, 'monday', ?, 1, 5, 'open')",
            (camera, camera),
        )
    room.db.conn.commit()
    room.clock.advance(600)
    found = [
        (one.sitting, one.cameras, (one.from_us - NINE) // MINUTE, (one.to_us - NINE) // MINUTE)
        for one in recordings_of(room.db, session, now_us=room.clock.wall_us())
    ]
    assert found == [("monday", ("back", "front"), 0, 10), ("again", (), 20, 30)]


def test_who_has_no_time_left_finishes(room: Room) -> None:
    """At the end, not before, not while the clock stands still; people end and close what people opened."""
    session = room.hands_over("1")
    room.writes("1", "2")
    room.clock.advance(60)
    room.does("pause", "2")
    room.clock.advance(118 * 60)
    assert ticks(room) == 0
    room.clock.advance(60)
    assert ticks(room) == 1
    run = room.run
    assert run.people[session.candidate].status is CandidateStatus.FINISHED
    assert run.people[room.id_of("2")].status is CandidateStatus.PAUSED
    assert (run.history[-1].role, run.history[-1].why) == ("system", TIME_IS_OVER)
    assert room.facts(session).status is SessionStatus.FINISHED
    room.clock.advance(48 * 3600)
    assert ticks(room) == 0
    assert room.run.status is SittingStatus.RUNNING


def test_a_sitting_nobody_attends_is_closed_when_nobody_is_there(room: Room) -> None:
    """Fifteen minutes after the last one has gone; who never began is withdrawn; the task appears, recording stops."""
    done = begun(room, "5")
    waits = room.hands_over("6", examId="online")
    room.clock.advance(121 * 60)
    assert ticks(room) == 1
    assert stored_sitting(room.db, str(done.sitting)).status is SittingStatus.RUNNING
    room.clock.advance(14 * 60)
    assert ticks(room) == 0
    room.clock.advance(60)
    assert ticks(room) == 3
    run = run_of(room.db, str(done.sitting))
    assert run.status is SittingStatus.CLOSED
    assert run.people[waits.candidate].status is CandidateStatus.WITHDRAWN
    assert [one.why for one in run.history[-3:]] == [NOBODY_THERE] * 3
    assert room.db.execute("SELECT status FROM review").fetchall() == [("ready_for_review",)]
    assert current_wish(room.db) is None
    later = room.hands_over("6", examId="online")
    assert later.sitting not in {None, done.sitting}


def test_a_sitting_half_closed_is_closed_to_the_end(room: Room) -> None:
    """A box that stopped between two steps goes on where it was."""
    session = begun(room, "5")
    sitting = str(session.sitting)
    act(room.db, sitting, "end_early", who="Grace", role="invigilator", clock=room.clock, why="done")
    assert ticks(room) == 1
    assert stored_sitting(room.db, sitting).status is SittingStatus.CLOSED


def test_practice_ends_after_twenty_minutes(room: Room) -> None:
    """A trial is not reviewed, ends by itself and is told like any other."""
    session = begun(room, "5", trial=True)
    room.clock.advance(20 * 60)
    assert ticks(room) == 1
    assert room.facts(session).status is SessionStatus.FINISHED
    assert room.db.table("review").count == 0


def test_what_is_wrong_in_a_room_nobody_attends_is_noted(room: Room) -> None:
    """Once, when it is news; whoever reviews finds it in the history."""
    session = begun(room, "5")

    said = {"disk": "1.2 GB are missing"}

    def looked(_db: object, _sitting: str) -> dict[str, str]:
        return said

    for expected in (1, 0):
        assert tick(room.db, room.clock, settings=room.settings, readiness=looked) == expected
    said["disk"] = "1.3 GB are missing"
    assert tick(room.db, room.clock, settings=room.settings, readiness=looked) == 0
    assert run_of(room.db, str(session.sitting)).readiness.missing == (("disk", "1.2 GB are missing"),)
    said["camera"] = "no pictures" * 100
    assert tick(room.db, room.clock, settings=room.settings, readiness=looked) == 1


def test_what_the_box_notes_keeps_no_room_open(room: Room) -> None:
    """A look at the room is not somebody in it."""
    session = begun(room, "5")
    room.clock.advance(120 * 60)
    ticks(room)
    room.clock.advance(14 * 60)
    assert tick(room.db, room.clock, settings=room.settings, readiness=lambda *_: {"disk": "full"}) == 1
    room.clock.advance(60)
    ticks(room)
    assert stored_sitting(room.db, str(session.sitting)).status is SittingStatus.CLOSED


def test_a_clock_step_is_stated_within_a_tick(room: Room) -> None:
    """In every sitting that is under way, once."""
    room.writes("1")
    room.clock.step(7200)
    assert ticks(room) == 1
    assert room.run.history[-1].name == "clock_stepped"
    assert ticks(room) == 0


def test_the_idle_time_is_a_setting(room: Room) -> None:
    """A centre that wants its rooms to stay open longer says so."""
    session = begun(room, "5")
    act(
        room.db,
        str(session.sitting),
        "finish",
        who="x",
        role="candidate",
        clock=room.clock,
        candidate=session.candidate,
    )
    longer = msgspec.structs.replace(room.settings.exams, idle_minutes=60)
    room.clock.advance(59 * 60)
    settings = msgspec.structs.replace(room.settings, exams=longer)
    assert tick(room.db, room.clock, settings=settings) == 0
    room.clock.advance(60)
    assert tick(room.db, room.clock, settings=settings) == 2
