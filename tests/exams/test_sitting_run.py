"""Random and told histories of a sitting."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.register import register_of
from appliance.exams.sitting_run import SittingRun, apply, replay, restored
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.states import AT_WORK, UNSETTLED, SittingStatus
from appliance.exams.states import CandidateStatus as Is
from appliance.exams.timeline import timeline_of
from appliance.exams.transitions import Event, possible
from tests.exams.a_sitting import (
    ADA,
    BOB,
    EVE,
    MINUTE,
    NINE,
    admitting,
    after,
    attempts,
    event,
    planned,
    refusal,
    seated,
    writing,
)

STARTS = st.sampled_from([planned(), admitting(), writing(ADA, BOB, EVE), writing(ADA, run=planned("common_end"))])
TRIED = STARTS.flatmap(lambda start: st.tuples(st.just(start), attempts(start)))


def accepted(start: SittingRun, tried: list[Event]) -> list[SittingRun]:
    """Every state on the way."""
    runs = [start]
    for one in tried:
        if not refusal(runs[-1], one):
            runs.append(apply(runs[-1], one))
    return runs


@given(TRIED)
@settings(max_examples=120, deadline=None)
def test_no_history_leads_to_a_state_that_cannot_be(tried: tuple[SittingRun, list[Event]]) -> None:
    """Nobody shares a seat, writes before the start or after the end, or took part without beginning."""
    for run in accepted(*tried):
        seats = [person.seat for person in run.people.values() if person.occupies_seat]
        assert len(seats) == len(set(seats))
        at_work = [person for person in run.people.values() if person.status in AT_WORK]
        assert set(run.timeline.begun) == {person.candidate for person in run.people.values() if person.took_part}
        assert not at_work or run.status in {SittingStatus.RUNNING, SittingStatus.PAUSED}
        assert all(person.took_part for person in at_work)
        for person in run.people.values():
            assert person.status not in {Is.ABSENT, Is.REFUSED, Is.EXPECTED} or not person.took_part
            assert person.status not in {Is.FINISHED, Is.SUBMITTED, Is.LEFT} or person.finished_us is not None
        if run.status is SittingStatus.CLOSED:
            assert not any(person.status in UNSETTLED for person in run.people.values())


@given(TRIED)
@settings(max_examples=80, deadline=None)
def test_the_stored_history_gives_the_same_state(tried: tuple[SittingRun, list[Event]]) -> None:
    """What was accepted replays, also after a way through JSON, to exactly the state that was."""
    start, _ = tried
    final = accepted(*tried)[-1]
    stored = msgspec.json.encode(final.history[len(start.history) :])
    assert replay(start, msgspec.json.decode(stored, type=list[Event])) == final
    assert timeline_of(final.history) == final.timeline


@given(TRIED)
@settings(max_examples=80, deadline=None)
def test_a_refused_event_changes_nothing(tried: tuple[SittingRun, list[Event]]) -> None:
    """A refusal leaves the state as it was, down to its history."""
    run, events = tried
    for one in events:
        before = msgspec.json.encode(run)
        if refusal(run, one):
            assert msgspec.json.encode(run) == before
        else:
            changed = apply(run, one)
            assert msgspec.json.encode(run) == before
            assert changed.history == (*run.history, one)
            run = changed


@given(TRIED)
@settings(max_examples=80, deadline=None)
def test_the_registers_totals_count_everybody_once(tried: tuple[SittingRun, list[Event]]) -> None:
    """Took part, absent, refused, withdrawn, transferred and outstanding add up to the roster."""
    for run in accepted(*tried):
        totals = register_of(run).totals
        parts = (totals.took_part, totals.absent, totals.refused, totals.withdrawn, totals.transferred)
        assert sum(parts) + totals.outstanding == totals.on_roster == len(run.people)
        assert totals.broke_off <= totals.took_part <= totals.arrived


@given(TRIED)
@settings(max_examples=60, deadline=None)
def test_a_sitting_can_always_be_closed(tried: tuple[SittingRun, list[Event]]) -> None:
    """Whatever has happened, ghosts and all, the room's people get the sitting closed with reasons."""
    run = accepted(*tried)[-1]
    now = NINE + 400 * MINUTE
    way = {
        SittingStatus.PLANNED: "call_off",
        SittingStatus.READINESS_CHECK: "call_off",
        SittingStatus.ADMITTING: "call_off",
        SittingStatus.RUNNING: "end_early",
        SittingStatus.PAUSED: "end_early",
    }
    if run.status in way:
        run = apply(run, event(way[run.status], now))
    if run.status is SittingStatus.ENDED:
        run = after(run, event("close_ghosts", now), event("sign_register", now), event("close", now))
    assert run.status is SittingStatus.CLOSED


@given(TRIED)
@settings(max_examples=60, deadline=None)
def test_what_was_accepted_is_restored_without_asking_again(tried: tuple[SittingRun, list[Event]]) -> None:
    """Folding an accepted history, at once or in two pieces, gives the run it was accepted in."""
    start, end = tried[0], accepted(*tried)[-1]
    news = end.history[len(start.history) :]
    assert restored(start, news) == end
    assert restored(restored(start, news[: len(news) // 2]), news[len(news) // 2 :]) == end


def test_every_transition_can_happen() -> None:
    """No rule of the tables is dead: a day is told in which each one happens."""
    run = planned()
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("check_readiness", "", {}),
        ("note_readiness", "", {"disk": "too small"}),
        ("override_readiness", "", {}),
        ("set_allowance", EVE, {"minutes": 1}),
        ("enrol", "dan", {}),
        ("assign_seat", ADA, {"seat": "1"}),
        ("accept_change", "", {"duration_us": 60 * MINUTE}),
        ("change_plan", "", {"start_us": NINE, "late_rule": "full_time"}),
        ("admit", "", {}),
        ("arrive", ADA, {}),
        ("check_identity", ADA, {}),
        ("consent", ADA, {}),
        ("seat", ADA, {"seat": "1"}),
        ("arrive", BOB, {}),
        ("skip_identity", BOB, {}),
        ("refuse", BOB, {}),
        ("readmit", BOB, {}),
        ("waive_identity", BOB, {}),
        ("consent", BOB, {}),
        ("seat", BOB, {"seat": "2"}),
        ("start", "", {}),
        ("begin", ADA, {}),
        ("clock_stepped", "", {"by_us": 40 * MINUTE}),
    ]
    late: list[tuple[str, str, dict[str, object]]] = [
        ("extend", ADA, {}),
        ("take_break", ADA, {}),
        ("return_from_break", ADA, {}),
        ("pause", ADA, {}),
        ("resume", ADA, {}),
        ("move_seat", ADA, {"seat": "3"}),
        ("pause_all", "", {}),
        ("resume_all", "", {}),
        ("extend_all", "", {}),
        ("mark_absent", EVE, {}),
        ("transfer", EVE, {}),
        ("withdraw", ADA, {}),
        ("continue_writing", ADA, {}),
        ("finish", ADA, {}),
        ("submit", ADA, {"papers": 3}),
        ("correct_papers", ADA, {"papers": 4}),
        ("leave", ADA, {}),
        ("new_attempt", ADA, {}),
    ]
    run = after(run, *(event(name, NINE, whom, **detail) for name, whom, detail in calls))
    at = NINE + 40 * MINUTE
    run = after(run, *(event(name, at, whom, **detail) for name, whom, detail in late))
    clearly_late = at + 40 * MINUTE
    run = after(run, event("begin_late", clearly_late, BOB), event("close_ghost", clearly_late, BOB))
    run = after(run, event("withdraw", clearly_late, "dan"))
    names = ("end", "close_ghosts", "sign_register", "close", "reopen")
    run = after(run, *(event(name, clearly_late) for name in names))
    happened = {one.name for one in run.history} | {"end_early", "call_off"}
    assert happened == SITTING_TABLE.keys() | CANDIDATE_TABLE.keys()
    assert after(writing(ADA), event("end_early", NINE)).people[ADA].status is Is.FINISHED
    assert after(admitting(), event("call_off", NINE)).status is SittingStatus.CLOSED


def test_a_room_that_is_not_ready_admits_nobody_until_a_person_overrides_it() -> None:
    """What is missing blocks admission; a named person's reason lets it go on, and stays on record."""
    run = after(planned(), event("check_readiness", NINE))
    assert refusal(run, event("admit", NINE)) == "not_ready"
    assert refusal(run, event("override_readiness", NINE)) == "not_checked"
    run = after(run, event("note_readiness", NINE, camera="no pictures"))
    assert refusal(run, event("admit", NINE)) == "not_ready"
    assert refusal(run, event("override_readiness", NINE, why=" ")) == "no_reason"
    run = after(run, event("override_readiness", NINE, why="a colleague watches"), event("admit", NINE))
    assert run.status is SittingStatus.ADMITTING
    assert (run.readiness.overridden_by, run.readiness.overridden_why) == ("the invigilator", "a colleague watches")


def test_an_override_is_not_good_for_what_goes_wrong_later() -> None:
    """Who overrode a missing camera did not override a full disk."""
    run = after(planned(), event("check_readiness", NINE), event("note_readiness", NINE, camera="no pictures"))
    run = after(run, event("override_readiness", NINE), event("note_readiness", NINE, camera="dark", disk="full"))
    assert refusal(run, event("admit", NINE)) == "not_ready"


def test_a_camera_that_is_lost_does_not_stop_the_start() -> None:
    """Once admission is open, what the readiness check finds is told and blocks nothing."""
    run = after(seated(admitting(), ADA), event("note_readiness", NINE, camera="no pictures"), event("start", NINE))
    assert run.status is SittingStatus.RUNNING
    assert run.readiness.missing == (("camera", "no pictures"),)


def test_absent_is_not_took_part() -> None:
    """Who never came is absent, who was closed as a ghost after writing took part."""
    run = after(writing(ADA), event("mark_absent", NINE + MINUTE, BOB), event("close_ghost", NINE + MINUTE, ADA))
    register = register_of(run)
    entries = {entry.candidate: entry for entry in register.entries}
    assert (entries[ADA].took_part, entries[ADA].status) == (True, Is.FINISHED)
    assert (entries[BOB].took_part, entries[BOB].status) == (False, Is.ABSENT)


def test_ghosts_are_settled_at_once() -> None:
    """After the end one reasoned step settles everybody left over, each as what they were."""
    run = after(seated(writing(ADA), BOB), event("end_early", NINE + MINUTE))
    assert refusal(run, event("sign_register", NINE + MINUTE)) == "unsettled"
    run = after(run, event("close_ghosts", NINE + 2 * MINUTE))
    assert [person.status for person in run.people.values()] == [Is.FINISHED, Is.WITHDRAWN, Is.ABSENT]


def test_a_change_after_signing_voids_the_signature() -> None:
    """A register that is corrected has to be signed off again before the sitting can be closed."""
    at = NINE + 90 * MINUTE
    finished = after(writing(ADA), event("finish", at, ADA))
    assert refusal(finished, event("submit", at, ADA, papers=-1)) == "bad_detail"
    run = after(finished, event("submit", at, ADA, papers=2), event("end", at))
    assert refusal(run, event("close", at)) == "unsettled"
    run = after(run, event("close_ghosts", at))
    assert refusal(run, event("close", at)) == "not_signed"
    run = after(run, event("sign_register", at))
    assert register_of(run).signed_by == "the invigilator"
    run = after(run, event("correct_papers", at, ADA, papers=3))
    assert register_of(run).signed_by == ""
    assert register_of(run).totals.papers == 3
    assert refusal(run, event("close", at)) == "not_signed"


def test_a_sitting_does_not_end_over_somebody_who_has_time_left() -> None:
    """The common end waits for the last one's time; ending early needs a reason and finishes everybody."""
    run = writing(ADA, BOB)
    assert refusal(run, event("end", NINE + 74 * MINUTE)) == "time_left"
    assert not refusal(run, event("end", NINE + 75 * MINUTE))
    assert refusal(run, event("end_early", NINE, why=" ")) == "no_reason"


def test_a_seat_is_given_once() -> None:
    """A taken seat is refused by name; it is free again when who sat there has left."""
    run = after(seated(writing(ADA), BOB), event("finish", NINE, ADA))
    wanted = event("move_seat", NINE, BOB, seat=f"seat of {ADA}")
    assert refusal(run, wanted) == "seat_taken"
    assert not refusal(after(run, event("leave", NINE, ADA)), wanted)


@pytest.mark.parametrize(
    ("minute", "name", "reason"),
    [(30, "begin", ""), (31, "begin", "too_late"), (31, "begin_late", ""), (601, "begin", "too_late")],
)
def test_the_last_start(minute: int, name: str, reason: str) -> None:
    """Until the last start a candidate begins, after it only when an invigilator says why."""
    run = after(seated(admitting(), ADA), event("start", NINE))
    assert refusal(run, event(name, NINE + minute * MINUTE, ADA)) == reason


def test_the_first_start() -> None:
    """Nobody begins before the exam's window opens, and everybody may at that very moment."""
    opens = NINE - 60 * MINUTE
    early_room = planned()
    for name in ("check_readiness", "note_readiness", "admit"):
        early_room = apply(early_room, event(name, opens - 2 * MINUTE))
    run = after(seated(early_room, BOB, at_us=opens - 2 * MINUTE), event("start", opens - MINUTE))
    assert refusal(run, event("begin", opens - 1, BOB)) == "too_early"
    assert not refusal(run, event("begin", opens, BOB))


def test_times_of_a_day_are_kept() -> None:
    """The register holds the first arrival, also of somebody who was refused first, and when they left."""
    run = after(admitting(), event("arrive", NINE - 9 * MINUTE, BOB), event("refuse", NINE - 8 * MINUTE, BOB))
    run = after(run, event("readmit", NINE - 7 * MINUTE, BOB), event("skip_identity", NINE, BOB))
    run = after(run, event("consent", NINE, BOB), event("seat", NINE, BOB, seat="1"), event("start", NINE))
    run = after(
        run, event("begin", NINE, BOB), event("finish", NINE + MINUTE, BOB), event("leave", NINE + 2 * MINUTE, BOB)
    )
    entry = next(one for one in register_of(run).entries if one.candidate == BOB)
    times = (entry.arrived_us, entry.begun_us, entry.finished_us, entry.left_us)
    assert times == (NINE - 9 * MINUTE, NINE, NINE + MINUTE, NINE + 2 * MINUTE)


def test_who_wrote_is_not_readmitted_but_continues() -> None:
    """A withdrawal by mistake in mid-exam is undone by continuing; readmitting would begin a second time."""
    run = after(writing(ADA), event("withdraw", NINE + MINUTE, ADA))
    assert refusal(run, event("readmit", NINE + MINUTE, ADA)) == "begun"
    assert after(run, event("continue_writing", NINE + MINUTE, ADA)).people[ADA].status is Is.WRITING
    run = after(writing(), event("withdraw", NINE, BOB))
    assert refusal(run, event("continue_writing", NINE, BOB)) == "not_begun"


def test_who_was_transferred_did_not_arrive_here() -> None:
    """Somebody sent on to another room counts as transferred alone."""
    totals = register_of(after(admitting(), event("arrive", NINE, BOB), event("transfer", NINE, BOB))).totals
    assert (totals.transferred, totals.arrived) == (1, 0)


def test_consent_names_the_version_of_the_notice() -> None:
    """Consent without the version that was shown is refused."""
    run = after(admitting(), event("arrive", NINE, ADA), event("check_identity", NINE, ADA))
    for notice in ("", "x" * 61, 7):
        assert refusal(run, event("consent", NINE, ADA, notice=notice)) == "bad_detail"
    assert not refusal(run, event("consent", NINE, ADA, notice="2026-1"))


def test_a_late_common_start_moves_the_last_start() -> None:
    """A room that starts 20 minutes late keeps its half hour for late arrivals."""
    run = after(seated(admitting(), ADA), event("start", NINE + 20 * MINUTE))
    assert not refusal(run, event("begin", NINE + 50 * MINUTE, ADA))
    assert refusal(run, event("begin", NINE + 51 * MINUTE, ADA)) == "too_late"


def test_nobody_begins_after_a_common_end() -> None:
    """Where all end together, who would have no time left is refused, with the way out in the hint."""
    run = after(seated(admitting(planned("common_end")), BOB), event("start", NINE))
    assert not refusal(run, event("begin_late", NINE + 59 * MINUTE, BOB))
    assert refusal(run, event("begin_late", NINE + 60 * MINUTE, BOB)) == "no_time_left"


def test_somebody_who_is_not_on_the_roster_is_enrolled_in_the_room() -> None:
    """A walk-in is taken in with a reason while the exam runs, once, for an exam of the sitting."""
    run = writing(ADA)
    assert refusal(run, event("enrol", NINE, "dan", why=" ")) == "no_reason"
    assert refusal(run, event("enrol", NINE, "dan", exam="latin")) == "unknown_exam"
    assert refusal(run, event("enrol", NINE, ADA)) == "on_roster"
    assert refusal(run, event("enrol", NINE, "dan", minutes=601)) == "bad_detail"
    run = seated(after(run, event("enrol", NINE, "dan", why="came from room 2", minutes=10)), "dan", at_us=NINE)
    run = after(run, event("begin", NINE, "dan"))
    assert run.end_of("dan", now_us=NINE).at_us == NINE + 70 * MINUTE
    assert register_of(run).totals.on_roster == 4


def test_who_was_transferred_away_can_come_back() -> None:
    """A transfer by mistake is undone by enrolling the candidate again."""
    run = after(admitting(), event("transfer", NINE, BOB))
    assert run.people[BOB].status is Is.TRANSFERRED
    assert after(run, event("enrol", NINE, BOB)).people[BOB].status is Is.EXPECTED


def test_identity_is_skipped_only_where_the_exam_asks_for_none() -> None:
    """Ada's exam asks, so skipping is refused and waiving needs a reason; Bob's does not."""
    run = after(admitting(), event("arrive", NINE, ADA), event("arrive", NINE, BOB))
    assert refusal(run, event("skip_identity", NINE, ADA)) == "identity_asked"
    assert refusal(run, event("waive_identity", NINE, ADA, why=" ")) == "no_reason"
    assert not refusal(run, event("skip_identity", NINE, BOB))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Event(name="nonsense", at_us=NINE, who="x", role="invigilator"), "unknown"),
        (Event(name="finish", at_us=NINE, who=" ", role="invigilator", candidate=ADA), "nobody"),
        (event("finish", NINE, ADA, note="x" * 501), "bad_detail"),
        (event("finish", NINE, ADA, **{f"note{number}": 1 for number in range(51)}), "bad_detail"),
        (Event(name="nonsense", at_us=NINE, who="x", role="invigilator", candidate=ADA), "unknown"),
        (event("pause", NINE, "nobody"), "unknown_candidate"),
        (event("pause_all", NINE, ADA), "whole_sitting"),
        (event("enrol", NINE), "bad_detail"),
        (event("enrol", NINE, "x" * 81), "bad_detail"),
        (event("pause", NINE, ADA, role="candidate"), "who"),
        (event("pause", NINE, ADA, compensate="maybe"), "bad_detail"),
        (event("pause", NINE, ADA, why="x" * 2001), "reason_too_long"),
        (event("extend", NINE, ADA, amount_us=-1), "bad_detail"),
        (event("extend", NINE, ADA, amount_us=0), "bad_detail"),
        (event("extend", NINE, ADA, amount_us="much"), "bad_detail"),
        (event("extend", NINE, ADA, amount_us=True), "bad_detail"),
        (event("resume", NINE, ADA), "state"),
        (event("transfer", NINE, BOB, sitting="morning"), "bad_detail"),
        (event("transfer", NINE, BOB, sitting=""), "bad_detail"),
        (event("clock_stepped", NINE, by_us="a lot"), "bad_detail"),
        (event("set_allowance", NINE, BOB, minutes=-1), "bad_detail"),
        (event("set_allowance", NINE, BOB, percent_hundredths=30_001), "bad_detail"),
        (event("move_seat", NINE, ADA), "bad_detail"),
    ],
)
def test_refusals_have_stable_words(one: Event, reason: str) -> None:
    """Each way to be refused has its word, which the pages and the API rely on."""
    assert refusal(writing(ADA), one) == reason


def test_a_page_offers_only_what_a_role_may_do() -> None:
    """A candidate who writes may finish and nothing else."""
    assert possible(CANDIDATE_TABLE, Is.WRITING, "candidate") == ["finish"]
    assert "pause" in possible(CANDIDATE_TABLE, Is.WRITING, "invigilator")
