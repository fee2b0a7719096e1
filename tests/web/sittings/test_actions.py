"""What is offered is possible, what is blocked says why, and forms become details the state machine takes."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.sitting_run import SittingRun, apply
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.web.sittings.actions import (
    BULK,
    bulk_of,
    bulk_offer,
    candidate_offer,
    detail_of,
    sitting_offer,
)
from tests.exams.a_sitting import (
    ADA,
    BOB,
    NINE,
    SETTLED_DETAIL,
    admitting,
    after,
    attempts,
    event,
    planned,
    refusal,
    writing,
)

if TYPE_CHECKING:
    from appliance.exams.transitions import Event, Role

_ROLES: list[Role] = ["invigilator", "centre_manager"]
# What only the moment of the act decides: an exam's window, how much time is left.
_BY_TIME = {"", "too_early", "no_time_left", "too_late"}
_GIVEN = {"seat": {"seat": "free seat"}, "move_seat": {"seat": "free seat"}, "assign_seat": {"seat": "free seat"}}


def history(run: SittingRun, events: list[Event]) -> SittingRun:
    """The run after what was possible of these."""
    return reduce(lambda before, one: before if refusal(before, one) else apply(before, one), events, run)


@given(st.data(), st.sampled_from(_ROLES))
@settings(max_examples=60, deadline=None)
def test_what_is_offered_for_a_candidate_is_possible(data: st.DataObject, role: Role) -> None:
    """Whatever happened before: an act on the page is accepted once filled in, but for what time alone forbids."""
    run = history(planned(), data.draw(attempts(planned(), most=25)))
    now = max([NINE, *(one.at_us for one in run.history)])
    for person in run.people.values():
        for action in candidate_offer(run, person, role, now).all:
            detail = SETTLED_DETAIL.get(action.name, {}) | _GIVEN.get(action.name, {})
            assert refusal(run, event(action.name, now, person.candidate, role, **detail)) in _BY_TIME, action.name
            assert action.needs_reason == CANDIDATE_TABLE[action.name].needs_reason


@given(st.data(), st.sampled_from(_ROLES))
@settings(max_examples=60, deadline=None)
def test_the_next_step_is_blocked_exactly_where_it_would_be_refused(data: st.DataObject, role: Role) -> None:
    """The primary button is there when it works; otherwise the page says what is missing and what to do."""
    run = history(planned(), data.draw(attempts(planned(), most=25)))
    now = max([NINE, *(one.at_us for one in run.history)])
    offer = sitting_offer(run, role, "the invigilator", now)
    if offer.next is not None:
        refused = refusal(run, event(offer.next.name, now, role=role))
        assert bool(offer.next.blocked) == bool(refused)
        assert bool(offer.next.hint) == bool(refused)
    for action in offer.others:
        rule = SITTING_TABLE[action.name]
        assert run.status in rule.sources
        assert role in rule.who


def test_the_steps_of_a_day_follow_one_another() -> None:
    """Readiness check, admission, start, end, register, close: each is the next step when the one before is done."""
    run, seen = planned(), []
    for _ in range(3):
        step = sitting_offer(run, "invigilator", "Ivy", NINE).next
        assert step is not None
        seen.append(step.name)
        run = after(run, event(step.name, NINE))
        if step.name == "check_readiness":
            run = after(run, event("note_readiness", NINE))
    assert seen == ["check_readiness", "admit", "start"]
    step = sitting_offer(run, "invigilator", "Ivy", NINE).next
    assert step is not None
    assert (step.name, step.blocked) == ("end", "")
    ended = after(run, event("end", NINE + 1))
    settle = sitting_offer(ended, "invigilator", "Ivy", NINE + 2)
    assert settle.next is not None
    assert settle.next.blocked
    assert [action.name for action in settle.others] == ["close_ghosts"]
    signed = after(ended, event("close_ghosts", NINE + 3), event("sign_register", NINE + 4))
    close = sitting_offer(signed, "invigilator", "Ivy", NINE + 5).next
    assert close is not None
    assert (close.name, close.blocked) == ("close", "")


def test_a_room_that_is_not_ready_offers_the_override_with_a_reason() -> None:
    """What is missing blocks admission; a named person may go on in spite of it, and is asked why."""
    run = after(planned(), event("check_readiness", NINE), event("note_readiness", NINE, disk="full"))
    offer = sitting_offer(run, "invigilator", "Ivy", NINE)
    assert offer.next is not None
    assert (offer.next.name, bool(offer.next.blocked)) == ("admit", True)
    assert next((action.name, action.needs_reason) for action in offer.others) == ("override_readiness", True)
    over = after(run, event("override_readiness", NINE))
    again = sitting_offer(over, "invigilator", "Ivy", NINE)
    assert again.next is not None
    assert again.next.blocked == ""
    assert "override_readiness" not in [action.name for action in again.others]


def test_an_administrator_sees_the_day_and_acts_in_nothing_but_the_check() -> None:
    """Who plans is not who invigilates: the tables decide, the page only follows."""
    step = sitting_offer(planned(), "administrator", "Ada", NINE).next
    assert step is not None
    assert step.name == "check_readiness"
    assert sitting_offer(admitting(), "administrator", "Ada", NINE).next is None
    run = writing(ADA)
    assert candidate_offer(run, run.people[ADA], "administrator", NINE).all == ()


def test_the_usual_next_act_stands_first() -> None:
    """Arrived, then the document, or nothing where none is asked; a writing candidate may go to the toilet."""
    run = after(admitting(), event("arrive", NINE, ADA), event("arrive", NINE, BOB))
    ada, bob = (candidate_offer(run, run.people[one], "invigilator", NINE).next for one in (ADA, BOB))
    assert ada is not None
    assert bob is not None
    assert (ada.name, bob.name) == ("check_identity", "skip_identity")
    at_work = writing(ADA)
    step = candidate_offer(at_work, at_work.people[ADA], "invigilator", NINE).next
    assert step is not None
    assert step.name == "take_break"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_done_for_all_is_possible_for_each(data: st.DataObject) -> None:
    """The button's number is that of those it will work for."""
    run = history(planned(), data.draw(attempts(planned(), most=25)))
    now = max([NINE, *(one.at_us for one in run.history)])
    for name, count in bulk_offer(run, "invigilator"):
        whom = bulk_of(run, name)
        assert len(whom) == count > 1
        for candidate in whom:
            assert refusal(run, event(name, now, candidate, "invigilator")) in _BY_TIME
    assert all(name in CANDIDATE_TABLE for name in BULK)


@pytest.mark.parametrize(
    ("name", "fields", "detail"),
    [
        ("extend", {"minutes": 15}, {"amount_us": 900_000_000}),
        ("pause", {"keep_time": False}, {"compensate": False}),
        ("take_break", {}, {"stops_clock": False}),
        ("seat", {"seat": " A 1 "}, {"seat": "A 1"}),
        ("seat", {"seat": " "}, {}),
        ("assign_seat", {"seat": ""}, {"seat": ""}),
        ("set_allowance", {"percent": 25, "extra_minutes": 10}, {"percent_hundredths": 2500, "minutes": 10}),
        ("submit", {"papers": 3}, {"papers": 3}),
        ("transfer", {"to": "other"}, {"sitting": "other"}),
        ("check_identity", {"document": "passport", "result": "seen"}, {"document": "passport", "result": "seen"}),
        ("arrive", {"seat": "A1"}, {}),
    ],
)
def test_forms_become_details(name: str, fields: dict[str, str | int | bool | None], detail: dict[str, object]) -> None:
    """Only what an act asks for is taken from its form, in the units of the state machine."""
    assert detail_of(name, fields) == detail
