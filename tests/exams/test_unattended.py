"""A sitting the box opens by itself: what the box may do there and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.exams.states import CandidateStatus as Is
from appliance.exams.states import SittingStatus
from tests.exams.a_sitting import (
    ADA,
    BOB,
    EVE,
    MINUTE,
    NINE,
    admitting,
    after,
    event,
    planned,
    refusal,
    seated,
    writing,
)

if TYPE_CHECKING:
    from appliance.exams.sitting_run import SittingRun


def unattended() -> SittingRun:
    """The morning without anybody in the room."""
    return msgspec.structs.replace(planned(), automatic=True)


def opened(run: SittingRun) -> SittingRun:
    """The run opened and started by the box."""
    names = ("check_readiness", "note_readiness", "admit", "start")
    return after(run, *(event(name, NINE, role="system") for name in names))


def test_the_box_walks_a_candidate_through_a_sitting_that_nobody_attends() -> None:
    """From the readiness check to the close without a person but the candidate, who alone consents."""
    run = after(
        opened(unattended()),
        event("arrive", NINE, ADA, role="system"),
        event("waive_identity", NINE, ADA, role="system", why="no invigilator: identity was not checked"),
    )
    assert run.people[ADA].why == "no invigilator: identity was not checked"
    assert refusal(run, event("consent", NINE, ADA, role="system")) == "who"
    run = after(
        run,
        event("consent", NINE, ADA, role="candidate"),
        event("seat", NINE, ADA, role="system", seat="online"),
        event("begin", NINE, ADA, role="system"),
        event("finish", NINE + 60 * MINUTE, ADA, role="system"),
    )
    late = NINE + 70 * MINUTE
    names = ("end", "close_ghosts", "close")
    run = after(run, *(event(name, late, role="system", why="nobody is there") for name in names))
    assert run.status is SittingStatus.CLOSED
    assert run.signed_by == ""
    assert {one: run.people[one].status for one in (ADA, BOB, EVE)} == {
        ADA: Is.FINISHED,
        BOB: Is.ABSENT,
        EVE: Is.ABSENT,
    }


@pytest.mark.parametrize("name", ["admit", "override_readiness", "start", "close_ghosts", "close"])
def test_where_people_open_a_sitting_the_box_does_not(name: str) -> None:
    """What is the room's to decide stays theirs; the same is possible in an automatic sitting."""
    before = after(planned(), event("check_readiness", NINE), event("note_readiness", NINE, camera="dark"))
    if name == "start":
        before = admitting()
    elif name.startswith("close"):
        before = after(
            planned(), *(event(one, NINE) for one in ("check_readiness", "note_readiness", "admit", "start"))
        )
        before = after(before, event("end_early", NINE), event("close_ghosts", NINE))
    one = event(name, NINE, role="system", why="by itself")
    assert refusal(before, one) == "who"
    if name != "admit":
        assert refusal(msgspec.structs.replace(before, automatic=True), one) == ""


@pytest.mark.parametrize("name", ["arrive", "waive_identity"])
def test_where_people_attend_the_box_admits_nobody(name: str) -> None:
    """A candidate is let in by people, by themselves or by the LMS, and identity is waived by people."""
    run = admitting() if name == "arrive" else after(admitting(), event("arrive", NINE, ADA))
    one = event(name, NINE, ADA, role="system", why="by itself")
    assert refusal(run, one) == "who"
    assert refusal(msgspec.structs.replace(run, automatic=True), one) == ""


def test_a_register_that_people_keep_is_signed_before_the_close() -> None:
    """Only a sitting nobody attends closes unsigned."""
    run = after(opened(unattended()), event("end_early", NINE), event("close_ghosts", NINE))
    assert refusal(run, event("close", NINE)) == ""
    assert refusal(msgspec.structs.replace(run, automatic=False), event("close", NINE)) == "not_signed"


def test_an_accepted_change_moves_the_end_of_who_writes_and_nothing_before_it() -> None:
    """An exam that its owner made longer is longer from the acceptance on; practice stays capped."""
    run = writing(ADA, BOB)
    before = run.end_of(BOB, now_us=NINE).at_us
    changed = after(run, event("accept_change", NINE + MINUTE))
    assert changed.end_of(BOB, now_us=NINE + MINUTE).at_us == before + 30 * MINUTE
    assert run.end_of(BOB, now_us=NINE + MINUTE).at_us == before
    assert changed.exams["practice"] == run.exams["practice"]


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ({"exam": "physics"}, "unknown_exam"),
        ({"duration_us": 0}, "bad_detail"),
        ({"window_end_us": NINE - 61 * MINUTE}, "bad_detail"),
        ({"window_start_us": "nine"}, "bad_detail"),
    ],
)
def test_a_change_that_is_none_is_refused(detail: dict[str, object], reason: str) -> None:
    """An acceptance names an exam of the sitting, a duration and a window that is one."""
    assert refusal(writing(ADA), event("accept_change", NINE, **detail)) == reason


def test_a_change_is_accepted_by_people_of_the_room_alone() -> None:
    """Neither the LMS nor the centre changes an exam that is being written."""
    for role in ("lms", "centre", "system", "candidate"):
        assert refusal(writing(ADA), event("accept_change", NINE, role=role)) == "who"  # type: ignore[arg-type]  # words


def test_a_planned_seat_is_nobody_elses() -> None:
    """Two candidates cannot be given one seat; one may be taken away, and who sits is not moved."""
    run = after(admitting(), event("assign_seat", NINE, ADA, seat="A1"))
    assert refusal(run, event("assign_seat", NINE, BOB, seat="A1")) == "seat_taken"
    run = after(run, event("assign_seat", NINE, ADA, seat=""), event("assign_seat", NINE, BOB, seat="A1"))
    assert (run.people[ADA].seat, run.people[BOB].seat) == ("", "A1")
    assert refusal(seated(admitting(), ADA), event("assign_seat", NINE, ADA, seat="B2")) == "state"


def test_who_comes_back_finds_a_taken_seat_taken() -> None:
    """A seat that was given to another meanwhile is not shared by who was absent and comes after all."""
    run = after(
        admitting(), event("assign_seat", NINE, ADA, seat="A1"), event("start", NINE), event("mark_absent", NINE, ADA)
    )
    run = after(run, event("assign_seat", NINE, BOB, seat="A1"), event("arrive", NINE, ADA))
    assert (run.people[ADA].seat, run.people[BOB].seat) == ("", "A1")
    kept = after(admitting(), event("assign_seat", NINE, ADA, seat="A1"), event("arrive", NINE, ADA))
    assert kept.people[ADA].seat == "A1"
