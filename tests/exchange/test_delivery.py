"""Deliveries keep their session's order, come back with growing waits, and are parked only when refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.delivery import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    POISON_AFTER,
    Outcome,
    Waiting,
    due,
    is_refusal,
    outcome,
    wait_s,
)

WAITING = st.lists(
    st.builds(
        Waiting,
        seq=st.integers(1, 50),
        session=st.sampled_from(["", "a", "b", "c"]),
        next_try_us=st.integers(0, 10),
        parked=st.booleans(),
    ),
    unique_by=lambda one: one.seq,
    max_size=12,
)


@given(WAITING, st.integers(0, 10), st.frozensets(st.sampled_from(["", "a", "b"])))
def test_none_overtakes_in_its_session(waiting: list[Waiting], now_us: int, busy: frozenset[str]) -> None:
    """What is sent is due, not parked, of no busy session, and the first of its session; all such are sent."""
    ready = due(waiting, now_us=now_us, busy=busy)
    firsts = {session: min(one.seq for one in waiting if one.session == session) for session in
              {one.session for one in waiting}}  # fmt: skip
    assert ready == sorted(
        (one for one in waiting if one.seq == firsts[one.session] and not one.parked and one.next_try_us <= now_us
         and one.session not in busy),
        key=lambda one: one.seq,
    )  # fmt: skip


def test_a_parked_delivery_holds_up_its_own_session_alone() -> None:
    """Others go on; when a person released it, its session does too."""
    waiting = [Waiting(1, "a", parked=True), Waiting(2, "b"), Waiting(3, "a")]
    assert [one.seq for one in due(waiting, now_us=0)] == [2]
    assert [one.seq for one in due([Waiting(1, "a"), *waiting[1:]], now_us=0)] == [1, 2]


@given(st.integers(0, 10**6), st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_all_arrive_in_order_whatever_fails(seed: int, sessions: list[str]) -> None:
    """With any mixture of failures, each delivery is accepted once and its session's in order."""
    chance = random.Random(seed)  # noqa: S311  a failure has to come again from its seed
    waiting = {seq: Waiting(seq, session) for seq, session in enumerate(sessions, 1)}
    arrived: list[tuple[str, int]] = []
    for now_us in range(10_000):
        for one in due(waiting.values(), now_us=now_us):
            if chance.random() < 0.5:
                waiting[one.seq] = Waiting(one.seq, one.session, now_us + chance.randrange(5))
            else:
                arrived.append((one.session, waiting.pop(one.seq).seq))
        if not waiting:
            break
    assert sorted(seq for _, seq in arrived) == list(range(1, len(sessions) + 1))
    for session in set(sessions):
        mine = [seq for name, seq in arrived if name == session]
        assert mine == sorted(mine)


@given(st.integers(-5, 10**9), st.floats(0, 1, exclude_max=True), st.floats(0, 10**6))
def test_a_wait_is_never_shorter_than_half_nor_longer_than_the_longest(attempt: int, roll: float, asked: float) -> None:
    """Any attempt, any chance and any request of the receiver give a wait within bounds."""
    wait = wait_s(attempt, roll, retry_after_s=asked)
    assert min(asked, LONGEST_WAIT_S) <= wait <= LONGEST_WAIT_S
    assert wait >= FIRST_WAIT_S / 2


def test_waits_double_until_the_longest_and_are_spread() -> None:
    """Each wait is drawn from the upper half of twice the one before."""
    assert [wait_s(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert wait_s(3, 0.5) == 6
    assert [wait_s(attempt, 0.0) for attempt in (10, 100)] == [LONGEST_WAIT_S / 2] * 2


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_acceptance_is_a_delivery(status: int) -> None:
    """Any 2xx is accepted, whatever was refused before."""
    assert outcome(status, refusals=99) is Outcome.DELIVERED


@pytest.mark.parametrize("status", [None, 100, 301, 302, 401, 403, 404, 405, 408, 425, 429, 500, 502, 503, 504, 507])
def test_what_may_pass_is_tried_forever(status: int | None) -> None:
    """No answer, redirects, wrong secrets or addresses, limits and failures never park."""
    assert outcome(status, refusals=10**6) is Outcome.RETRY
    assert not is_refusal(status)


@pytest.mark.parametrize("status", [400, 409, 410, 413, 415, 422])
def test_refused_content_is_parked_after_some_tries(status: int) -> None:
    """A refusal is tried again a few times, as receivers are mended, and then waits for a person."""
    assert is_refusal(status)
    assert outcome(status, refusals=POISON_AFTER - 1) is Outcome.RETRY
    assert outcome(status, refusals=POISON_AFTER) is Outcome.PARKED
