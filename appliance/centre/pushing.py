"""Outbox rows for the centre as items in batches, and what becomes of each when the centre has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.auditlog import append
from appliance.database import write
from appliance.exchange.centre.items import ItemError, item_of
from appliance.exchange.centre.messages import MAX_ITEMS, fitting
from appliance.exchange.idempotency import DeliveryKey
from appliance.outbox import targets
from appliance.outbox.begun import note_begun
from appliance.outbox.epochs import begin_epoch, present_epoch
from appliance.outbox.rows import CENTRE, SELECT, Delivery
from appliance.outbox.settling import KEPT_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.items import Item
    from appliance.exchange.centre.messages import PushResult

_LOG: Final = log.get(__name__)
_MAX_REASON: Final = 500
_OK: Final = 200
ARRIVED: Final = frozenset({"stored", "known"})
"""Results that acknowledge an item."""
_WAITING: Final = "SELECT id FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked') AND target = ?"
_PARKED: Final = (
    "SELECT DISTINCT stream FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked')"
    " AND state = 'parked' AND target = ? AND stream <> ''"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes in one request: rows and their items, in the same order."""

    rows: tuple[Delivery, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a batch: how many arrived, were parked, got another key, or were left."""

    arrived: int = 0
    parked: int = 0
    renamed: int = 0
    left: int = 0


def next_batch(db: Database, *, box: str, clock: Clock, skip: int = 0) -> Batch | None:
    """Return the oldest items that may be sent, None where there are none. One that is too long is parked.

    Nothing of a stream is sent behind a parked item of it; items without a stream wait for none.

    Args:
        db: the box's database.
        box: its name in keys.
        clock: dates what is parked.
        skip: rows up to this id are left out, for it is known that they do not go now.
    """
    parked = {str(row[0]) for row in db.conn.execute(_PARKED, (CENTRE,))}
    rows: list[Delivery] = []
    items: list[Item] = []
    for row in _oldest(db, skip, parked):
        try:
            key = DeliveryKey(box, row.epoch, row.seq)
            items.append(item_of(key, kind=row.kind, stream=row.stream, at_us=row.cause_us, body=row.text))
        except ItemError as problem:
            with write(db):
                _park(db, row, problem.message, clock)
            return next_batch(db, box=box, clock=clock, skip=skip)
        rows.append(row)
    if not rows:
        return None
    count = fitting(items)
    return Batch(tuple(rows[:count]), tuple(items[:count]))


def begun(db: Database, batch: Batch, *, clock: Clock) -> Batch:
    """Note durably that a batch leaves, and return what may: without what was superseded since it was read."""
    may = note_begun(db, batch.rows, at_us=clock.wall_us())
    if len(may) == len(batch.rows):
        return batch
    kept = [(row, item) for row, item in zip(batch.rows, batch.items, strict=True) if row.id in may]
    return Batch(tuple(row for row, _ in kept), tuple(item for _, item in kept))


def settle_push(
    db: Database, batch: Batch, results: Sequence[PushResult], *, at_us: int, took_us: int, clock: Clock
) -> Pushed:
    """Note what became of a batch, in one durable transaction.

    What is stored or known has arrived; what is refused is parked for a person; of what conflicts with something else
    under its key a new epoch begins and it is told again under a new key; what waits is left as it is.

    Raises:
        ValueError: the answer is not about this batch.
    """
    if [one.key for one in results] != [one.key for one in batch.items]:
        raise ValueError("the answer is not about what was sent")
    now_us = clock.wall_us()
    with write(db):
        _note_attempts(db, batch, results, at_us=at_us, took_us=took_us)
        arrived = [row for row, one in zip(batch.rows, results, strict=True) if one.result in ARRIVED]
        db.conn.executemany(
            "UPDATE delivery SET state = 'delivered', attempts = attempts + 1, settled_us = ?, next_try_us = 0,"
            " reason = '' WHERE id = ?",
            [(now_us, row.id) for row in arrived],
        )
        others = [(row, one) for row, one in zip(batch.rows, results, strict=True) if one.result not in ARRIVED]
        for row, one in others:
            db.conn.execute("UPDATE delivery SET attempts = attempts + 1 WHERE id = ?", (row.id,))
            if one.result == "refused":
                _park(db, row, one.reason, clock)
        conflicting = [row for row, one in others if one.result == "conflict"]
        if conflicting:
            _rename(db, conflicting, clock)
        if arrived:
            targets.note_success(db, CENTRE, now_us=now_us)
        else:
            targets.note_answer(db, CENTRE, now_us=now_us)
    parked = sum(one.result == "refused" for _, one in others)
    return Pushed(len(arrived), parked, len(conflicting), len(others) - parked - len(conflicting))


def park_one(db: Database, row: Delivery, why: str, *, clock: Clock) -> None:
    """Park an item whose request the centre refuses even alone."""
    with write(db):
        db.conn.execute("UPDATE delivery SET attempts = attempts + 1 WHERE id = ?", (row.id,))
        _park(db, row, why, clock)


def note_trouble(
    db: Database,
    why: str,
    *,
    clock: Clock,
    roll: Callable[[], float],
    retry_after_s: float = 0.0,
) -> int:
    """Note that the centre was not there; return when to try again (UTC)."""
    with write(db):
        targets.note_failure(
            db,
            CENTRE,
            why[:_MAX_REASON],
            now_us=clock.wall_us(),
            silent=True,
            roll=roll(),
            retry_after_s=retry_after_s,
        )
    return targets.target_state(db, CENTRE).next_try_us


def note_well(db: Database, *, clock: Clock) -> None:
    """Note that the centre answers again, where it did not."""
    if targets.target_state(db, CENTRE).silent_since_us is not None:
        with write(db):
            targets.note_answer(db, CENTRE, now_us=clock.wall_us())


def _oldest(db: Database, skip: int, parked: set[str]) -> list[Delivery]:
    """Return the oldest rows that may go; ids first, so that bodies are read of these alone."""
    found: list[Delivery] = []
    after = skip
    while len(found) < MAX_ITEMS:
        ids = [
            row[0] for row in db.conn.execute(f"{_WAITING} AND id > ? ORDER BY id LIMIT ?", (CENTRE, after, MAX_ITEMS))
        ]
        if not ids:
            break
        after = ids[-1]
        marks = ", ".join("?" * len(ids))
        rows = db.conn.execute(f"{SELECT} WHERE id IN ({marks}) AND state = 'waiting' ORDER BY id", ids)
        found += [one for one in (Delivery(*row) for row in rows) if one.stream not in parked]
    return found[:MAX_ITEMS]


def _note_attempts(db: Database, batch: Batch, results: Sequence[PushResult], *, at_us: int, took_us: int) -> None:
    db.conn.executemany(
        "INSERT OR REPLACE INTO delivery_attempt (delivery, number, at_us, took_us, status, body, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (row.id, row.attempts + 1, at_us, took_us, _OK, one.result, one.reason[:_MAX_REASON])
            for row, one in zip(batch.rows, results, strict=True)
        ],
    )
    db.conn.executemany(
        "DELETE FROM delivery_attempt WHERE delivery = ? AND number <= ?",
        [(row.id, row.attempts + 1 - KEPT_ATTEMPTS) for row in batch.rows if row.attempts >= KEPT_ATTEMPTS],
    )


def _park(db: Database, row: Delivery, why: str, clock: Clock) -> None:
    db.conn.execute(
        "UPDATE delivery SET state = 'parked', refusals = refusals + 1, reason = ? WHERE id = ? AND state = 'waiting'",
        (why[:_MAX_REASON], row.id),
    )
    detail = {"delivery": row.id, "target": CENTRE, "kind": row.kind, "status": _OK, "refusals": row.refusals + 1}
    append(db, "delivery.parked", clock=clock, detail=detail)
    _LOG.warning("the centre refuses an item", delivery=row.id, kind=row.kind, why=why)


def _rename(db: Database, rows: Sequence[Delivery], clock: Clock) -> None:
    """Give items that conflict a new key; of the present epoch where another batch began that already."""
    present = present_epoch(db)
    if present is None or any(row.epoch == present for row in rows):
        present = begin_epoch(db, "conflict", clock)
    for row in rows:
        (seq,) = db.conn.execute(
            "UPDATE epoch SET last_seq = last_seq + 1 WHERE name = ? RETURNING last_seq", (present,)
        ).fetchone()
        db.conn.execute("UPDATE delivery SET epoch = ?, seq = ? WHERE id = ?", (present, seq, row.id))
    _LOG.warning("items were told again under new keys", count=len(rows), epoch=present)
