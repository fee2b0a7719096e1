"""The stick at the box: what waits for the centre as a file, and the centre's changes taken in; as often as one likes.

Items go on waiting until the centre says that it has them: a receipt on its next stick, or by network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.auditlog import append
from appliance.centre.epoch_keeping import EpochKeeper, database_mark
from appliance.centre.store import get_centre
from appliance.centre.taking_over import Taken, take_changes
from appliance.centre.witness import read_witness, witness_path
from appliance.database import write
from appliance.errors import ConflictError, UnavailableError
from appliance.exchange.centre.bundle import MAX_FILE, BundleError, open_bundle, seal_bundle
from appliance.exchange.centre.items import ItemError, item_of
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.messages import fitting
from appliance.exchange.idempotency import DeliveryKey
from appliance.outbox.begun import note_begun
from appliance.outbox.rows import CENTRE, SELECT, Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.centre.context import Taking
    from appliance.exchange.centre.epochs import Mark
    from appliance.exchange.centre.items import Item

_NUMBER_BYTES: Final = 16
_AT_ONCE: Final = 500
_CHUNK: Final = 500
_MOST: Final = 200_000
_SPARE: Final = 64 * 1024
_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Written:
    """A file for the centre: what is in it, and how many items did not fit and need another."""

    data: bytes
    number: str
    items: int
    left: int


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a file of the centre.

    Attributes:
        number: the file's.
        changes: how many it holds.
        taken: what became of them.
        receipts: how many items the centre has now and had not before, as the box knows.
        before_us: when this very file was read the last time, None the first time.
    """

    number: str
    changes: int
    taken: Taken
    receipts: int
    before_us: int | None


class StickFact(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written or read here; ``result`` counts by what became of it."""

    number: str
    way: Literal["in", "out"]
    created_us: int
    at_us: int
    who: str
    count: int
    result: dict[str, int]


def export_items(db: Database, taking: Taking, *, who: str, where: str = "") -> Written:
    """Return a file with all that waits for the centre, parked items too: there they may be taken meanwhile.

    Raises:
        NotFoundError: the box belongs to no centre.
        ConflictError: nothing waits.
        UnavailableError: the witness of the box's numbers is behind, and this process may not write it.
    """
    centre = get_centre(db)
    if taking.keys is None:
        raise ConflictError("The keys towards the central service cannot be read here.")
    fitting_rows, left = _fitting(db, taking.box)
    may = note_begun(db, [row for row, _ in fitting_rows], at_us=taking.clock.wall_us())
    items = [item for row, item in fitting_rows if row.id in may]
    if not items:
        raise ConflictError("Nothing waits for the central service.", hint="There is nothing to carry there.")
    _witness(db, taking)
    number = os.urandom(_NUMBER_BYTES)
    data = seal_bundle(
        items,
        kind="items",
        private=taking.keys.sign_private,
        sender=taking.box,
        recipient=centre.hub,
        recipient_public=centre.seal_public,
        created_us=taking.clock.wall_us(),
        random=number,
    )
    fact = StickFact(
        number=number.hex(),
        way="out",
        created_us=taking.clock.wall_us(),
        at_us=taking.clock.wall_us(),
        who=who,
        count=len(items),
        result={"items": len(items), "left": left},
    )
    with write(db):
        _keep(db, centre.hub, fact)
        detail = {"stick": fact.number, "items": len(items), "left": left}
        append(db, "centre.stick_written", clock=taking.clock, who=who, where=where, detail=detail)
    return Written(data, fact.number, len(items), left)


def import_changes(db: Database, data: bytes, taking: Taking, *, who: str, where: str = "") -> Read:
    """Take over what a file of the centre holds; what is known already stays as it is.

    What touches a running sitting waits for the room, as it does by network.

    Raises:
        NotFoundError: the box belongs to no centre.
        BundleError: the file is none of this box's centre for this box.
    """
    centre = get_centre(db)
    if taking.keys is None:
        raise ConflictError("The keys towards the central service cannot be read here.")
    bundle = open_bundle(data, me=taking.box, private=taking.keys.seal_private, signers={centre.hub: centre.public})
    if bundle.header.kind != "changes":
        raise BundleError(
            "The file holds what a box told, not changes of the central service.",
            reason="content",
            hint="The central service writes one for each room, on its page or with `exambox hub`.",
        )
    before = db.conn.execute(
        "SELECT at_us FROM centre_stick WHERE number = ? AND way = 'in'", (bundle.header.number,)
    ).fetchone()
    waiting_before = _count_waiting(db)
    taken = Taken()
    ordered = sorted(bundle.changes, key=lambda one: one.kind == ChangeKind.RECEIPT)
    for first in range(0, len(ordered), _CHUNK):
        taken += take_changes(db, centre, ordered[first : first + _CHUNK], taking)
    receipts = max(0, waiting_before - _count_waiting(db))
    fact = StickFact(
        number=bundle.header.number,
        way="in",
        created_us=bundle.header.created_us,
        at_us=taking.clock.wall_us(),
        who=who,
        count=len(bundle.changes),
        result={
            "applied": taken.applied,
            "proposed": taken.proposed,
            "held": taken.held,
            "known": taken.known,
            "refused": taken.refused,
            "receipts": receipts,
        },
    )
    with write(db):
        _keep(db, centre.hub, fact)
        detail = {"stick": fact.number, "changes": fact.count, **fact.result}
        append(db, "centre.stick_read", clock=taking.clock, who=who, where=where, detail=detail)
    return Read(fact.number, fact.count, taken, receipts, None if before is None else int(before[0]))


def list_sticks(db: Database, hub: str, *, limit: int = 20) -> list[StickFact]:
    """Return the files that were written and read, the newest first."""
    rows = db.conn.execute(
        "SELECT number, way, created_us, at_us, who, count, result FROM centre_stick WHERE hub = ?"
        " ORDER BY at_us DESC LIMIT ?",
        (hub, limit),
    )
    return [
        StickFact(
            number=number,
            way=way,
            created_us=created_us,
            at_us=at_us,
            who=who,
            count=count,
            result=msgspec.json.decode(result, type=dict[str, int]),
        )
        for number, way, created_us, at_us, who, count, result in rows
    ]


def _witness(db: Database, taking: Taking) -> None:
    """Have the numbers of what leaves the box witnessed; the dashboard may not write, and looks whether sync did."""
    path = witness_path(taking.settings.state_dir)
    try:
        EpochKeeper(db, taking.settings.state_dir, machine="", clock=taking.clock).note()
    except OSError as problem:
        mark, seen = database_mark(db), _seen(path)
        if mark is None or seen is None or seen.epoch != mark.epoch or seen.seq < mark.seq:
            raise UnavailableError(
                "The process that delivers has not witnessed the newest items yet.",
                hint="Try again in some seconds; if it stays so, see that `exambox-sync` runs.",
            ) from problem


def _seen(path: Path) -> Mark | None:
    try:
        return read_witness(path)
    except OSError:
        return None


def _fitting(db: Database, box: str) -> tuple[list[tuple[Delivery, Item]], int]:
    found: list[tuple[Delivery, Item]] = []
    for row in _waiting(db):
        try:
            key = DeliveryKey(box, row.epoch, row.seq)
            item = item_of(key, kind=row.kind, stream=row.stream, at_us=row.cause_us, body=row.text)
        except ItemError:
            continue  # too long for any message: the page of deliveries shows it as parked
        found.append((row, item))
    count = fitting([item for _, item in found], most=_MOST, size=MAX_FILE - _SPARE)
    return found[:count], len(found) - count


def _waiting(db: Database) -> Iterator[Delivery]:
    after = 0
    while True:
        rows = db.conn.execute(
            f"{SELECT} WHERE target = ? AND state IN ('waiting', 'parked') AND id > ? ORDER BY id LIMIT ?",
            (CENTRE, after, _AT_ONCE),
        ).fetchall()
        if not rows:
            return
        yield from (Delivery(*row) for row in rows)
        after = rows[-1][0]


def _count_waiting(db: Database) -> int:
    sql = "SELECT COUNT(*) FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked') AND target = ?"
    return int(db.conn.execute(sql, (CENTRE,)).fetchone()[0])


def _keep(db: Database, hub: str, fact: StickFact) -> None:
    db.conn.execute(
        "INSERT INTO centre_stick (number, way, hub, created_us, at_us, who, count, result)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (number, way) DO UPDATE SET at_us = ?5, who = ?6,"
        " result = ?8",
        (
            fact.number, fact.way, hub, fact.created_us, fact.at_us, fact.who, fact.count,
            msgspec.json.encode(fact.result).decode(),
        ),
    )  # fmt: skip
    db.conn.execute(
        "DELETE FROM centre_stick WHERE at_us < (SELECT at_us FROM centre_stick ORDER BY at_us DESC LIMIT 1 OFFSET ?)",
        (_KEPT,),
    )
