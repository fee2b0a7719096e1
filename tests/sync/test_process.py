"""The sync process: what survives its death."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.errors import UnavailableError
from appliance.ipc.beat import read_beat
from appliance.outbox import waiting
from tests.support.lms_receiver import Arrived, LmsReceiver, Reply
from tests.support.waiting import until
from tests.sync.delivering import World, make_world
from tests.sync.process import syncing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings

START_S = 60.0


@pytest.fixture
def lms() -> Iterator[LmsReceiver]:
    """An LMS that takes everything."""
    with LmsReceiver() as receiver:
        yield receiver


@pytest.fixture
def world(settings: Settings, lms: LmsReceiver) -> Iterator[World]:
    """A box that knows the LMS."""
    made = make_world(settings, lms.url)
    yield made
    made.db.conn.close()


def test_a_death_between_answer_and_commit_delivers_again_under_the_same_key(world: World, lms: LmsReceiver) -> None:
    """What the LMS took and the box did not note is sent once more, so that the LMS can tell; nothing is lost."""
    for n in range(3):
        world.put("s1", n)
    gate = threading.Event()
    lms.answer = lambda _: Reply(wait=gate)
    with syncing(world.settings) as process:
        until(lambda: len(lms.arrived) == 1, START_S, "the first delivery")
        world.db.conn.execute("BEGIN IMMEDIATE")  # nobody can commit now
        gate.set()
        until(lambda: len(lms.accepted) == 1, 10, "the answer")
        process.kill()
        world.db.conn.execute("ROLLBACK")
    assert world.states() == {"waiting": 3}
    lms.answer = lambda _: Reply()
    with syncing(world.settings) as process:
        until(lambda: not waiting(world.db), START_S, "the rest")
        assert process.stop() == 0
    assert [one.value["n"] for one in lms.accepted] == [0, 0, 1, 2]
    assert lms.accepted[0].key == lms.accepted[1].key
    assert len({one.key for one in lms.accepted}) == 3


def test_deaths_at_any_moment_lose_and_reorder_nothing(world: World, lms: LmsReceiver) -> None:
    """Killed again and again while it delivers, every session's deliveries arrive in order, none is missing."""
    for n in range(6):
        for stream in range(20):
            world.put(f"s{stream}", n)
    arrived = threading.Event()
    after = {"left": 0}

    def answer(_: Arrived) -> Reply:
        after["left"] -= 1
        if after["left"] <= 0:
            arrived.set()
        return Reply()

    lms.answer = answer
    for left in (1, 25):
        after["left"] = left
        arrived.clear()
        with syncing(world.settings) as process:
            assert arrived.wait(START_S)
            process.kill()
    with syncing(world.settings) as process:
        until(lambda: not waiting(world.db), START_S, "the rest")
        assert process.stop() == 0
    once = lms.first_arrivals()
    assert len(once) == 120
    for stream in range(20):
        assert [one.value["n"] for one in once if one.value["sessionId"] == f"s{stream}"] == list(range(6))
    # At most what was on its way at each death was sent twice.
    assert sum(lms.repeated().values()) <= 2 * world.settings.sync.at_once


def test_it_says_that_it_is_alive_and_leaves_in_order(world: World, lms: LmsReceiver) -> None:
    """A new cause is delivered at once; the beat names every duty, and is gone with the process."""
    clock = SystemClock()
    with syncing(world.settings) as process:
        beat = until(lambda: _beat(world, clock), START_S, "the beat")
        assert beat.pid == process.process.pid  # type: ignore[attr-defined]
        assert {"deliveries", "sittings", "forgetting"} <= set(beat.duties)  # type: ignore[attr-defined]
        world.put("s1", 0)
        until(lambda: lms.accepted, 10, "the delivery")
        assert process.stop() == 0
    with pytest.raises(UnavailableError):
        read_beat(world.settings.sync_beat, clock, name="sync")


def _beat(world: World, clock: SystemClock) -> object:
    try:
        return read_beat(world.settings.sync_beat, clock, name="sync")
    except UnavailableError:
        return None
