"""Who ends when, and why."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.exams.allowances import Allowance
from appliance.exams.lms_status import lms_status
from appliance.exams.states import AT_WORK, CandidateStatus, SessionStatus
from appliance.exams.timeline import timeline_of
from appliance.exams.timing import ExamTiming, LateRule, SittingTiming, end_of, start_window, time_left_us
from tests.exams.a_sitting import (
    ADA,
    BOB,
    EVE,
    HOUR_EXAM,
    MINUTE,
    NINE,
    PRACTICE,
    admitting,
    after,
    event,
    planned,
    seated,
    writing,
)
from tests.exams.test_sitting_run import TRIED, accepted

if TYPE_CHECKING:
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Event


def minutes_after_nine(run: SittingRun, candidate: str, now_us: int = NINE) -> float:
    """A candidate's end, as minutes after the planned start."""
    return (run.end_of(candidate, now_us=now_us).at_us - NINE) / MINUTE


def kinds(run: SittingRun, candidate: str, now_us: int = NINE) -> list[tuple[str, float]]:
    """The reasons of an end, in minutes."""
    return [(one.kind, one.amount_us / MINUTE) for one in run.end_of(candidate, now_us=now_us).reasons]


# ---- told examples


def test_planned_extra_time_is_named_in_the_end() -> None:
    """A quarter more of an hour is 15 minutes, and the end says so."""
    run = writing(ADA, BOB)
    assert kinds(run, ADA) == [("duration", 60), ("planned_extra", 15)]
    assert minutes_after_nine(run, BOB) == 60


def test_extra_time_reaches_a_candidate_who_writes() -> None:
    """Extra time given in the running exam moves the end at once, and says who gave it and why."""
    run = after(
        writing(ADA, BOB), event("extend", NINE + 20 * MINUTE, BOB, why="broken keyboard", amount_us=4 * MINUTE)
    )
    end = run.end_of(BOB, now_us=NINE + 20 * MINUTE)
    assert (end.at_us - NINE) / MINUTE == 64
    assert (end.reasons[-1].who, end.reasons[-1].why) == ("the invigilator", "broken keyboard")
    assert minutes_after_nine(run, ADA) == 75


def test_a_pause_of_all_is_given_back_to_each() -> None:
    """Twelve minutes in front of the house are twelve minutes more, to whoever writes."""
    run = after(
        writing(ADA, BOB), event("pause_all", NINE + 10 * MINUTE, why="alarm"), event("resume_all", NINE + 22 * MINUTE)
    )
    assert kinds(run, ADA)[-1] == ("pause_all", 12)
    assert minutes_after_nine(run, BOB) == 72


def test_while_all_is_paused_the_end_moves_and_the_time_left_stands() -> None:
    """A pause that lasts moves the end with the clock; what is left does not change."""
    run = after(writing(BOB), event("pause_all", NINE + 10 * MINUTE))
    for minute in (10, 11, 40):
        end = run.end_of(BOB, now_us=NINE + minute * MINUTE)
        assert end.moving
        assert time_left_us(end, NINE + minute * MINUTE) == 50 * MINUTE


def test_a_moment_that_two_stops_cover_counts_once() -> None:
    """Who was paused alone while all were paused gets the union, not the sum."""
    run = after(
        writing(BOB),
        event("pause", NINE + 10 * MINUTE, BOB),
        event("pause_all", NINE + 15 * MINUTE),
        event("resume", NINE + 20 * MINUTE, BOB),
        event("resume_all", NINE + 30 * MINUTE),
    )
    assert kinds(run, BOB, NINE + 30 * MINUTE)[1:] == [("pause", 10), ("pause_all", 10)]


def test_a_break_costs_time_unless_it_stops_the_clock() -> None:
    """A toilet break runs on the candidate's time; where the clock is stopped for it, it does not."""
    way = [event("return_from_break", NINE + 9 * MINUTE, BOB)]
    plain = after(writing(BOB), event("take_break", NINE + 5 * MINUTE, BOB), *way)
    stopped = after(writing(BOB), event("take_break", NINE + 5 * MINUTE, BOB, stops_clock=True), *way)
    assert minutes_after_nine(plain, BOB, NINE + 9 * MINUTE) == 60
    assert kinds(stopped, BOB, NINE + 9 * MINUTE) == [("duration", 60), ("break", 4)]


def test_a_pause_that_is_not_compensated_adds_nothing() -> None:
    """Where the one who pauses says that it costs time, it does."""
    run = after(writing(BOB), event("pause", NINE, BOB, compensate=False), event("resume", NINE + MINUTE, BOB))
    assert minutes_after_nine(run, BOB) == 60


def test_a_pause_after_ones_time_adds_nothing() -> None:
    """Whose time was over before the alarm does not get any of it back."""
    run = after(writing(ADA, BOB), event("pause_all", NINE + 65 * MINUTE), event("resume_all", NINE + 75 * MINUTE))
    assert minutes_after_nine(run, BOB, NINE + 75 * MINUTE) == 60
    assert minutes_after_nine(run, ADA, NINE + 75 * MINUTE) == 85


@pytest.mark.parametrize(("late_rule", "expected"), [("full_time", 80), ("common_end", 60)])
def test_late_arrivals(late_rule: LateRule, expected: int) -> None:
    """A late candidate has the whole time, or loses what has passed, as the sitting says."""
    run = after(
        seated(admitting(planned(late_rule)), BOB), event("start", NINE), event("begin", NINE + 20 * MINUTE, BOB)
    )
    assert minutes_after_nine(run, BOB, NINE + 20 * MINUTE) == expected


def test_a_latecomer_to_a_common_end_shares_the_pause_before_them() -> None:
    """With a common end, a pause before somebody came moves their end as everybody's."""
    run = after(
        writing(ADA, run=planned("common_end")), event("pause_all", NINE), event("resume_all", NINE + 5 * MINUTE)
    )
    run = after(seated(run, BOB, at_us=NINE + 6 * MINUTE), event("begin", NINE + 20 * MINUTE, BOB))
    assert kinds(run, BOB, NINE + 20 * MINUTE) == [("duration", 60), ("pause_all", 5), ("late", -20)]
    assert minutes_after_nine(run, BOB, NINE + 20 * MINUTE) == 65


def test_practice_ends_after_twenty_minutes() -> None:
    """Neither duration, nor extra time, nor a pause makes practice longer."""
    run = after(
        writing(EVE),
        event("extend", NINE, EVE),
        event("pause_all", NINE),
        event("resume_all", NINE + 3 * MINUTE),
    )
    assert minutes_after_nine(run, EVE, NINE + 3 * MINUTE) == 20
    assert kinds(run, EVE, NINE + 3 * MINUTE)[-1][0] == "practice_cap"


@pytest.mark.parametrize(("minutes", "expected"), [(15, 15), (20, 20), (21, 20), (39, 20)])
def test_the_cap_of_practice_only_shortens(minutes: int, expected: int) -> None:
    """Shorter practice keeps its duration, longer practice has exactly twenty minutes."""
    exam = msgspec.structs.replace(PRACTICE, duration_us=minutes * MINUTE)
    history = [event("start", NINE), event("begin", NINE, EVE)]
    end = end_of(timeline_of(history), SittingTiming(start_us=NINE), exam, EVE, now_us=NINE)
    assert end.at_us == NINE + expected * MINUTE


def test_who_has_not_begun_has_a_projected_end() -> None:
    """Before the start the board shows the planned end, after it what would be if they began now."""
    assert minutes_after_nine(planned(), ADA, NINE - 30 * MINUTE) == 75
    run = after(seated(admitting(), BOB), event("start", NINE))
    end = run.end_of(BOB, now_us=NINE + 7 * MINUTE)
    assert end.projected
    assert (end.at_us - NINE) / MINUTE == 67
    assert time_left_us(end, NINE + 7 * MINUTE) == 60 * MINUTE


def test_who_finished_has_no_time_left_and_an_end_that_stands() -> None:
    """After an early finish neither pauses nor the clock change anything."""
    run = after(writing(ADA, BOB), event("finish", NINE + 30 * MINUTE, BOB), event("pause_all", NINE + 31 * MINUTE))
    end = run.end_of(BOB, now_us=NINE + 50 * MINUTE)
    assert (end.finished_us, end.moving, (end.at_us - NINE) / MINUTE) == (NINE + 30 * MINUTE, False, 60)
    assert time_left_us(end, NINE + 50 * MINUTE) == 0


def test_who_continues_after_a_mistake_finds_the_clock_ran_on() -> None:
    """Continuing changes no end; making good for it is extra time with a reason."""
    run = after(
        writing(BOB), event("finish", NINE + 10 * MINUTE, BOB), event("continue_writing", NINE + 14 * MINUTE, BOB)
    )
    assert minutes_after_nine(run, BOB, NINE + 14 * MINUTE) == 60


def test_a_pause_in_time_that_a_pause_gave_counts() -> None:
    """What was given back can itself be interrupted, and is given back again."""
    stops = [("pause_all", 50), ("resume_all", 70), ("pause_all", 75), ("resume_all", 80)]
    run = after(writing(BOB), *(event(name, NINE + minute * MINUTE) for name, minute in stops))
    assert minutes_after_nine(run, BOB, NINE + 80 * MINUTE) == 85


def test_a_pause_in_the_last_rounded_second_counts() -> None:
    """Time that was shown is time a pause gives back, also when it comes from rounding up."""
    late = NINE + 60 * MINUTE + SECOND_US // 2
    run = after(writing(BOB), event("extend", NINE, BOB, amount_us=1))
    run = after(run, event("pause_all", late), event("resume_all", late + MINUTE))
    assert run.end_of(BOB, now_us=late + MINUTE).at_us == NINE + 61 * MINUTE + SECOND_US


def test_who_finishes_during_a_pause_gets_none_of_the_rest() -> None:
    """Their end stands from then on, while the pause lasts and after it."""
    run = after(writing(BOB), event("pause_all", NINE + 10 * MINUTE), event("finish", NINE + 15 * MINUTE, BOB))
    end = run.end_of(BOB, now_us=NINE + 40 * MINUTE)
    assert not end.moving
    assert (end.at_us - NINE) / MINUTE == 65
    run = after(run, event("resume_all", NINE + 40 * MINUTE))
    assert minutes_after_nine(run, BOB, NINE + 40 * MINUTE) == 65


def test_the_end_of_the_sitting_changes_no_earlier_finish() -> None:
    """Who had finished keeps their time; who writes finishes with the sitting, and no clock stands still after it."""
    run = after(writing(ADA, BOB), event("finish", NINE + 30 * MINUTE, BOB), event("pause_all", NINE + 35 * MINUTE))
    run = after(run, event("end_early", NINE + 40 * MINUTE))
    finished = {name: run.end_of(name, now_us=NINE + 90 * MINUTE).finished_us for name in (ADA, BOB)}
    assert finished == {ADA: NINE + 40 * MINUTE, BOB: NINE + 30 * MINUTE}
    assert all(stop.end_us == NINE + 40 * MINUTE for stops in run.timeline.stops.values() for stop in stops)


def test_who_continues_continues_alone() -> None:
    """Only the one who finished by mistake has time again."""
    run = after(writing(ADA, BOB), event("finish", NINE, ADA), event("finish", NINE, BOB))
    run = after(run, event("continue_writing", NINE + MINUTE, BOB))
    assert run.people[BOB].finished_us is None
    assert run.end_of(BOB, now_us=NINE + MINUTE).finished_us is None
    assert run.end_of(ADA, now_us=NINE + MINUTE).finished_us == NINE


def test_a_beginning_dated_before_the_start_counts_from_the_start() -> None:
    """A clock that slipped back a little gives nobody a beginning before the sitting's."""
    run = after(seated(admitting(), BOB), event("start", NINE), event("begin", NINE - 3 * SECOND_US, BOB))
    assert run.end_of(BOB, now_us=NINE).from_us == NINE


def test_the_allowance_in_a_history_goes_before_the_rosters() -> None:
    """The newest of what was planned, agreed at the door and agreed again when enrolled is what counts."""
    agreed = event("set_allowance", NINE, BOB, minutes=5)
    for history, minutes in (([agreed], 65), ([agreed, event("enrol", NINE, BOB, minutes=7)], 67)):
        timing, planned_extra = SittingTiming(start_us=NINE), Allowance(minutes=30)
        end = end_of(timeline_of(history), timing, HOUR_EXAM, BOB, now_us=NINE, planned=planned_extra)
        assert end.at_us == NINE + minutes * MINUTE


def test_a_changed_allowance_replaces_the_planned_one() -> None:
    """What is agreed at the door counts instead of what the roster said."""
    run = after(admitting(), event("set_allowance", NINE, ADA, minutes=40))
    run = after(seated(run, ADA, at_us=NINE), event("start", NINE), event("begin", NINE, ADA))
    assert kinds(run, ADA) == [("duration", 60), ("planned_extra", 40)]


def test_a_clock_set_forward_takes_nothing_from_anybody() -> None:
    """After a step of an hour the end is an hour later on the clock, and the time left is the same."""
    run = writing(BOB)
    before = time_left_us(run.end_of(BOB, now_us=NINE + 10 * MINUTE), NINE + 10 * MINUTE)
    run = after(run, event("clock_stepped", NINE + 70 * MINUTE, by_us=60 * MINUTE))
    end = run.end_of(BOB, now_us=NINE + 70 * MINUTE)
    assert time_left_us(end, NINE + 70 * MINUTE) == before
    assert (end.at_us - NINE) / MINUTE == 120


def test_daylight_saving_changes_what_the_room_shows_and_nothing_else() -> None:
    """An exam over the night the clocks go back lasts as long as any other."""
    room = ZoneInfo("Europe/Berlin")
    start = int(datetime(2026, 10, 25, 2, 30, tzinfo=room).timestamp()) * SECOND_US  # 02:30 the first time
    exam = ExamTiming(duration_us=60 * MINUTE, window_start_us=start, window_end_us=start + 60 * MINUTE)
    history = [event("start", start), event("begin", start, BOB)]
    end = end_of(timeline_of(history), SittingTiming(start_us=start), exam, BOB, now_us=start)
    assert end.at_us - start == 60 * MINUTE
    shown = datetime.fromtimestamp(end.at_us // SECOND_US, room)
    assert (shown.hour, shown.minute, shown.fold) == (2, 30, 1)


def test_windows_never_cut_writing_time() -> None:
    """Who begins in the last minute of the exam's window still has the whole duration."""
    exam = ExamTiming(duration_us=60 * MINUTE, window_start_us=NINE, window_end_us=NINE + MINUTE)
    history = [event("start", NINE), event("begin", NINE + MINUTE, BOB)]
    end = end_of(timeline_of(history), SittingTiming(start_us=NINE), exam, BOB, now_us=NINE + MINUTE)
    assert end.at_us == NINE + 61 * MINUTE


# ---- over random histories


@given(TRIED, st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_an_end_is_explained_and_never_before_the_beginning(tried: tuple[SittingRun, list[Event]], minute: int) -> None:
    """An end is the beginning plus its reasons, in whole seconds, no earlier; practice holds its cap."""
    for run in accepted(*tried)[-3:]:
        now = NINE + minute * MINUTE
        for candidate, end in run.ends(now).items():
            assert end.at_us == end.from_us + sum(one.amount_us for one in end.reasons)
            assert end.at_us >= end.from_us
            assert time_left_us(end, now) >= 0
            if candidate == EVE:
                assert end.at_us - end.from_us <= 20 * MINUTE
            if run.timing.late_rule == "full_time" and not end.moving:
                assert (end.at_us - end.from_us) % SECOND_US == 0


@given(TRIED, st.integers(1, 30 * MINUTE), st.booleans())
@settings(max_examples=80, deadline=None)
def test_extra_time_never_shortens(tried: tuple[SittingRun, list[Event]], amount: int, everybody: bool) -> None:
    """Whatever happened, more time to one or all makes no end earlier, and who writes has all of it."""
    run = accepted(*tried)[-1]
    now = NINE + 200 * MINUTE
    before = run.ends(now)
    name, whom = ("extend_all", "") if everybody else ("extend", BOB)
    later = run.with_events([event(name, now, whom, amount_us=amount)]).ends(now)
    assert all(later[one].at_us >= before[one].at_us for one in before)
    if run.people[BOB].status in AT_WORK and run.timing.late_rule == "full_time":
        assert later[BOB].at_us + SECOND_US > before[BOB].at_us + amount


@given(TRIED)
@settings(max_examples=60, deadline=None)
def test_ends_only_move_later(tried: tuple[SittingRun, list[Event]]) -> None:
    """Once somebody writes, nothing that happens makes their end earlier on an unstepped clock."""
    start, events = tried
    runs = accepted(start, [one for one in events if one.name != "clock_stepped"])
    for one, two in pairwise(runs):
        now = max(two.history[-1].at_us, NINE)
        for candidate, person in one.people.items():
            if person.status in AT_WORK and candidate in timeline_of(two.history).begun:
                assert two.end_of(candidate, now_us=now).at_us >= one.end_of(candidate, now_us=NINE).at_us


STOPS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20 * MINUTE)), max_size=5)


def paused(all_at_once: bool, stops: list[tuple[int, int]]) -> SittingRun:
    """Everybody paused by these (start after the last, length), all at once or one by one."""
    run, now = writing(ADA, BOB), NINE
    for gap, length in stops:
        now += gap * MINUTE
        for name, at in (("pause", now), ("resume", now + length)):
            whole = [event(f"{name}_all", at)]
            run = after(run, *(whole if all_at_once else [event(name, at, one) for one in (ADA, BOB)]))
        now += length
    return run


@given(STOPS)
@settings(deadline=None)
def test_pausing_all_is_pausing_each(stops: list[tuple[int, int]]) -> None:
    """The same pauses give the same ends, whether the room was paused or each candidate."""
    now = NINE + 1000 * MINUTE
    room, each = paused(True, stops).ends(now), paused(False, stops).ends(now)
    assert [room[one].at_us for one in (ADA, BOB)] == [each[one].at_us for one in (ADA, BOB)]


@given(st.permutations([1 * MINUTE, 2 * MINUTE + 7, 5 * MINUTE]), st.permutations(["extend", "extend_all", "extend"]))
def test_the_order_of_extra_times_does_not_matter(amounts: list[int], names: list[str]) -> None:
    """Extra times add up to the same end in whatever order they are given."""
    given_ones = [
        event(name, NINE, BOB if name == "extend" else "", amount_us=amount)
        for name, amount in zip(names, amounts, strict=True)
    ]
    end = after(writing(BOB), *given_ones).end_of(BOB, now_us=NINE)
    assert end.at_us == NINE + 68 * MINUTE + SECOND_US


@given(STOPS, st.integers(0, 4), st.integers(-600 * MINUTE, 600 * MINUTE))
@settings(deadline=None)
def test_clock_steps_change_no_duration(stops: list[tuple[int, int]], where: int, by_us: int) -> None:
    """A step anywhere in a history, with all later events on the new clock, changes no amount of any end."""
    run = paused(True, stops)
    begun = len(writing(ADA, BOB).history)
    at = min(begun + where, len(run.history))
    now = NINE + 1000 * MINUTE
    step = event("clock_stepped", NINE, by_us=by_us)
    moved = [msgspec.structs.replace(one, at_us=one.at_us + by_us) for one in run.history[at:]]
    stepped = planned().with_events([*run.history[:at], step, *moved])
    for one in (ADA, BOB):
        plain, after_step = run.end_of(one, now_us=now), stepped.end_of(one, now_us=now + by_us)
        assert after_step.reasons == plain.reasons
        assert time_left_us(after_step, now + by_us) == time_left_us(plain, now)


@given(st.integers(-(10**7), 0))
def test_an_event_dated_before_its_predecessor_counts_at_its_moment(back_us: int) -> None:
    """A small step back that nobody noticed neither blocks anybody nor gives or takes time."""
    run = after(
        writing(BOB),
        event("pause_all", NINE + MINUTE),
        event("resume_all", NINE + MINUTE + back_us),
    )
    assert run.end_of(BOB, now_us=NINE + MINUTE).at_us == NINE + 60 * MINUTE


# ---- the LMS's word

WINDOW = (NINE, NINE + 30 * MINUTE)


@pytest.mark.parametrize(
    ("status", "begun", "minute", "expected"),
    [
        (None, False, -1, SessionStatus.EARLY_TO_START),
        (CandidateStatus.EXPECTED, False, 0, SessionStatus.READY_TO_START),
        (CandidateStatus.SEATED, False, 30, SessionStatus.READY_TO_START),
        (CandidateStatus.SEATED, False, 31, SessionStatus.LATE_TO_START),
        (CandidateStatus.ABSENT, False, 500, SessionStatus.LATE_TO_START),
        (CandidateStatus.REFUSED, False, 5, SessionStatus.NOT_SCHEDULED),
        (CandidateStatus.WITHDRAWN, False, 5, SessionStatus.NOT_SCHEDULED),
        (CandidateStatus.WITHDRAWN, True, 5, SessionStatus.FINISHED),
        (CandidateStatus.ON_BREAK, True, 5, SessionStatus.STARTED),
        (CandidateStatus.PAUSED, True, 500, SessionStatus.STARTED),
        (CandidateStatus.LEFT, True, 5, SessionStatus.FINISHED),
    ],
)
def test_what_the_lms_is_told(
    status: CandidateStatus | None, begun: bool, minute: int, expected: SessionStatus
) -> None:
    """Who wrote is started or finished; who did not is told by the clock; absent is never finished."""
    assert lms_status(status, begun=begun, window=WINDOW, now_us=NINE + minute * MINUTE) is expected


def test_a_session_without_a_time_is_not_scheduled() -> None:
    """Where no slot is booked yet, that is what the LMS reads."""
    assert lms_status(None, begun=False, window=None, now_us=NINE) is SessionStatus.NOT_SCHEDULED


def test_the_start_window_is_the_narrower_of_sitting_and_exam() -> None:
    """First and last start lie inside the exam's window."""
    sitting = SittingTiming(start_us=NINE, first_start_us=NINE - 90 * MINUTE, last_start_us=NINE + 700 * MINUTE)
    window = start_window(timeline_of([]), sitting, HOUR_EXAM)
    assert window == (HOUR_EXAM.window_start_us, HOUR_EXAM.window_end_us)


def test_percent_and_minutes_add_up() -> None:
    """A quarter of an hour's exam and ten minutes are 25 minutes, in favour of the candidate to the second."""
    assert Allowance(percent_hundredths=2500, minutes=10).extra_us(60 * MINUTE) == 25 * MINUTE
    assert Allowance(percent_hundredths=3333).extra_us(MINUTE) == 20 * SECOND_US
