"""Recordings the centre asks for, and what it says has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.context import Taking, body_of
from appliance.errors import BadInputError
from appliance.exchange.centre.bodies import ReceiptBody
from appliance.exchange.centre.messages import MediaRequest
from appliance.outbox.rows import CENTRE

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change


def take_media_request(db: Database, change: Change, taking: Taking) -> str:
    """Note that a recording is asked for, or is not any more; it is sent by itself, behind everything else.

    Raises:
        BadInputError: the range is empty.
    """
    now = taking.clock.wall_us()
    if change.deleted:
        db.conn.execute(
            "UPDATE centre_media SET state = 'withdrawn', changed_us = ? WHERE id = ? AND state = 'asked'",
            (now, change.id),
        )
        return change.id
    asked = body_of(MediaRequest, change)
    if asked.to_us <= asked.from_us:
        raise BadInputError("The range of the recording that is asked for is empty.")
    db.conn.execute(
        "INSERT INTO centre_media (id, hub, sitting, camera, session, from_us, to_us, why, asked_us, changed_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) ON CONFLICT (id) DO UPDATE SET hub = ?2, sitting = ?3,"
        " camera = ?4, session = ?5, from_us = ?6, to_us = ?7, why = ?8, state = 'asked', reason = '', changed_us = ?9",
        (
            change.id, change.hub, asked.sitting, asked.camera, asked.session, asked.from_us, asked.to_us,
            asked.reason, now,
        ),
    )  # fmt: skip
    detail = {"media": change.id, "sitting": asked.sitting, "camera": asked.camera}
    taking.cause(change).log(db, "centre.media_asked", detail, why=asked.reason)
    return change.id


def take_receipt(db: Database, change: Change, taking: Taking) -> str:
    """Note that items are durable at the centre, which a stick brought there.

    Raises:
        BadInputError: it is another box's.
    """
    if change.deleted:
        return ""
    told = body_of(ReceiptBody, change)
    if told.box != taking.box:
        raise BadInputError(f"The receipt is for {told.box}, not for this box.")
    now, arrived = taking.clock.wall_us(), 0
    for first, last in told.ranges:
        arrived += db.conn.execute(
            "UPDATE delivery SET state = 'delivered', settled_us = ?, next_try_us = 0, reason = '' WHERE epoch = ?"
            " AND seq BETWEEN ? AND ? AND target = ? AND state IN ('waiting', 'parked')",
            (now, told.epoch, first, last, CENTRE),
        ).rowcount
    if arrived:
        taking.cause(change).log(db, "centre.receipt", {"epoch": told.epoch, "arrived": arrived})
    return ""
