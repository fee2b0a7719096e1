"""Putting deliveries into the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.database import write
from appliance.exchange.idempotency import parse_delivery_key
from appliance.outbox import (
    begin_epoch,
    get_delivery,
    identity,
    lms_target,
    put,
    remember_box,
    status,
    waiting,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exchange.idempotency import DeliveryKey

LMS = lms_target("i1")


def one(
    db: Database, clock: ManualClock, n: int = 0, *, stream: str = "s1", kind: str = "review", newest: bool = False
) -> DeliveryKey:
    """Put one delivery in a transaction of its own."""
    with write(db):
        return put(db, target=LMS, stream=stream, kind=kind, body={"n": n}, clock=clock, supersedes=newest)


def test_a_delivery_stands_or_falls_with_its_cause(db: Database, clock: ManualClock) -> None:
    """Where the cause's transaction is rolled back, neither the delivery nor its number is there."""
    one(db, clock, 1)
    db.conn.execute("BEGIN IMMEDIATE")
    put(db, target=LMS, stream="s1", kind="review", body={}, clock=clock)
    db.conn.execute("ROLLBACK")
    assert [row.body for row in waiting(db)] == [{"n": 1}]
    assert one(db, clock, 2).seq == 2


def test_outside_a_transaction_nothing_is_put(db: Database, clock: ManualClock) -> None:
    """A delivery without the transaction of a cause is a mistake of the program."""
    with pytest.raises(ValueError, match="transaction"):
        put(db, target=LMS, stream="s1", kind="review", body={}, clock=clock)
    assert waiting(db) == []


@pytest.mark.parametrize(
    ("target", "stream", "kind"),
    [("lms:", "s", "review"), ("elsewhere", "s", "review"), (LMS, "x" * 201, "review"), (LMS, "s", "Not a kind")],
)
def test_a_wrong_address_is_refused(db: Database, clock: ManualClock, target: str, stream: str, kind: str) -> None:
    """Target, stream and kind have one form, so that nothing waits where nobody looks."""
    with pytest.raises(ValueError, match="no delivery"), write(db):
        put(db, target=target, stream=stream, kind=kind, body={}, clock=clock)
    assert waiting(db) == []


def test_numbers_grow_by_one_within_an_epoch_and_begin_anew_with_the_next(db: Database, clock: ManualClock) -> None:
    """Keys of one epoch sort as their causes happened; a new epoch leaves those that wait as they are."""
    remember_box(db, "box-1", clock)
    first = [one(db, clock, n) for n in range(3)]
    assert [key.seq for key in first] == [1, 2, 3]
    assert parse_delivery_key(str(first[0])) == first[0]
    clock.step(-3600)
    begin_epoch(db, "restored", clock)
    after = one(db, clock, 4)
    assert (after.box, after.seq) == ("box-1", 1)
    assert after.epoch == identity(db, clock=clock).epoch != first[0].epoch
    assert [(row.epoch, row.seq) for row in waiting(db)] == [(key.epoch, key.seq) for key in [*first, after]]


def test_a_database_brought_to_other_keys_begins_a_new_epoch(db: Database, clock: ManualClock) -> None:
    """Two boxes with one past do not share a delivery's key; the same box keeps its epoch."""
    before = remember_box(db, "box-1", clock)
    assert remember_box(db, "box-1", clock) == before
    other = remember_box(db, "box-2", clock)
    assert other.box == "box-2"
    assert other.epoch != before.epoch


def test_what_says_everything_anew_replaces_what_was_never_tried(db: Database, clock: ManualClock) -> None:
    """Only the same target, stream and kind is superseded, and nothing that may have arrived already."""
    tried, old = one(db, clock, 1), one(db, clock, 2)
    other_kind, other_stream = one(db, clock, 3, kind="warning"), one(db, clock, 4, stream="s2")
    db.conn.execute("UPDATE delivery SET attempts = 1 WHERE seq = ?", (tried.seq,))
    newest = one(db, clock, 5, newest=True)
    assert [row.seq for row in waiting(db)] == [key.seq for key in (tried, other_kind, other_stream, newest)]
    gone = get_delivery(db, 2)
    assert (gone.seq, gone.state, gone.settled_us) == (old.seq, "superseded", clock.wall_us())


def test_status_says_how_each_target_stands(db: Database, clock: ManualClock) -> None:
    """Backlog, oldest, next try, the last success and why, of each target."""
    assert status(db).targets == ()
    caused_us = clock.wall_us()
    one(db, clock, 1)
    clock.advance(10)
    one(db, clock, 2, stream="s2")
    one(db, clock, 3, stream="s2")
    with write(db):
        put(db, target="centre", stream="", kind="register", body={}, clock=clock)
    db.conn.execute("UPDATE delivery SET attempts = 1, next_try_us = 77, reason = 'no answer' WHERE id = 1")
    db.conn.execute("UPDATE delivery SET state = 'parked' WHERE id = 2")
    centre, lms = status(db).targets
    assert (centre.target, centre.backlog, centre.next_try_us, centre.last_error) == ("centre", 1, 0, "")
    assert (lms.target, lms.backlog, lms.parked, lms.blocked, lms.oldest_us) == (LMS, 3, 1, 1, caused_us)
    assert (lms.next_try_us, lms.last_error, lms.last_success_us) == (77, "no answer", None)
    assert (status(db).backlog, status(db).parked, status(db).oldest_us) == (4, 1, caused_us)
