"""What boxes push: each item once, in order of its stream, with all that follows from it in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exchange.centre.items import ItemError, check_item
from appliance.exchange.centre.messages import PushAnswer, PushResult
from appliance.hub.effects import Effects, UnusableError
from appliance.hub.older_words import OLDER, OlderWords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.items import Item
    from appliance.exchange.idempotency import DeliveryKey

Result: TypeAlias = Literal["stored", "known", "refused", "conflict", "waits"]
_What: TypeAlias = tuple[str, str, int, str]
"""Kind, stream, moment by the box's clock, and hash of an item: what it is, whatever its key."""
_CLOCKS_DIFFER_US: Final = 24 * 3600 * SECOND_US
_MAX_REASON: Final = 500
_INSERT: Final = (
    "INSERT INTO hub_item (box, epoch, seq, kind, stream, at_us, body, sha256, received_us, note)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def push(db: Database, box: str, items: Sequence[Item], *, clock: Clock, epoch: str = "") -> PushAnswer:
    """Take a batch in; what is answered ``stored`` or ``known`` is durable, with what the LMSs are told of it.

    ``epoch`` is the sender's present one, empty where it is not known: what it inherited of another may be older than
    what is here of the same thing, and is then kept as history alone (`older_words`).

    Of a stream nothing is taken after one that was not: those behind it are answered ``waits``. Items without a stream
    wait for none. The same key with the same content of the same moment is ``known``, however often and in whatever
    batch it comes; so is what came under another key, where a box and its copy both told it again after a conflict.
    """
    with write(db):
        return _Batch(db, box, clock, epoch).take(items)


class _Batch:
    def __init__(self, db: Database, box: str, clock: Clock, epoch: str) -> None:
        self._db = db
        self._box = box
        self._epoch = epoch
        self._now_us = clock.wall_us()
        self._effects = Effects(db, box, clock=clock)
        self._held: dict[tuple[str, int], _What] = {}
        self._told_again: set[_What] = set()
        self._blocked: set[str] = set()
        self._acknowledged: list[tuple[str, int]] = []
        self._rows: list[tuple[object, ...]] = []

    def take(self, items: Sequence[Item]) -> PushAnswer:
        checked = [(item, self._checked(item)) for item in items]
        keys = [key for _, key in checked if not isinstance(key, str)]
        self._look_up(keys)
        self._older = OlderWords(self._db, self._box, self._epoch, [key.epoch for key in keys])
        self._look_for_told_again(items)
        results = [self._one(item, key) for item, key in checked]
        self._db.conn.executemany(_INSERT, self._rows)
        self._note_epochs()
        self._effects.finish()
        return PushAnswer(results=tuple(results), before=self._older.highest)

    def _checked(self, item: Item) -> DeliveryKey | str:
        try:
            return check_item(item, box=self._box)
        except ItemError as problem:
            return f"{problem.reason}: {problem.message}"

    def _look_up(self, keys: list[DeliveryKey]) -> None:
        """Read what is here of the batch's keys: one question for each epoch, by its range of numbers."""
        by_epoch: dict[str, list[int]] = {}
        for key in keys:
            by_epoch.setdefault(key.epoch, []).append(key.seq)
        for epoch, numbers in by_epoch.items():
            marks = ", ".join("?" * len(numbers))
            rows = self._db.conn.execute(
                "SELECT seq, kind, stream, at_us, sha256 FROM hub_item WHERE box = ? AND epoch = ?"  # noqa: S608  question marks
                f" AND seq IN ({marks})",
                (self._box, epoch, *numbers),
            )
            self._held |= {(epoch, int(seq)): (*what,) for seq, *what in rows}

    def _look_for_told_again(self, items: Sequence[Item]) -> None:
        """Find what is here under another key: only a box that ever had a conflict has told things under two.

        A box that was restored numbers things anew that the hub then refuses; a copy that was made before it learnt so
        does the same with the same things.
        """
        (last_us,) = self._db.conn.execute(
            "SELECT MAX(conflict_us) FROM hub_epoch WHERE box = ?", (self._box,)
        ).fetchone()
        old = [] if last_us is None else [item.sha256 for item in items if item.at_us < last_us + _CLOCKS_DIFFER_US]
        if not old:
            return
        rows = self._db.conn.execute(
            "SELECT kind, stream, at_us, sha256 FROM hub_item WHERE box = ? AND sha256 IN"  # noqa: S608  question marks
            f" ({', '.join('?' * len(old))})",
            (self._box, *old),
        )
        self._told_again = set(rows.fetchall())

    def _one(self, item: Item, key: DeliveryKey | str) -> PushResult:
        if isinstance(key, str):
            return self._not_taken(item, "refused", key)
        what = (item.kind, item.stream, item.at_us, item.sha256)
        held = self._held.get((key.epoch, key.seq))
        if held == what or what in self._told_again:
            self._acknowledged.append((key.epoch, key.seq))
            return PushResult(key=item.key, result="known")
        if held is not None:
            self._effects.conflict(key.epoch)
            return self._not_taken(item, "conflict", "Another content has this key here.")
        if item.stream and item.stream in self._blocked:
            return PushResult(key=item.key, result="waits", reason="An earlier one of its stream was not taken.")
        try:
            note = OLDER if self._older.is_older(item, key) else self._effects.of(item)
        except UnusableError as problem:
            return self._not_taken(item, "refused", f"{problem.reason}: {problem.message}")
        self._held[key.epoch, key.seq] = what
        self._acknowledged.append((key.epoch, key.seq))
        self._rows.append((
            self._box, key.epoch, key.seq, item.kind, item.stream, item.at_us, item.body, item.sha256, self._now_us,
            note,
        ))  # fmt: skip
        return PushResult(key=item.key, result="stored")

    def _not_taken(self, item: Item, result: Result, reason: str) -> PushResult:
        if item.stream:
            self._blocked.add(item.stream)
        return PushResult(key=item.key, result=result, reason=reason[:_MAX_REASON])

    def _note_epochs(self) -> None:
        highest: dict[str, int] = {}
        for epoch, seq in self._acknowledged:
            highest[epoch] = max(highest.get(epoch, 0), seq)
        self._db.conn.executemany(
            "INSERT INTO hub_epoch (box, epoch, machine, held_seq, first_us, seen_us) VALUES (?1, ?2, '', ?3, ?4, ?4)"
            " ON CONFLICT (box, epoch) DO UPDATE SET held_seq = max(held_seq, ?3), seen_us = max(seen_us, ?4)",
            [(self._box, epoch, seq, self._now_us) for epoch, seq in highest.items()],
        )
        self._db.conn.execute("UPDATE hub_box SET pushed_us = ? WHERE id = ?", (self._now_us, self._box))
