"""The stick at the hub: changes for a box as a file, and what a box wrote for the hub taken in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.database import write
from appliance.exchange.centre.bundle import BundleError, open_bundle, read_header, seal_bundle
from appliance.exchange.centre.changes import sign_change
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.messages import MAX_ITEMS
from appliance.exchange.centre.receipts import receipts_of
from appliance.hub.boxes import check_good, get_box
from appliance.hub.feed import every_change
from appliance.hub.identity import hub_facts
from appliance.hub.receiving import push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.changes import Change
    from appliance.hub.identity import HubKeys
    from appliance.hub.publishing import Publisher

_NUMBER_BYTES: Final = 16
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the items of a file."""

    box: str
    stored: int
    known: int
    refused: tuple[tuple[str, str], ...]
    """Key and reason of each that was not taken."""


def export_changes(
    db: Database, box: str, *, keys: HubKeys, publisher: Publisher, clock: Clock, who: str, where: str = ""
) -> bytes:
    """Return the file for a box: all that it gets, signed by the hub and sealed to the box.

    Raises:
        NotFoundError: there is no such box.
        BoxRefusedError: it was revoked or its time is over.
        BundleError: it would be too large.
    """
    found = check_good(get_box(db, box), now_us=clock.wall_us())
    publisher.publish(db)
    changes = [*every_change(db, box, hub=hub_facts(db)), *_receipts(db, box, keys, clock)]
    data = seal_bundle(
        changes,
        kind="changes",
        private=keys.sign_private,
        sender=keys.id,
        recipient=found.id,
        recipient_public=found.seal_public,
        created_us=clock.wall_us(),
        random=os.urandom(_NUMBER_BYTES),
    )
    with write(db):
        detail = {"box": box, "changes": len(changes)}
        append(db, "hub.stick_written", clock=clock, who=who, where=where, detail=detail)
    return data


def _receipts(db: Database, box: str, keys: HubKeys, clock: Clock) -> Iterator[Change]:
    """Yield what tells the box which of its items are here: nobody answers a stick."""
    held: dict[str, list[int]] = {}
    for epoch, seq in db.conn.execute("SELECT epoch, seq FROM hub_item WHERE box = ?", (box,)):
        held.setdefault(epoch, []).append(seq)
    now = clock.wall_us()
    for epoch, numbers in sorted(held.items()):
        for name, body in receipts_of(box, epoch, numbers).items():
            yield sign_change(
                keys.sign_private,
                hub=keys.id,
                kind=ChangeKind.RECEIPT,
                id=name,
                version=max(now // _MS, 1),
                at_us=now,
                body=body.body(),
            )


def import_items(db: Database, data: bytes, *, keys: HubKeys, clock: Clock, who: str, where: str = "") -> TakenIn:
    """Take in what a box wrote; what is here already is known again, by its key.

    Raises:
        BundleError: the file is none for this hub, of a box that is not known here, or holds no items.
        BoxRefusedError: the box was revoked. (One whose time is over may still tell what happened before.)
    """
    signers = {
        str(box): bytes(public)
        for box, public in db.conn.execute("SELECT id, public FROM hub_box WHERE revoked_us IS NULL")
    }
    sender = read_header(data).sender
    bundle = open_bundle(data, me=keys.id, private=keys.seal_private, signers=signers)
    if bundle.header.kind != "items":
        raise BundleError(
            "The file holds changes of a central service, not what a box told.",
            reason="content",
            hint="A box writes its own with `exambox sync export`.",
        )
    counts = {"stored": 0, "known": 0}
    refused: list[tuple[str, str]] = []
    for first in range(0, len(bundle.items), MAX_ITEMS):
        for one in push(db, sender, bundle.items[first : first + MAX_ITEMS], clock=clock).results:
            if one.result in counts:
                counts[one.result] += 1
            else:
                refused.append((one.key, f"{one.result}: {one.reason}"))
    with write(db):
        detail = {"box": sender, **counts, "refused": len(refused)}
        append(db, "hub.stick_read", clock=clock, who=who, where=where, detail=detail)
    return TakenIn(sender, counts["stored"], counts["known"], tuple(refused))
