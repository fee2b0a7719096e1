"""From what changed at the hub to the signed changes that boxes pull.

What changes is noted by triggers in the transaction of the change (`database.hub_tables`), whoever changes it: the API,
a page, the command line. `publish` makes changes of the notes and takes them away, in one transaction. It runs before
anything of the feed is read, so nothing that is committed is missed, and nothing is told twice.

Versions and positions in the feed grow with the wall clock where that is ahead of them: a hub that was restored from
yesterday's backup goes on with higher ones than it had given before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.database import write
from appliance.errors import BadInputError
from appliance.exchange.centre.changes import Change, sign_change
from appliance.exchange.centre.kinds import ChangeKind
from appliance.hub.boxes import get_box
from appliance.hub.contents import Source, content_of, is_for_one_box
from appliance.hub.visible import boxes_seeing, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.hub.boxes import Box
    from appliance.hub.contents import Content
    from appliance.hub.identity import HubKeys
    from appliance.integrations.exchange_key import ExchangeKey

AT_ONCE: Final = 500
"""Notes that one transaction makes changes of."""
_MS: Final = 1000
_ORDER: Final = {kind: place for place, kind in enumerate(ChangeKind)}
_HANG_ON_SITTING: Final = (ChangeKind.ROSTER, ChangeKind.SEATING)
_LOG = log.get(__name__)


class Publisher:
    """Makes changes of what was noted.

    Args:
        keys: the hub's.
        exchange: opens the LMSs' secrets, which are sealed anew to each box.
        address: of the hub, for candidates and reviewers; empty where it is not set.
        clock: dates the changes.
    """

    def __init__(self, keys: HubKeys, exchange: ExchangeKey, *, address: str, clock: Clock) -> None:
        self._keys = keys
        self._exchange = exchange
        self._address = address
        self._clock = clock

    def publish(self, db: Database) -> int:
        """Publish all that was noted; return how many changes that made, over all boxes. Durable when it returns."""
        made = 0
        while db.conn.execute("SELECT EXISTS (SELECT 1 FROM hub_dirty)").fetchone()[0]:
            with write(db):
                notes = db.conn.execute("SELECT kind, id FROM hub_dirty LIMIT ?", (AT_ONCE,)).fetchall()
                db.conn.executemany("DELETE FROM hub_dirty WHERE kind = ? AND id = ?", notes)
                made += _Round(db, self._source(db), self._keys, self._clock.wall_us()).tell(notes)
        return made

    def _source(self, db: Database) -> Source:
        return Source(db, self._exchange, self._address, self._clock.wall_us())


class _Round:
    """One transaction's worth."""

    def __init__(self, db: Database, source: Source, keys: HubKeys, now_us: int) -> None:
        self._db = db
        self._source = source
        self._keys = keys
        self._now_us = now_us
        self._boxes: dict[str, Box] = {}
        self._signed: dict[tuple[str, str, bytes | None], Change] = {}
        (last,) = db.conn.execute("SELECT COALESCE(MAX(position), 0) FROM hub_feed").fetchone()
        self._position = int(last)

    def tell(self, notes: Iterable[tuple[str, str]]) -> int:
        made, whole = 0, set[str]()
        things = set[tuple[str, str]]()
        for kind, name in notes:
            if kind == "box":
                whole.add(name)
                continue
            things.add((kind, name))
            if kind == ChangeKind.SITTING:
                things |= {(str(other), name) for other in _HANG_ON_SITTING}
                whole |= boxes_seeing(self._db, kind, name) | self._holding(kind, name)
            elif kind == ChangeKind.EXAM:  # what is booked for it goes, and comes back, with it
                whole |= boxes_seeing(self._db, kind, name) ^ self._holding(kind, name)
        for kind, name in sorted(things, key=lambda one: (_ORDER[ChangeKind(one[0])], one[1])):
            seeing = boxes_seeing(self._db, kind, name)
            for box in sorted(seeing | self._holding(kind, name)):
                made += self._say(box, kind, name, seen=box in seeing)
        return made + sum(self._whole(box) for box in sorted(whole))

    def _whole(self, box: str) -> int:
        """Bring a box's feed to what it gets now; integrations are looked at anew, for its key may have changed."""
        wanted = visible(self._db, box)
        held = {
            (str(kind), str(name))
            for kind, name in self._db.conn.execute(
                "SELECT kind, id FROM hub_feed WHERE box = ? AND NOT deleted", (box,)
            )
        }
        news = (wanted - held) | {one for one in wanted if is_for_one_box(one[0])}
        ordered = sorted(news, key=lambda one: (_ORDER[ChangeKind(one[0])], one[1]))
        made = sum(self._say(box, kind, name, seen=True) for kind, name in ordered)
        gone = sorted(held - wanted, key=lambda one: (-_ORDER[ChangeKind(one[0])], one[1]))
        return made + sum(self._say(box, kind, name, seen=False) for kind, name in gone)

    def _say(self, box: str, kind: str, name: str, *, seen: bool) -> int:
        """Put a change into one box's feed, if there is something new in it; return how many."""
        content = content_of(self._source, kind, name, self._box(box)) if seen else None
        told = self._db.conn.execute(
            "SELECT deleted, content, sitting FROM hub_feed WHERE box = ? AND kind = ? AND id = ?", (box, kind, name)
        ).fetchone()
        if content is None and (told is None or told[0]):
            return 0
        if content is not None and told is not None and not told[0] and bytes(told[1]) == content.print:
            return 0
        change = self._change(kind, name, content, str(told[2]) if content is None else content.sitting)
        if change is None:
            return 0
        self._position = max(self._position + 1, self._now_us)
        self._db.conn.execute(
            "INSERT OR REPLACE INTO hub_feed (box, kind, id, position, version, deleted, at_us, sitting, body,"
            " signature, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                box, kind, name, self._position, change.version, change.deleted, change.at_us, change.sitting,
                change.body, change.signature, b"" if content is None else content.print,
            ),
        )  # fmt: skip
        return 1

    def _change(self, kind: str, name: str, content: Content | None, sitting: str) -> Change | None:
        """Return the signed change, one for all boxes that are told the same; None where it cannot be sent."""
        key = (kind, name, None if content is None else content.print)
        known = None if is_for_one_box(kind) else self._signed.get(key)
        if known is not None:
            return known
        try:
            change = sign_change(
                self._keys.sign_private,
                hub=self._keys.id,
                kind=kind,
                id=name,
                version=self._next_version(kind, name),
                at_us=self._now_us,
                body=None if content is None else content.body,
                sitting=sitting,
            )
        except BadInputError as problem:
            _LOG.error("a change is too long to be told", kind=kind, id=name, reason=problem.message)
            return None
        self._signed[key] = change
        return change

    def _next_version(self, kind: str, name: str) -> int:
        (version,) = self._db.conn.execute(
            "INSERT INTO hub_version (kind, id, version) VALUES (?1, ?2, max(1, ?3)) ON CONFLICT (kind, id) DO UPDATE"
            " SET version = max(version + 1, ?3) RETURNING version",
            (kind, name, self._now_us // _MS),
        ).fetchone()
        return int(version)

    def _holding(self, kind: str, name: str) -> set[str]:
        rows = self._db.conn.execute("SELECT box FROM hub_feed WHERE kind = ? AND id = ? AND NOT deleted", (kind, name))
        return {str(row[0]) for row in rows}

    def _box(self, name: str) -> Box:
        if name not in self._boxes:
            self._boxes[name] = get_box(self._db, name)
        return self._boxes[name]
