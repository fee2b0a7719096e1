"""What becomes of deliveries: attempts, waits, parking, targets, people's acts, forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.auditlog import show
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exchange.delivery import POISON_AFTER, Outcome, due
from appliance.outbox import (
    attempts,
    discard,
    get_delivery,
    lms_target,
    put,
    retry_now,
    status,
    unpark,
    waiting,
)
from appliance.outbox.heads import head, heads, is_due, open_targets
from appliance.outbox.pruning import prune
from appliance.outbox.settling import KEPT_ATTEMPTS, Tried, postpone, settle
from appliance.outbox.targets import PROBE_WAIT_S, target_state

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

LMS = lms_target("i1")


def cause(db: Database, clock: ManualClock, *streams: str, target: str = LMS) -> None:
    """Put one delivery of each stream."""
    with write(db):
        for stream in streams:
            put(db, target=target, stream=stream, kind="review", body={"sessionId": stream}, clock=clock)


def answered(
    db: Database, clock: ManualClock, number: int, answer: int | None, *, silent: bool = False, ask_s: float = 0.0
) -> Outcome:
    """Note one attempt."""
    tried = Tried(number, clock.wall_us(), 5, answer, "body", "status: 500" if answer else "cut", ask_s)
    return settle(db, [tried], silent=[LMS] if silent else [], clock=clock, roll=lambda: 0.5)[0][1]


def test_a_failed_one_waits_longer_each_time_and_for_ever(db: Database, clock: ManualClock) -> None:
    """The wait grows to a quarter of an hour at most; it is never given up by the box."""
    cause(db, clock, "s1")
    waits = []
    for _ in range(KEPT_ATTEMPTS + 20):
        assert answered(db, clock, 1, 500) is Outcome.RETRY
        waits.append(get_delivery(db, 1).next_try_us - clock.wall_us())
    assert waits[0] == 1_500_000
    assert waits == sorted(waits)
    assert waits[-1] <= 900_000_000
    kept = attempts(db, 1)
    assert len(kept) == KEPT_ATTEMPTS
    assert kept[-1].number == KEPT_ATTEMPTS + 20
    assert (kept[-1].status, kept[-1].body, kept[-1].error) == (500, "body", "status: 500")


def test_refused_content_is_parked_in_the_log_and_goes_on_when_a_person_says_so(
    db: Database, clock: ManualClock
) -> None:
    """Its refusals count anew then; what was parked and let go on is in the log, by name."""
    cause(db, clock, "s1", "s1")
    results = [answered(db, clock, 1, 422) for _ in range(POISON_AFTER)]
    assert results == [Outcome.RETRY] * (POISON_AFTER - 1) + [Outcome.PARKED]
    assert head(db, LMS, "s1") == get_delivery(db, 1)
    assert due(heads(db, LMS, now_us=clock.wall_us() + 10**9), now_us=clock.wall_us() + 10**9) == []
    with pytest.raises(ConflictError):
        retry_now(db, 1)
    one = unpark(db, 1, who="ann", clock=clock)
    assert (one.state, one.refusals, one.next_try_us) == ("waiting", 0, 0)
    with pytest.raises(ConflictError):
        unpark(db, 1, who="ann", clock=clock)
    parked, let_go = show(db, action="delivery")
    assert (parked.action, parked.detail["status"], parked.who) == ("delivery.parked", 422, "box")
    assert (let_go.action, let_go.detail["delivery"], let_go.who) == ("delivery.unparked", 1, "ann")


def test_what_is_given_up_says_who_and_why_and_lets_its_stream_go_on(db: Database, clock: ManualClock) -> None:
    """The reason is a person's own words; a settled one cannot be given up."""
    cause(db, clock, "s1", "s1")
    for wrong in ("", " ", "x" * 501, "two\nlines"):
        with pytest.raises(BadInputError):
            discard(db, 1, who="ann", why=wrong, clock=clock)
    assert discard(db, 1, who="ann", why=" a trial ", clock=clock).reason == "a trial"
    assert head(db, LMS, "s1") == get_delivery(db, 2)
    with pytest.raises(ConflictError):
        discard(db, 1, who="ann", why="again", clock=clock)
    with pytest.raises(NotFoundError):
        discard(db, 9, who="ann", why="none", clock=clock)
    (line,) = show(db, action="delivery.discarded")
    assert (line.who, line.personal, line.detail["kind"]) == ("ann", {"reason": "a trial"}, "review")


@pytest.mark.parametrize(("answer", "state"), [(200, "delivered"), (500, "superseded")])
def test_one_that_was_superseded_on_its_way_counts_as_what_it_became(
    db: Database, clock: ManualClock, answer: int, state: str
) -> None:
    """If it arrived it is delivered; if not, it is not tried again."""
    cause(db, clock, "s1")
    with write(db):
        put(db, target=LMS, stream="s1", kind="review", body={}, clock=clock, supersedes=True)
    answered(db, clock, 1, answer)
    assert get_delivery(db, 1).state == state
    assert [one.id for one in waiting(db)] == [2]


def test_a_silent_target_is_tried_again_within_a_minute_and_then_all_go(db: Database, clock: ManualClock) -> None:
    """Its own wait is bounded by a minute, or what it asked for; a success makes all that wait due."""
    cause(db, clock, "s1", "s2")
    for _ in range(30):
        answered(db, clock, 1, None, silent=True)
        state = target_state(db, LMS)
        assert clock.wall_us() < state.next_try_us <= clock.wall_us() + round(PROBE_WAIT_S * 1_000_000)
    assert (state.silent_since_us, state.failures, state.reason) == (clock.wall_us(), 30, "cut")
    assert status(db).targets[0].next_try_us == state.next_try_us
    answered(db, clock, 1, 503, silent=True, ask_s=300)
    assert target_state(db, LMS).next_try_us == clock.wall_us() + 300_000_000
    answered(db, clock, 2, 200)
    assert get_delivery(db, 1).next_try_us == 0
    after = target_state(db, LMS)
    assert (after.silent_since_us, after.last_success_us, after.reason) == (None, clock.wall_us(), "")


def test_trying_now_reaches_a_silent_target(db: Database, clock: ManualClock) -> None:
    """Neither the delivery's wait nor the target's is waited for."""
    cause(db, clock, "s1")
    answered(db, clock, 1, None, silent=True)
    assert retry_now(db, LMS) == 1
    assert (get_delivery(db, 1).next_try_us, target_state(db, LMS).next_try_us) == (0, 0)
    answered(db, clock, 1, None, silent=True)
    assert retry_now(db, 1) == 1
    assert target_state(db, LMS).next_try_us == 0


def test_a_clock_that_was_set_back_lets_nothing_wait_for_years(db: Database, clock: ManualClock) -> None:
    """A next try that is further away than any wait counts as come."""
    cause(db, clock, "s1")
    answered(db, clock, 1, 500)
    clock.step(-10 * 365 * 24 * 3600)
    assert is_due(get_delivery(db, 1), now_us=clock.wall_us())
    assert due(heads(db, LMS, now_us=clock.wall_us()), now_us=clock.wall_us())


def test_only_settled_ones_are_forgotten(db: Database, clock: ManualClock) -> None:
    """After their time, with their attempts; the last success is remembered beyond them."""
    cause(db, clock, "s1", "s2", "s3")
    answered(db, clock, 1, 200)
    answered(db, clock, 2, 500)
    for _ in range(POISON_AFTER):
        answered(db, clock, 3, 422)
    delivered_us = clock.wall_us()
    clock.advance(60)
    assert prune(db, before_us=delivered_us) == 0
    assert prune(db, before_us=clock.wall_us()) == 1
    assert [one.id for one in waiting(db)] == [2, 3]
    assert attempts(db, 1) == []
    assert len(attempts(db, 3)) == POISON_AFTER
    assert status(db).targets[0].last_success_us == delivered_us


def test_what_cannot_be_sent_yet_is_postponed_without_an_attempt(db: Database, clock: ManualClock) -> None:
    """It says why, and is due again later."""
    cause(db, clock, "s1")
    postpone(db, [1], "no_address: review", until_us=77)
    one = get_delivery(db, 1)
    assert (one.attempts, one.next_try_us, one.reason) == (0, 77, "no_address: review")


@given(
    causes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=30),
    answers=st.lists(st.sampled_from([200, 500, 422, None]), max_size=80),
)
def test_no_stream_is_ever_overtaken(causes: list[tuple[str, str]], answers: list[int | None]) -> None:
    """Whatever is answered, each stream's deliveries are accepted in the order of their causes, each once."""
    from tests.outbox.memory import fresh_database

    db, clock = fresh_database()
    for target, stream in causes:
        cause(db, clock, stream, target=lms_target(target))
    accepted: list[tuple[str, str, int]] = []
    for answer in answers:
        clock.advance(1000)
        now_us = clock.wall_us()
        ready = [
            (target, one) for target in open_targets(db) for one in due(heads(db, target, now_us=now_us), now_us=now_us)
        ]
        if not ready:
            break
        target, one = min(ready, key=lambda pair: pair[1].seq)
        if answered(db, clock, one.seq, answer) is Outcome.DELIVERED:
            accepted.append((target, one.session, one.seq))
    for key in {(target, stream) for target, stream, _ in accepted}:
        mine = [number for target, stream, number in accepted if (target, stream) == key]
        expected = [number for number, (target, stream) in enumerate(causes, 1) if (lms_target(target), stream) == key]
        assert mine == expected[: len(mine)]
    db.conn.close()
