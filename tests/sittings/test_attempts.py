"""A candidate takes another attempt at an exam in a sitting that people lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.exams.register import register_of
from appliance.exams.states import CandidateStatus, SessionStatus
from appliance.sittings.acts import act
from appliance.sittings.attempts import AttemptRunningError
from appliance.sittings.runs import run_of
from appliance.sittings.session_rows import get_session
from appliance.sittings.sessions import find_session, finish_session, record_agreement
from appliance.sittings.walking import walk
from tests.sittings.a_box import MINUTE, NINE, told
from tests.sittings.test_hand_over import Lms, open_by_people

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exams.standing import Standing
    from appliance.sittings.values import StoredSession


class Room:
    """A sitting that runs, and a candidate who writes their first attempt in it."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.lms = Lms(db, settings)
        self.sitting = open_by_people(self.lms)
        self.do("start")
        self.first = self.lms.sends()
        walk(db, self.first, clock=self.lms.clock)
        self.do("waive_identity", why="known to the room")
        self.write(self.first)

    def do(self, name: str, *, why: str = "", role: Any = "invigilator", **detail: str) -> None:
        """Act in the room, on the candidate where the act is of one."""
        whom = "" if name in {"start", "end_early", "close_ghosts"} else self.first.candidate
        act(
            self.lms.db, self.sitting, name, who="Grace", role=role, clock=self.lms.clock, candidate=whom, why=why,
            detail=detail,
        )  # fmt: skip

    def write(self, session: StoredSession) -> None:
        """The candidate agrees, sits down and begins, as the page does it."""
        record_agreement(self.lms.db, session, notice="1", clock=self.lms.clock)
        if not self.person.seat:
            self.do("seat", role="candidate", seat="7")
        walk(self.lms.db, session, clock=self.lms.clock)
        self.do("begin", role="candidate")

    def finish(self, session: StoredSession) -> bool:
        """The LMS ends an attempt."""
        self.lms.clock.advance(600)
        session = find_session(self.lms.db, self.lms.integration.id, session.session_id)
        return finish_session(self.lms.db, session, who="moodle", role="lms", clock=self.lms.clock)

    @property
    def person(self) -> Standing:
        """The candidate as they stand."""
        return run_of(self.lms.db, self.sitting).people[self.first.candidate]

    def status(self, session: StoredSession) -> SessionStatus:
        """What the LMS is told of an attempt that asks."""
        found: SessionStatus = self.lms.facts(get_session(self.lms.db, session.id)).status
        return found


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """The room."""
    return Room(db, settings)


def test_a_second_attempt_is_taken_in_the_same_place_after_the_first(room: Room) -> None:
    """Handed over after the first is finished, the room sees it, it is written, and each keeps its own times."""
    assert room.finish(room.first)
    ended = get_session(room.lms.db, room.first.id)
    second = room.lms.sends(sessionId="again")
    assert second.sitting == room.sitting
    assert room.person.status is CandidateStatus.IDENTITY_CHECKED
    assert (room.status(room.first), room.status(second)) == (SessionStatus.FINISHED, SessionStatus.READY_TO_START)
    event = run_of(room.lms.db, room.sitting).history[-1]
    assert (event.name, event.who, event.role) == ("new_attempt", "moodle", "lms")
    room.lms.clock.advance(60)
    room.write(second)
    assert (room.status(room.first), room.status(second)) == (SessionStatus.FINISHED, SessionStatus.STARTED)
    assert room.lms.facts(second).end.at_us == NINE + (11 + 120) * MINUTE
    assert not room.finish(room.first)
    assert room.finish(second)
    assert room.status(second) is SessionStatus.FINISHED
    now = get_session(room.lms.db, room.first.id)
    assert (now.begun_us, now.finished_us) == (ended.begun_us, ended.finished_us)
    reviews = [body for _, kind, body in told(room.lms.db) if kind == "review"]
    spans = {(one["sessionId"], one["sessionStart"], one["sessionEnd"]) for one in reviews if one["sessionEnd"]}
    assert spans == {
        (4711, "2026-11-25T10:00:00Z", "2026-11-25T10:10:00Z"),
        ("again", "2026-11-25T10:11:00Z", "2026-11-25T10:31:00Z"),
    }
    (entry,) = register_of(run_of(room.lms.db, room.sitting)).entries
    assert (entry.attempts, entry.begun_us, entry.status) == (2, NINE, CandidateStatus.FINISHED)


def test_a_second_attempt_beside_a_running_one_is_refused(room: Room) -> None:
    """While the first is written the second is refused with what to do, and nothing of it is stored."""
    with pytest.raises(AttemptRunningError, match="still running") as refused:
        room.lms.sends(sessionId="again")
    assert "Finish it first" in refused.value.hint
    assert room.lms.db.table("session").count == 1
    assert room.person.status is CandidateStatus.WRITING


def test_who_left_comes_again_as_at_first(room: Room) -> None:
    """After leaving the room the candidate is expected, and is checked again."""
    room.finish(room.first)
    room.do("submit", role="lms")
    room.do("leave")
    second = room.lms.sends(sessionId="again")
    assert (second.sitting, room.person.status) == (room.sitting, CandidateStatus.EXPECTED)
    standing = walk(room.lms.db, second, clock=room.lms.clock)
    assert standing is not None
    assert (standing.status, standing.identity_asked) == (CandidateStatus.ARRIVED, True)


@pytest.mark.parametrize("how", ["close_ghosts", "withdraw", "unregister"])
def test_an_attempt_nobody_takes_leaves_the_first_as_it_was(room: Room, how: str) -> None:
    """Closed as a ghost, withdrawn or unregistered, the second takes nothing from who took part in the first."""
    room.finish(room.first)
    before = room.person
    second = room.lms.sends(sessionId="again")
    if how == "close_ghosts":
        room.do("end_early", why="all done")
        room.do("close_ghosts", why="gone home")
    elif how == "withdraw":
        room.do("withdraw", why="changed their mind")
    else:
        assert room.finish(second)
    now = room.person
    assert (now.status, now.begun_us, now.finished_us) == (before.status, before.begun_us, before.finished_us)
    assert (room.status(room.first), room.status(second) is SessionStatus.FINISHED) == (SessionStatus.FINISHED, False)
    end = run_of(room.lms.db, room.sitting).end_of(now.candidate, now_us=room.lms.clock.wall_us())
    assert (end.projected, end.finished_us) == (False, before.finished_us)
    (entry,) = register_of(run_of(room.lms.db, room.sitting)).entries
    assert (entry.took_part, entry.attempts) == (True, 1)


def test_the_page_loaded_anew_finds_the_same_attempt(room: Room) -> None:
    """The second hand-over of a waiting attempt changes nothing in the room."""
    room.finish(room.first)
    second = room.lms.sends(sessionId="again")
    seq = len(run_of(room.lms.db, room.sitting).history)
    again = room.lms.sends(sessionId="again")
    assert (again.id, again.sitting) == (second.id, room.sitting)
    assert len(run_of(room.lms.db, room.sitting).history) == seq
