"""Duties and the threads they run in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from appliance.database import write
from appliance.outbox import status
from appliance.sync import chores
from appliance.sync.chores import Every, forget_old
from appliance.sync.duty import DutyThread
from appliance.usb.events import UsbEvent, events_of, note_event
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


class Counting:
    """A duty that counts its rounds, fails while told to, and can be held."""

    name = "counting"
    longest_s = 5.0

    def __init__(self) -> None:
        self.rounds = 0
        self.problem: Exception | None = None
        self.closed = False
        self.hold = threading.Event()
        self.hold.set()

    def due_us(self, now_us: int) -> int | None:
        """Nothing is due by itself."""
        del now_us
        return None

    def run(self) -> None:
        """Count."""
        self.rounds += 1
        self.hold.wait(20)
        if self.problem is not None:
            raise self.problem

    def close(self) -> None:
        """Note it."""
        self.closed = True


def _started(duty: Counting, clock: ManualClock) -> DutyThread:
    def make(_wake: Callable[[], None]) -> Counting:
        return duty

    thread = DutyThread("counting", make, clock)
    thread.start()
    return thread


def test_a_duty_runs_when_it_is_woken(clock: ManualClock) -> None:
    """At once, as often as something changed; stopped, it is closed."""
    duty = Counting()
    thread = _started(duty, clock)
    until(lambda: duty.rounds == 1)
    thread.wake()
    until(lambda: duty.rounds == 2)
    thread.stop()
    assert duty.closed
    assert not thread.is_well


def test_a_duty_that_fails_is_tried_again_and_says_so(clock: ManualClock) -> None:
    """Also on an error nobody foresaw: the others must not end with it."""
    duty = Counting()
    duty.problem = RuntimeError("unforeseen")
    thread = _started(duty, clock)
    until(lambda: thread.is_in_trouble)
    assert thread.is_well
    duty.problem = None
    until(lambda: duty.rounds >= 2 and not thread.is_in_trouble)
    thread.stop()


def test_a_duty_that_hangs_is_seen(clock: ManualClock) -> None:
    """After its longest time it does not count as well, so that the watchdog is not fed."""
    duty = Counting()
    duty.hold.clear()
    thread = _started(duty, clock)
    until(lambda: duty.rounds == 1)
    until(lambda: thread.is_well)
    clock.advance(6)
    assert not thread.is_well
    duty.hold.set()
    thread.stop()


def test_what_is_done_now_and_again_keeps_its_pace(db: Database, clock: ManualClock) -> None:
    """However often it is woken between."""
    done: list[int] = []
    duty = Every("now and again", 1_000_000, lambda: done.append(1), clock, db)
    for _ in range(5):
        duty.run()
    assert len(done) == 1
    assert duty.due_us(clock.wall_us()) == clock.wall_us() + 1_000_000
    clock.advance(1)
    duty.run()
    assert len(done) == 2


def test_old_deliveries_and_tokens_are_forgotten_and_no_lock_is_left(
    db: Database, settings: Settings, clock: ManualClock
) -> None:
    """After the settings' days; afterwards others can write."""
    from appliance.database import connect
    from appliance.outbox import lms_target, put
    from appliance.outbox.settling import Tried, settle

    with write(db):
        put(db, target=lms_target("i"), stream="", kind="review", body={}, clock=clock)
        db.conn.execute("INSERT INTO seen_token VALUES ('i', x'00', ?)", (clock.wall_us(),))
    settle(db, [Tried(1, 0, 0, 200)], clock=clock, roll=lambda: 0.0)
    assert forget_old(db, settings, clock) == 0
    clock.advance(settings.sync.keep_days * 24 * 3600 + 1)
    assert forget_old(db, settings, clock) == 2
    assert status(db).targets[0].last_success_us is not None
    other = connect(settings.database)
    other.conn.execute("PRAGMA busy_timeout = 0")
    with write(other):
        other.conn.execute("DELETE FROM setting")
    other.conn.close()


def test_a_room_is_looked_at_every_ten_seconds_at_most(
    db: Database, settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the box asks whether its own sitting has all it needs; each sitting for itself."""
    looked: list[str] = []

    def look(_examined: object, _db: object, sitting: str) -> dict[str, str]:
        looked.append(sitting)
        return {"disk": str(len(looked))}

    monkeypatch.setattr(chores, "missing_in_room", look)
    room = chores.RoomLook(settings, clock)
    assert [room(db, "a"), room(db, "a"), room(db, "b")] == [{"disk": "1"}, {"disk": "1"}, {"disk": "2"}]
    clock.advance(10)
    assert room(db, "a") == {"disk": "3"}
    assert looked == ["a", "b", "a"]


def test_usb_events_are_forgotten_but_not_those_a_warning_rests_on(
    db: Database, settings: Settings, clock: ManualClock
) -> None:
    """After ninety days what was plugged in is forgotten; what people were warned of stays with the warning."""
    at_us = clock.wall_us()
    event = UsbEvent(at_us=at_us, kind="plugged", port="1-1", last_us=at_us, mode="armed")
    with write(db):
        note_event(db, event)
        note_event(db, msgspec.structs.replace(event, warning=7))
    clock.advance(89 * 24 * 3600)
    assert forget_old(db, settings, clock) == 0
    clock.advance(2 * 24 * 3600)
    assert forget_old(db, settings, clock) == 1
    assert [one.warning for one in events_of(db)] == [7]
