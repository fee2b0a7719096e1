"""A person's conclusion, and what the LMS is told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exams.methods import PRACTICE_CAP_US, Method, holds_result, traits_of
from appliance.exams.reviewing import REVIEW_TABLE, Review, review
from appliance.exams.states import ReviewStatus
from appliance.exams.transitions import Event, IllegalTransitionError, Role
from tests.exams.a_sitting import NINE


def say(name: str, who: str = "rita", role: Role = "reviewer", why: str = "seen") -> Event:
    """Something that is said about a session."""
    return Event(name=name, at_us=NINE, who=who, role=role, why=why)


READY = review(Review(session="s", requires_validation=True), say("make_ready", "box", "system"))


def told(task: Review, *events: Event) -> Review:
    """The task after these events."""
    for one in events:
        task = review(task, one)
    return task


def test_a_result_is_held_until_a_person_decides() -> None:
    """Before the first verdict the LMS is told ``unknown``; with it the result is free."""
    assert (READY.held, READY.conclusion) == (True, "unknown")
    passed = told(READY, say("pass", why=""))
    assert (passed.held, passed.conclusion, passed.status) == (False, "accepted", ReviewStatus.PASSED)


def test_a_changed_verdict_does_not_change_what_the_lms_was_told() -> None:
    """History keeps both; the LMS hears of the change only when somebody releases it with a reason."""
    changed = told(READY, say("pass"), say("change_to_failed"))
    assert (changed.status, changed.conclusion, changed.differs) == (ReviewStatus.FAILED, "accepted", True)
    assert [one.status for one in changed.verdicts] == [ReviewStatus.PASSED, ReviewStatus.FAILED]
    released = told(changed, say("release", "max", "centre_manager"))
    assert (released.conclusion, released.differs) == ("rejected", False)
    assert [one.name for one in released.history] == ["make_ready", "pass", "change_to_failed", "release"]


def test_a_second_review_is_made_by_somebody_else() -> None:
    """Who judged first cannot judge again; the result stays what was told meanwhile."""
    asked = told(READY, say("pass"), say("ask_second"))
    assert (asked.status, asked.conclusion) == (ReviewStatus.READY_FOR_REVIEW, "accepted")
    with pytest.raises(IllegalTransitionError) as problem:
        told(asked, say("fail"))
    assert problem.value.reason == "same_person"
    assert told(asked, say("fail", "sam")).differs


@pytest.mark.parametrize(
    ("task", "event", "reason"),
    [
        (Review(session="s"), say("pass"), "state"),
        (READY, say("make_ready", role="system"), "state"),
        (READY, say("fail", why=""), "no_reason"),
        (READY, say("pass", role="system"), "who"),
        (READY, say("pass", role="lms"), "who"),
        (told(READY, say("pass")), say("change_to_failed", why=" "), "no_reason"),
        (told(READY, say("pass")), say("release", role="centre_manager"), "nothing_new"),
    ],
)
def test_refusals(task: Review, event: Event, reason: str) -> None:
    """No software concludes, no failing and no change without a reason, nothing is released twice."""
    with pytest.raises(IllegalTransitionError) as problem:
        review(task, event)
    assert problem.value.reason == reason


@given(
    st.lists(
        st.builds(
            say,
            st.sampled_from(sorted(REVIEW_TABLE)),
            st.sampled_from(["rita", "sam"]),
            st.sampled_from(["reviewer", "centre_manager", "system", "invigilator"]),
            st.sampled_from(["", "seen"]),
        ),
        max_size=30,
    )
)
def test_verdicts_are_only_ever_added_and_only_people_make_them(events: list[Event]) -> None:
    """Over any history: no verdict is lost, the LMS's word changes only by the first verdict or a release."""
    task = Review(session="s")
    for one in events:
        try:
            changed = review(task, one)
        except IllegalTransitionError:
            continue
        assert changed.verdicts[: len(task.verdicts)] == task.verdicts
        if changed.conclusion != task.conclusion:
            assert one.name == "release" or task.conclusion == "unknown"
        if changed.status in {ReviewStatus.PASSED, ReviewStatus.FAILED}:
            assert changed.verdicts[-1].status is changed.status
        assert all(event.role != "system" for event in changed.history if event.name != "make_ready")
        task = changed


def test_practice_blocks_no_completion() -> None:
    """Practice is never held or reviewed and has its cap; record only is kept and not reviewed."""
    assert not holds_result(Method.PRACTICE, requires_validation=True)
    assert holds_result(Method.FULL, requires_validation=True)
    assert not holds_result(Method.LIVE, requires_validation=False)
    assert traits_of(Method.PRACTICE).cap_us == PRACTICE_CAP_US == 20 * 60 * 1_000_000
    assert [method for method in Method if traits_of(method).reviewed] == [Method.FULL, Method.LIVE]
