"""Putting a delivery into the outbox: in the transaction of its cause, so that neither is there without the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exchange.idempotency import DeliveryKey
from appliance.outbox.begun import SUPERSEDED
from appliance.outbox.epochs import identity

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.json_edge import JsonObject

_TARGET: Final = re.compile(r"centre|lms:[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KIND: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_MAX_STREAM: Final = 200


def put(
    db: Database, *, target: str, stream: str, kind: str, body: JsonObject, clock: Clock, supersedes: bool = False
) -> DeliveryKey:
    """Add a delivery to the transaction that is open.

    Args:
        db: the box's database, inside ``with write(db)``.
        target: ``lms:<integration>`` (`outbox.lms_target`) or ``centre``.
        stream: deliveries of one target and stream arrive in the order they were put; of others side by side.
            A session's id; empty for what belongs to none.
        kind: what it is.
        body: sent as it is.
        clock: dates it.
        supersedes: it says all that older ones of its target, stream and kind say: those that wait and were never
            tried are not sent any more. For kinds of `begun.SUPERSEDED`.

    Returns:
        Its key; of a box whose name is not known yet, with `epochs.UNNAMED` in its place.

    Raises:
        ValueError: no transaction is open, or target, stream or kind has a wrong form, or is never superseded.
    """
    if not db.conn.in_transaction:
        raise ValueError("a delivery is put in the transaction of its cause: with write(db)")
    if not _TARGET.fullmatch(target) or not _KIND.fullmatch(kind) or len(stream) > _MAX_STREAM:
        raise ValueError(f"no delivery can be of target {target!r}, stream {stream!r}, kind {kind!r}")
    if supersedes and kind not in SUPERSEDED:
        raise ValueError(f"of kind {kind!r} nobody notes what is on its way: nothing of it is superseded")
    who = identity(db, clock=clock)
    now_us = clock.wall_us()
    if supersedes:
        _supersede(db, target, stream, kind, now_us)
    (seq,) = db.conn.execute(
        "UPDATE epoch SET last_seq = last_seq + 1 WHERE name = ? RETURNING last_seq", (who.epoch,)
    ).fetchone()
    db.conn.execute(
        "INSERT INTO delivery (epoch, seq, target, stream, kind, body, cause_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (who.epoch, seq, target, stream, kind, msgspec.json.encode(body).decode(), now_us),
    )
    return DeliveryKey(who.box, who.epoch, int(seq))


def _supersede(db: Database, target: str, stream: str, kind: str, now_us: int) -> None:
    """Settle what a new delivery says as well; one that was tried may have arrived, so it is tried to the end."""
    db.conn.execute(
        "UPDATE delivery INDEXED BY delivery_open SET state = 'superseded', settled_us = ? "
        "WHERE state IN ('waiting', 'parked') AND state = 'waiting' AND target = ? AND stream = ? AND kind = ?"
        " AND attempts = 0 AND NOT EXISTS (SELECT 1 FROM delivery_attempt a WHERE a.delivery = delivery.id)",
        (now_us, target, stream, kind),
    )
