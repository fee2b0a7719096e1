"""Whatever happens in a sitting is stored with all that follows from it, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from appliance.auditlog import verify
from appliance.database import open_box_database
from appliance.errors import ConflictError, NotFoundError
from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.sitting_run import apply, replay
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.states import CandidateStatus, SessionStatus, SittingStatus
from appliance.exams.transitions import Event, IllegalTransitionError
from appliance.sittings import runs
from appliance.sittings.acts import act, note_step
from appliance.sittings.planning import remove_sitting
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.session_rows import get_session, sessions_of
from tests.sittings.a_box import MINUTE, NINE, actions, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings

TABLES = ("sitting_event", "delivery", "log_entry", "review", "review_event", "recording_wish")


def counts(db: Database) -> list[int]:
    """How much there is of all that an act writes."""
    return [db.table(name).count for name in TABLES]


def test_a_day_is_kept_told_and_reviewed(db: Database, settings: Settings) -> None:
    """From the readiness check to the close: states, sessions, messages, review tasks and recording follow each act."""
    room = Room(db, settings, "1", "2")
    one, two = room.hands_over("1"), room.hands_over("2")
    assert one.sitting == room.sitting
    room.writes("1")
    assert stored_sitting(db, room.sitting).status is SittingStatus.RUNNING
    assert stored_sitting(db, room.sitting).ends_us == NINE + 120 * MINUTE
    assert get_session(db, one.id).begun_us == NINE
    assert get_session(db, one.id).status is SessionStatus.STARTED
    room.clock.advance(1800)
    room.does("extend", "1", amount_us=5 * MINUTE)
    assert stored_sitting(db, room.sitting).ends_us == NINE + 150 * MINUTE
    room.does("finish", "1", role="candidate")
    assert (room.facts(one).status, room.facts(one).end_us) == (SessionStatus.FINISHED, NINE + 30 * MINUTE)
    assert db.execute("SELECT status FROM review").fetchall() == [("not_ready",)]
    room.closes()
    assert db.execute("SELECT session, status FROM review").fetchall() == [(one.id, "ready_for_review")]
    assert get_session(db, two.id).status is SessionStatus.READY_TO_START
    assert room.run.people[two.candidate].status is CandidateStatus.ABSENT
    kinds = [(kind, body["sessionEnd"]) for _, kind, body in told(db)]
    assert kinds == [("review", "2026-11-25T10:30:00Z")]
    wishes = db.execute("SELECT sitting, wished_by, stopped_by FROM recording_wish").fetchall()
    assert wishes == [(room.sitting, "the centre_manager", "the centre_manager")]
    log = actions(db)
    assert log.count("sitting.acted") == len(room.run.history)
    assert verify(db, None).ok


def test_a_sitting_that_was_reopened_is_closed_again(db: Database, settings: Settings) -> None:
    """Review tasks are made ready once; the recording is not begun anew."""
    room = Room(db, settings, "1")
    room.hands_over("1")
    room.writes("1")
    room.closes()
    room.does("reopen")
    room.does("sign_register")
    room.does("close")
    assert db.execute("SELECT COUNT(*) FROM review_event").fetchone() == (1,)
    assert db.table("recording_wish").count == 1


def test_who_goes_on_writing_is_started_again_for_the_lms(db: Database, settings: Settings) -> None:
    """A finish by mistake that is taken back is told as a session without an end."""
    room = Room(db, settings, "1")
    session = room.hands_over("1")
    room.writes("1")
    room.does("finish", "1")
    room.does("continue_writing", "1")
    assert room.facts(session).status is SessionStatus.STARTED
    assert get_session(db, session.id).finished_us is None
    assert [body["sessionEnd"] for _, _, body in told(db)] == [None]


def test_a_refused_act_writes_nothing(db: Database, settings: Settings) -> None:
    """The reason comes to whoever asked, and no table has changed."""
    room = Room(db, settings, "1")
    room.opens()
    before = counts(db)
    with pytest.raises(IllegalTransitionError) as refused:
        room.does("begin", "1")
    assert refused.value.reason == "state"
    with pytest.raises(NotFoundError):
        act(db, "nowhere", "start", who="Grace", role="invigilator", clock=room.clock)
    assert counts(db) == before


@pytest.mark.parametrize(
    "place",
    [
        "acts._keep_head",
        "acts.follow",
        "consequences.tell_review",
        "consequences.open_review",
        "consequences.tell_event",
    ],
)
def test_an_act_that_breaks_half_way_leaves_nothing(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Event, entry, message, task and state stand or fall together, and the run in memory with them."""
    room = Room(db, settings, "1")
    room.hands_over("1")
    room.opens()
    room.admits("1")
    room.does("start")
    before, run = counts(db), room.run

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(f"appliance.sittings.{place}", fail)
        with pytest.raises(RuntimeError):
            room.does("begin", "1")
    assert counts(db) == before
    assert room.run == run
    room.does("begin", "1")
    assert room.run.people[room.id_of("1")].took_part


def test_nothing_happens_in_a_removed_sitting(db: Database, settings: Settings) -> None:
    """It has to be brought back first."""
    room = Room(db, settings, "1")
    remove_sitting(db, room.sitting, clock=room.clock, who="Grace")
    with pytest.raises(ConflictError, match="removed"):
        room.does("check_readiness")
    assert db.table("sitting_event").count == 0


def test_a_step_of_the_clock_is_stated_before_the_next_event(db: Database, settings: Settings) -> None:
    """Setting the clock takes nobody's time: the end moves with it, by an event of the box's own."""
    room = Room(db, settings, "1")
    room.writes("1")
    room.clock.advance(600)
    room.clock.step(3600)
    room.does("take_break", "1")
    names = [(event.name, event.role) for event in room.run.history[-2:]]
    assert names == [("clock_stepped", "system"), ("take_break", "centre_manager")]
    end = room.run.end_of(room.id_of("1"), now_us=room.clock.wall_us())
    assert end.at_us == NINE + 3600 * 1_000_000 + 120 * MINUTE
    room.does("return_from_break", "1")
    assert [event.name for event in room.run.history].count("clock_stepped") == 1


def test_two_processes_state_a_step_once(db: Database, settings: Settings) -> None:
    """Both compare with the look that lies beside the last event."""
    room = Room(db, settings, "1")
    room.writes("1")
    room.clock.step(-90)
    other = open_box_database(settings.database)
    assert note_step(db, room.sitting, room.clock)
    assert not note_step(other, room.sitting, room.clock)
    act(other, room.sitting, "pause_all", who="Grace", role="invigilator", clock=room.clock, why="fire")
    assert [event.name for event in room.run.history].count("clock_stepped") == 1
    other.conn.close()


def test_a_restart_is_no_step_and_a_step_after_it_is_one(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across a boot nothing is claimed; what this process saw since counts."""
    room = Room(db, settings, "1")
    room.writes("1")
    monkeypatch.setattr("appliance.sittings.steps._boot", lambda: "another boot")
    room.clock.step(-7200)
    assert not note_step(db, room.sitting, room.clock)
    room.clock.advance(1)
    room.clock.step(7200)
    with pytest.raises(IllegalTransitionError):
        room.does("admit")
    assert note_step(db, room.sitting, room.clock)
    assert room.run.history[-1].detail == {"by_us": 7200 * 1_000_000}
    assert not note_step(db, room.sitting, room.clock)


def test_an_exam_is_frozen_when_the_readiness_check_begins(db: Database, settings: Settings) -> None:
    """What the LMS changes afterwards changes no running sitting; before, it does."""
    room = Room(db, settings, "1")
    room.said["duration"] = 60
    room.hands_over("1")
    assert room.run.exam_of(room.id_of("1")).duration_us == 60 * MINUTE
    room.writes("1")
    room.said["duration"] = 30
    room.hands_over("1")
    assert room.run.exam_of(room.id_of("1")).duration_us == 60 * MINUTE
    assert room.facts(sessions_of(db, room.sitting)[0]).exam.duration_us == 60 * MINUTE


def test_a_run_is_worked_out_from_what_is_new(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process's events are applied to what is known; only a changed plan is read from the start."""
    room = Room(db, settings, "1", "2")
    room.writes("1")
    known = room.run
    other = open_box_database(settings.database)
    act(other, room.sitting, "pause_all", who="Grace", role="invigilator", clock=room.clock, why="fire")
    other.conn.close()

    def from_start(*_args: object) -> None:
        raise AssertionError

    monkeypatch.setattr(runs, "_from_start", from_start)
    now = run_of(db, room.sitting)
    assert now.status is SittingStatus.PAUSED
    assert now.history[:-1] == known.history
    monkeypatch.undo()
    runs._kept.clear()
    assert run_of(db, room.sitting) == now


def test_what_is_taken_back_is_not_remembered(db: Database, settings: Settings) -> None:
    """An act in a transaction that fails later is as if it had never been asked for."""
    room = Room(db, settings, "1", "2")
    room.opens()
    before = room.run

    def both() -> None:
        from appliance.database import write

        with write(db):
            room.does("arrive", "1")
            assert room.run != before
            raise RuntimeError

    with pytest.raises(RuntimeError):
        both()
    assert room.run == before
    room.does("arrive", "2")
    assert room.run.people[room.id_of("1")].status is CandidateStatus.EXPECTED


_DETAILS: dict[str, dict[str, Any]] = {
    "consent": {"notice": "1"},
    "extend": {"amount_us": MINUTE},
    "extend_all": {"amount_us": MINUTE},
    "transfer": {"sitting": "x"},
}


def _attempt(room: Room, chance: random.Random) -> tuple[str, str, str, dict[str, Any]]:
    """Something somebody might try: a rule that fits the states, by a role that may."""
    run = room.run
    rules = [("", rule) for rule in SITTING_TABLE.values() if run.status in rule.sources]
    for name, person in run.people.items():
        rules += [(name, rule) for rule in CANDIDATE_TABLE.values() if person.status in rule.sources]
    calm = [one for one in rules if one[1].name not in {"call_off", "end_early", "close_ghosts"}] or rules
    candidate, rule = chance.choice(calm if chance.random() < 0.9 else rules)
    detail = dict(_DETAILS.get(rule.name, {}))
    if "seat" in rule.name:
        detail["seat"] = chance.choice("ABC")
    if rule.name == "enrol":
        candidate, detail = "walk-in", {"exam": room.exam.id}
    if rule.name == "clock_stepped":
        detail = {"by_us": 1}
    if rule.name == "change_plan":
        detail = {"start_us": NINE}
    if rule.name == "accept_change":
        detail = {"exam": room.exam.id, "duration_us": MINUTE, "window_start_us": 0, "window_end_us": 2**50}
    return rule.name, candidate, chance.choice(sorted(rule.who)), detail


@given(chance=st.randoms(use_true_random=True))
@trying(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_is_what_happened(tmp_path_factory: Any, settings: Settings, chance: random.Random) -> None:
    """Random days: the stored history replays to the pure run, and each message of the outbox has its cause."""
    folder: Path = tmp_path_factory.mktemp("box")
    db = open_box_database(folder / "box.db")
    room = Room(db, settings, "1", "2", "3")
    db.execute("INSERT INTO candidate (id, created_us, updated_us) VALUES ('walk-in', 1, 1)")
    db.conn.commit()
    for number in ("1", "2"):
        room.hands_over(number)
    pure = planned = room.run
    for _ in range(50):
        room.clock.advance(chance.randrange(0, 400))
        name, candidate, role, detail = _attempt(room, chance)
        at_us = room.clock.wall_us()
        event = Event(
            name=name,
            at_us=at_us,
            who="x",
            role=role,
            candidate=candidate,
            why="so",
            detail=detail,  # type: ignore[arg-type]  # a role
        )
        try:
            pure = apply(pure, event)
        except IllegalTransitionError:
            pure_refused = True
        else:
            pure_refused = False
        messages = db.table("delivery").count
        begun = {one.id: (one.begun_us, one.finished_us) for one in sessions_of(db, room.sitting)}
        try:
            act(
                db,
                room.sitting,
                name,
                who="x",
                role=role,
                clock=room.clock,
                candidate=candidate,
                why="so",
                detail=detail,
            )  # type: ignore[arg-type]  # a role
        except IllegalTransitionError:
            assert pure_refused
            assert db.table("delivery").count == messages
            continue
        assert not pure_refused
        after = {one.id: (one.begun_us, one.finished_us) for one in sessions_of(db, room.sitting)}
        assert db.table("delivery").count - messages == sum(after[one] != begun.get(one) for one in after)
    stored = [
        msgspec.json.decode(body, type=Event)
        for (body,) in db.execute("SELECT body FROM sitting_event ORDER BY seq").fetchall()
    ]
    assert room.run == pure
    assert replay(planned, stored) == pure
    runs._kept.clear()
    assert room.run == pure
    assert stored_sitting(db, room.sitting).status is pure.status
    for session in sessions_of(db, room.sitting):
        person = pure.people[session.candidate]
        assert (session.begun_us, session.finished_us) == (person.begun_us, person.finished_us)
    assert verify(db, None).ok
    db.conn.close()
