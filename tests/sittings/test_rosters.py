"""Rosters and seating plans taken over before and while a sitting runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.errors import BadInputError, ConflictError
from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, RosterEntry
from appliance.exams.seating import draft_seating
from appliance.exams.states import CandidateStatus
from appliance.exams.timing import SittingTiming
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.acts import act
from appliance.sittings.hand_over import hand_over
from appliance.sittings.planning import plan_sitting
from appliance.sittings.rosters import (
    add_candidate,
    candidates_of,
    exam_names,
    get_candidate,
    roster_of,
    seating_of,
    take_seating,
)
from appliance.sittings.values import SittingPlan
from tests.sittings.a_box import NINE, actions, an_integration, start_said, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A planned sitting with two candidates."""
    return Room(db, settings, "1", "2")


def numbers(room: Room) -> list[str]:
    """Who is expected."""
    return [entry.candidate.number for entry in roster_of(room.db, room.sitting).entries]


def seats(room: Room, *rows: list[str]) -> dict[str, str]:
    """Take a seating plan over; return seat by number."""
    draft = draft_seating([["seat", "number", "row", "column"], *rows], roster=roster_of(room.db, room.sitting))
    plan = take_seating(room.db, room.sitting, draft, clock=room.clock, who="Grace")
    people = candidates_of(room.db, room.sitting)
    return {people[candidate].number: seat for seat, candidate in plan.assigned.items()}


def test_a_roster_is_replaced_or_added_to_before_anything_happens(room: Room) -> None:
    """Who is left out is gone; a candidate who is known keeps their row, name and what only was known before."""
    first = room.id_of("1")
    room.expects(["1", "Lovelace", "Ada", "", "25 %"], ["3", "Noether", "", "", ""])
    assert numbers(room) == ["1", "3"]
    room.expects(["4", "Zuse", "", "", "10 min"], replace=False)
    assert numbers(room) == ["1", "3", "4"]
    assert room.id_of("1") == first
    assert get_candidate(room.db, first).display_name == "Ada Lovelace"
    assert [entry.planned for entry in roster_of(room.db, room.sitting).entries] == [
        Allowance(2500),
        Allowance(),
        Allowance(0, 10),
    ]
    assert actions(room.db).count("sitting.roster_taken") == 3


def test_a_row_with_a_problem_takes_nothing_over(room: Room) -> None:
    """The row is named."""
    with pytest.raises(BadInputError, match="Row 3"):
        room.expects(["5", "A", "", "", ""], ["5", "B", "", "", ""])
    assert numbers(room) == ["1", "2"]


def test_a_roster_in_a_running_sitting_is_enacted(room: Room) -> None:
    """Who is new is enrolled, who is left out is withdrawn, another allowance is set: all in the history."""
    room.opens()
    room.expects(["1", "Last 1", "A", "", "10 min"], ["3", "New", "", "", ""])
    assert numbers(room) == ["1", "2", "3"]
    run = room.run
    states = {number: run.people[room.id_of(number)].status for number in ("1", "2", "3")}
    assert states == {
        "1": CandidateStatus.EXPECTED,
        "2": CandidateStatus.WITHDRAWN,
        "3": CandidateStatus.EXPECTED,
    }
    assert run.people[room.id_of("1")].planned == Allowance(0, 10)
    assert not run.people[room.id_of("3")].identity_asked
    assert [event.name for event in run.history[-3:]] == ["set_allowance", "enrol", "withdraw"]
    assert {event.why for event in run.history[-3:]} == {"the roster was changed"}
    events = len(run.history)
    room.expects(["1", "Last 1", "A", "", "10 min"], ["3", "New", "", "", ""])
    assert len(room.run.history) == events


def test_who_is_writing_is_not_put_off_the_roster(room: Room) -> None:
    """A replacement that forgets somebody who writes is refused whole."""
    room.writes("1")
    with pytest.raises(ConflictError, match="writing"):
        room.expects(["2", "Last 2", "A", "", ""], ["9", "New", "", "", ""])
    assert numbers(room) == ["1", "2"]
    assert room.db.execute("SELECT COUNT(*) FROM candidate WHERE number = '9'").fetchone() == (0,)


def test_one_candidate_is_added(room: Room) -> None:
    """Before: on the roster; afterwards: enrolled, which needs a reason."""
    entry = RosterEntry(candidate=Candidate(id="", number="7", last_name="Seven"), exam=room.exam.id)
    add_candidate(room.db, room.sitting, entry, clock=room.clock, who="Grace", role="invigilator")
    assert "7" in numbers(room)
    with pytest.raises(ConflictError, match="already"):
        add_candidate(room.db, room.sitting, entry, clock=room.clock, who="Grace", role="invigilator")
    room.opens()
    entry = RosterEntry(candidate=Candidate(id="", number="8"), exam=room.exam.id, planned=Allowance(0, 5))
    with pytest.raises(IllegalTransitionError) as refused:
        add_candidate(room.db, room.sitting, entry, clock=room.clock, who="Grace", role="invigilator")
    assert refused.value.reason == "no_reason"
    why = "came without a booking"
    added = add_candidate(room.db, room.sitting, entry, clock=room.clock, who="Grace", role="invigilator", why=why)
    assert room.run.people[added.id].planned == Allowance(0, 5)


def test_sessions_follow_the_roster(room: Room) -> None:
    """A candidate handed over early belongs to the sitting once they are on its roster, and to none when taken off."""
    room.said["schedule"] = True
    room.settings = _opens_nothing(room.settings)
    session = room.hands_over("5")
    assert room.facts(session).session.sitting is None
    room.expects(["5", "Five", "", "", ""])
    assert room.facts(session).session.sitting == room.sitting
    room.expects(["1", "One", "", "", ""])
    assert room.facts(session).session.sitting is None
    assert [body["event"] for _, kind, body in told(room.db) if kind == "schedule"] == ["scheduled", "canceled"]


def _opens_nothing(settings: Settings) -> Settings:

    return msgspec.structs.replace(settings, exams=msgspec.structs.replace(settings.exams, open_sittings=False))


def test_a_transferred_candidate_takes_their_session_along(db: Database, settings: Settings) -> None:
    """Enrolled in the other sitting, the session is there."""
    room = Room(db, settings, "1")
    session = room.hands_over("1")
    other = Room.__new__(Room)
    other.__dict__ |= room.__dict__

    plan = SittingPlan(name="B", room="B", exams=(room.exam.id,), timing=SittingTiming(start_us=NINE))
    other.sitting = plan_sitting(db, plan, clock=room.clock, who="Grace").id
    candidate = room.id_of("1")
    room.does("transfer", "1", sitting=other.sitting)
    assert numbers(room) == []

    act(
        db,
        other.sitting,
        "enrol",
        who="Grace",
        role="centre_manager",
        clock=room.clock,
        candidate=candidate,
        why="transferred",
        detail={"exam": room.exam.id, "identity_asked": False},
    )
    assert room.facts(session).session.sitting == other.sitting


def test_seats_are_planned_swapped_and_taken_away(room: Room) -> None:
    """Before anything happens in rows, afterwards as acts; who swaps is freed first; who sits stays."""
    assert seats(room, ["A1", "1", "1", "1"], ["A2", "2", "1", "2"], ["A3", "", "1", "3"]) == {"1": "A1", "2": "A2"}
    assert [seat.label for seat in seating_of(room.db, room.sitting).seats] == ["A1", "A2", "A3"]
    room.opens()
    assert seats(room, ["A1", "2", "", ""], ["A2", "1", "", ""]) == {"1": "A2", "2": "A1"}
    assert seats(room, ["A1", "", "", ""], ["A2", "1", "", ""]) == {"1": "A2"}
    room.admits("2")
    assert seats(room, ["A1", "2", "", ""], ["A3", "1", "", ""]) == {"1": "A3", "2": "seat 2"}
    with pytest.raises(ConflictError, match="sits at seat 2"):
        seats(room, ["seat 2", "1", "", ""])
    assert actions(room.db).count("sitting.seating_taken") == 4


def test_a_table_may_call_an_exam_by_each_of_its_names(room: Room) -> None:
    """By name, by the LMS's id or by ours; what means two exams means none."""
    assert exam_names(room.db, room.sitting) == dict.fromkeys(("Algebra", "a3875623", room.exam.id), room.exam.id)


def test_two_lms_may_know_one_number(room: Room) -> None:
    """The centre's number finds a person whom the LMS names by it, once; another LMS's user of the same name is new."""
    first = room.id_of("1")
    assert room.hands_over("1").candidate == first
    assert get_candidate(room.db, first).user_id == "1"

    other = an_integration(room.db, "canvas")
    start = start_said(userId="1", sessionId="z")
    session = hand_over(room.db, other, start, clock=room.clock, settings=room.settings).session
    assert session.candidate != first
