"""Review tasks: in the order people should take them, concluded, told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.clock import SECOND_US
from appliance.errors import ConflictError, NotFoundError
from appliance.exams.records import Incident
from appliance.exams.records import Warning as Flag
from appliance.exams.score import Waiting, review_order
from appliance.exams.states import ReviewStatus
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.incidents import record_incident
from appliance.sittings.reviews import review_act, review_of, review_queue, told_review
from appliance.sittings.telling import addressed
from appliance.sittings.warnings import note_warning
from tests.sittings.a_box import NINE, actions, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exams.transitions import Role


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A closed sitting of four whose result waits for a person."""
    room = Room(db, settings, "1", "2", "3", "4", requiresValidation=True)
    numbers = ("1", "2", "3", "4")
    for number in numbers:
        room.hands_over(number)
    room.writes(*numbers)
    return room


def session_of(room: Room, number: str) -> str:
    """A candidate's session."""
    return str(room.db.execute("SELECT id FROM session WHERE session_id = ?", [f"s{number}"]).fetchone()[0])


def reviewed(room: Room, name: str, who: str = "Rita", role: Role = "reviewer", why: str = "") -> Any:
    """Let something happen to the first one's review."""
    return review_act(room.db, session_of(room, "1"), name, who=who, role=role, why=why, clock=room.clock)


def conclusions(room: Room) -> list[tuple[str, str]]:
    """What the LMS is told of the first one."""
    return [
        (body["conclusion"], body["comment"])
        for _, kind, body in told(room.db)
        if kind == "review" and body["sessionId"] == "s1"
    ]


def test_the_queue_is_ordered_and_paged(room: Room) -> None:
    """The worst incident first, then the score, then the longest wait; a page continues after its last."""
    for number, severity in (("2", "minor"), ("3", "critical")):
        incident = Incident(
            id="",
            sitting=room.sitting,
            category="malpractice",
            severity=severity,  # type: ignore[arg-type]  # a word
            at_us=NINE,
            who="Grace",
            session=session_of(room, number),
        )
        record_incident(room.db, incident, clock=room.clock)
    flag = Flag(id="w", session=session_of(room, "4"), kind="phone", start_us=NINE, end_us=NINE + SECOND_US)
    note_warning(room.db, flag, clock=room.clock)
    assert review_queue(room.db) == []
    room.closes()
    queue = review_queue(room.db)
    assert [one.candidate for one in queue] == ["Ada Last 3", "Ada Last 2", "Ada Last 4", "Ada Last 1"]
    assert [(one.incident, one.score) for one in queue] == [(4, 0), (2, 0), (0, 1), (0, 0)]
    assert all(one.requires_validation and one.sitting == room.sitting for one in queue)
    waiting = [
        Waiting(session=one.session, score=one.score, incident=one.incident, since_us=one.since_us) for one in queue
    ]
    assert [one.session for one in review_order(waiting)] == [one.session for one in queue]
    paged, after = [], ""
    while page := review_queue(room.db, limit=1, after=after):
        paged += page
        after = page[-1].session
    assert paged == queue
    assert [one.candidate for one in review_queue(room.db, text="last 2")] == ["Ada Last 2"]
    assert review_queue(room.db, text="%") == []
    assert review_queue(room.db, show="decided") == []


def test_a_verdict_is_told_and_a_changed_one_waits_for_its_release(room: Room) -> None:
    """What the LMS has booked never changes silently; the history keeps every verdict."""
    room.closes()
    assert conclusions(room) == [("unknown", "")]
    assert review_of(room.db, session_of(room, "1")).held
    reviewed(room, "fail", why="a phone")
    assert conclusions(room) == [("rejected", "a phone")]
    task = reviewed(room, "change_to_passed", why="it was a calculator")
    assert (task.differs, conclusions(room)) == (True, [("rejected", "a phone")])
    reviewed(room, "release", who="Max", role="centre_manager", why="told the candidate")
    assert conclusions(room) == [("accepted", "it was a calculator")]
    task = review_of(room.db, session_of(room, "1"))
    assert [verdict.who for verdict in task.verdicts] == ["Rita", "Rita"]
    assert (task.held, task.requires_validation) == (False, True)
    assert actions(room.db).count("review.acted") == 3
    passed = [one.session for one in review_queue(room.db, show="decided")]
    assert passed == [session_of(room, "1")]


def test_a_second_review_is_somebody_elses(room: Room) -> None:
    """It is in the queue again, for others."""
    room.closes()
    reviewed(room, "pass")
    reviewed(room, "ask_second", why="not sure")
    assert session_of(room, "1") in {one.session for one in review_queue(room.db)}
    count = room.db.table("review_event").count
    with pytest.raises(IllegalTransitionError) as refused:
        reviewed(room, "pass")
    assert refused.value.reason == "same_person"
    assert room.db.table("review_event").count == count
    assert reviewed(room, "pass", who="Rob").status is ReviewStatus.PASSED


def test_what_is_not_reviewed_is_concluded_by_nobody(room: Room) -> None:
    """Before the close it is not ready; a recording only has no task; an unknown session is not found."""
    with pytest.raises(IllegalTransitionError):
        reviewed(room, "pass")
    only = room.hands_over("9", examId="r", proctoring="identification")
    with pytest.raises(ConflictError, match="not reviewed"):
        review_act(room.db, only.id, "pass", who="Rita", role="reviewer", clock=room.clock)
    with pytest.raises(NotFoundError):
        review_act(room.db, "no", "pass", who="Rita", role="reviewer", clock=room.clock)


def test_the_boxs_address_is_put_before_paths_when_it_is_sent(room: Room) -> None:
    """A day later the box may have another name; other keys stay as they are."""
    body = told_review(room.db, session_of(room, "1"), now_us=NINE).body()
    sent = addressed(body, "https://hall2.example:8443/")
    assert sent["archive"] == "https://hall2.example:8443/integration/simple/moodle/archive/s1/"
    assert {key for key in body if body[key] != sent[key]} == {"archive"}
    assert addressed({"archive": None}, "https://x") == {"archive": None}
    assert addressed({"archive": "https://there/"}, "https://x") == {"archive": "https://there/"}
