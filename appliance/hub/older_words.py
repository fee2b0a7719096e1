"""Whether an item is an older word than what is here of the same thing.

A restored box, and a copy of one, tell what they had not told before, under the numbers it had then. What is older than
something that came meanwhile is kept as history; it does not become the present state, and no LMS is told of it.

The rule (``docs/decisions/0009-centre-protocol.md``): within one epoch the number decides, for a box tells each stream
in its order. Of an epoch that is not the sender's present one (it was inherited), what another epoch told of the same
thing is newer where it happened later. What the sender numbered in its present epoch is its present word, always.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exchange.centre.kinds import ItemKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.exchange.centre.items import Item
    from appliance.exchange.idempotency import DeliveryKey

OLDER: Final = "older than what was told before: kept, and not passed on"
"""The note of such an item."""
_STATES: Final = frozenset({ItemKind.SESSION, ItemKind.REVIEW, ItemKind.SITTING_EVENT, ItemKind.REGISTER})
"""Kinds that say how something stands: the newest is all that counts."""
_MOVING: Final = frozenset(name for name, rule in SITTING_TABLE.items() if rule.target is not None)
"""Events after which a sitting stands otherwise: one of these is not made older by one that moves nothing."""
_NAMES: Final = json.dumps(sorted(_MOVING))
_SAME: Final = (
    "SELECT 1 FROM hub_item INDEXED BY hub_item_stream WHERE box = :box AND stream = :stream AND kind = :kind"
    " AND (:what = '' OR json_extract(body, '$.kind') = :what)"
    " AND (NOT :moving OR json_extract(body, '$.event.name') IN (SELECT value FROM json_each(:names)))"
)
_LATER_NUMBER: Final = f"{_SAME} AND epoch = :epoch AND seq > :seq LIMIT 1"
_LATER_MOMENT: Final = f"{_SAME} AND epoch NOT IN (:epoch, :present) AND at_us > :at_us LIMIT 1"


class _Event(msgspec.Struct, frozen=True):
    name: str = ""


class _About(msgspec.Struct, frozen=True):
    """What an item is about, as far as it decides what it is compared with."""

    kind: str = ""
    event: _Event = _Event()


class OlderWords:
    """What is the newest word of one box on each thing, for one batch, in its transaction.

    Args:
        db: the hub's database.
        box: whose items.
        present: the sender's present epoch; empty where nobody knows it (a stick): nothing counts as inherited then.
        epochs: of the batch's keys.

    Attributes:
        highest: of each of these epochs the highest number that was here before the batch.
    """

    def __init__(self, db: Database, box: str, present: str, epochs: Iterable[str]) -> None:
        self._db, self._box, self._present = db, box, present
        self.highest = {epoch: _highest(db, box, epoch) for epoch in set(epochs)}

    def is_older(self, item: Item, key: DeliveryKey) -> bool:
        """Return whether something newer is here of what a new item says; asks only where that may be.

        What this batch brings itself is in the sender's order.
        """
        before = self.highest.get(key.epoch, 0)
        inherited = self._present not in {"", key.epoch}
        if item.kind not in _STATES or not item.stream or (key.seq > before and not inherited):
            return False
        about = _about(item)
        named = {
            "box": self._box, "stream": item.stream, "kind": item.kind, "epoch": key.epoch, "seq": key.seq,
            "what": about.kind if item.kind == ItemKind.SESSION else "", "at_us": item.at_us,
            "moving": item.kind == ItemKind.SITTING_EVENT and about.event.name in _MOVING, "names": _NAMES,
            "present": self._present,
        }  # fmt: skip
        questions = [_LATER_NUMBER] * (key.seq < before) + [_LATER_MOMENT] * inherited
        return any(self._db.conn.execute(one, named).fetchone() for one in questions)


def _about(item: Item) -> _About:
    try:
        return msgspec.json.decode(item.body, type=_About)
    except msgspec.ValidationError:  # it is refused for its form where what follows from it is worked out
        return _About()


def _highest(db: Database, box: str, epoch: str) -> int:
    row = db.conn.execute("SELECT held_seq FROM hub_epoch WHERE box = ? AND epoch = ?", (box, epoch)).fetchone()
    return 0 if row is None else int(row[0])
