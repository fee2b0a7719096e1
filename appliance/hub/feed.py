"""What a box pulls: its changes in the order they were made, by a cursor only this hub can read."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from appliance.exchange.centre.changes import Change
from appliance.exchange.centre.messages import PullAnswer, fitting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

    from appliance.exchange.centre.messages import PullRequest
    from appliance.hub.identity import HubFacts

_MAC_DIGITS: Final = 24
_SELECT: Final = "SELECT kind, id, version, deleted, at_us, sitting, body, signature, position FROM hub_feed"


def pull(db: Database, box: str, asked: PullRequest, *, hub: HubFacts) -> PullAnswer:
    """Return what has changed for a box since its cursor; publish first (`Publisher.publish`).

    A cursor that is not of this hub and box, or is ahead of it (the hub was restored), begins from the start: things
    are known by version, so that costs time alone.
    """
    since = position_of(asked.cursor, box, hub=hub)
    if since > newest_position(db, box):
        since = 0
    rows = db.conn.execute(
        f"{_SELECT} WHERE box = ? AND position > ? ORDER BY position LIMIT ?",
        (box, since, asked.limit + 1),
    ).fetchall()
    changes = [_change(row, hub.id) for row in rows[: asked.limit]]
    count = fitting(changes, most=asked.limit)
    position = int(rows[count - 1][-1]) if count else since
    return PullAnswer(changes=tuple(changes[:count]), cursor=cursor_at(position, box, hub=hub), more=len(rows) > count)


def every_change(db: Database, box: str, *, hub: HubFacts) -> Iterator[Change]:
    """Return all that a box gets, tombstones included, in order: for a stick."""
    sql = f"{_SELECT} WHERE box = ? ORDER BY position"
    for row in db.conn.execute(sql, (box,)):
        yield _change(row, hub.id)


def newest_position(db: Database, box: str) -> int:
    """Return the position of a box's newest change, 0 where there is none."""
    (newest,) = db.conn.execute("SELECT COALESCE(MAX(position), 0) FROM hub_feed WHERE box = ?", (box,)).fetchone()
    return int(newest)


def newest_positions(db: Database) -> dict[str, int]:
    """Return the position of the newest change of every box that has one."""
    rows = db.conn.execute("SELECT b.id, (SELECT MAX(position) FROM hub_feed f WHERE f.box = b.id) FROM hub_box b")
    return {str(box): int(position) for box, position in rows if position is not None}


def cursor_at(position: int, box: str, *, hub: HubFacts) -> str:
    """Return the cursor of a position, empty for the beginning."""
    return f"{position:x}.{_mac(position, box, hub)}" if position else ""


def position_of(cursor: str, box: str, *, hub: HubFacts) -> int:
    """Return the position of a cursor, 0 where it is not of this hub and box."""
    number, _, mac = cursor.partition(".")
    try:
        position = int(number, 16)
    except ValueError:
        return 0
    if position <= 0 or not hmac.compare_digest(mac.encode(), _mac(position, box, hub).encode()):
        return 0
    return position


def _mac(position: int, box: str, hub: HubFacts) -> str:
    return hmac.new(hub.cursor_key, f"{box}\n{position}".encode(), hashlib.sha256).hexdigest()[:_MAC_DIGITS]


def _change(row: tuple[str, str, int, int, int, str, str, str, int], hub: str) -> Change:
    kind, name, version, deleted, at_us, sitting, body, signature, _ = row
    return Change(
        hub=hub, kind=kind, id=name, version=version, deleted=bool(deleted), at_us=at_us, sitting=sitting, body=body,
        signature=signature,
    )  # fmt: skip
