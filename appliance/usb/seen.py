"""Devices that were there when the box was set up: proposed once, confirmed by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance import auditlog
from appliance.database import write
from appliance.errors import BadInputError, NotFoundError
from appliance.usb.model import Device
from appliance.usb.rows import rows_of, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A device that was there; ``confirmed_us`` None: nobody has said that it belongs here (wall times)."""

    hash: str
    device: Device
    seen_us: int
    confirmed_us: int | None = None
    confirmed_by: str = ""


def seen(db: Database) -> tuple[Seen, ...]:
    """Return all devices of the list, in the order they were seen."""
    rows = rows_of(db, "SELECT * FROM usb_seen ORDER BY seen_us, json_extract(device, '$.port'), hash")
    return tuple(Seen(device=msgspec.json.decode(row.pop("device"), type=Device), **row) for row in rows)


def proposed(db: Database) -> tuple[Seen, ...]:
    """Return those that nobody has confirmed."""
    return tuple(one for one in seen(db) if one.confirmed_us is None)


def confirmed(db: Database) -> frozenset[str]:
    """Return the hashes of the devices that a person confirmed."""
    return frozenset(row[0] for row in db.conn.execute("SELECT hash FROM usb_seen WHERE confirmed_us IS NOT NULL"))


def awaits_confirmation(db: Database) -> bool:
    """Whether there is a proposal, and nobody has said yet which of it belongs here."""
    total, done = db.conn.execute("SELECT COUNT(*), COUNT(confirmed_us) FROM usb_seen").fetchone()
    return bool(total) and not done


def propose(db: Database, devices: Iterable[Device], *, clock: Clock) -> int:
    """Keep devices as a proposal; those that are known stay as they are. Return how many are new."""
    new = 0
    with write(db):
        for one in devices:
            if not one.hash:  # what cannot be told apart cannot be confirmed
                continue
            sql = "INSERT INTO usb_seen (hash, device, seen_us) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING"
            new += db.conn.execute(sql, (one.hash, to_json(one), clock.wall_us())).rowcount
    return new


def confirm(db: Database, hashes: Collection[str], *, who: str, clock: Clock, where: str = "") -> int:
    """Say that these devices belong here; they are let in from now on. Return how many were not confirmed before.

    They are of the proposal, or plugged in now. What of the proposal is not named stays unconfirmed and is judged by
    the policy like any other device.

    Raises:
        BadInputError: no device is named.
        NotFoundError: one is neither proposed nor plugged in; nothing was changed.
    """
    if not hashes:
        raise BadInputError("hashes: choose at least one device.", hint="The box's own keyboard, or its cameras.")
    with write(db):
        known = {one.hash: one for one in seen(db)}
        missing = [one for one in hashes if one not in known]
        here = _plugged_in(db) if missing else {}
        if not here.keys() >= set(missing):
            raise NotFoundError(
                "A device to be confirmed is neither proposed nor plugged in.", hint="Look at the list again."
            )
        propose(db, [here[one] for one in missing], clock=clock)
        new = [one for one in dict.fromkeys(hashes) if one in missing or known[one].confirmed_us is None]
        db.conn.executemany(
            "UPDATE usb_seen SET confirmed_us = ?, confirmed_by = ? WHERE hash = ?",
            [(clock.wall_us(), who, one) for one in new],
        )
        if new:
            auditlog.append(db, "usb.confirmed", clock=clock, who=who, where=where, detail={"hashes": new})
    return len(new)


def withdraw(db: Database, hashes: Collection[str], *, who: str, clock: Clock, where: str = "") -> int:
    """Take devices off the list, confirmed or not: the policy judges them from now on. Return how many."""
    with write(db):
        gone = [one.hash for one in seen(db) if one.hash in hashes]
        db.conn.executemany("DELETE FROM usb_seen WHERE hash = ?", [(one,) for one in gone])
        if gone:
            auditlog.append(
                db, "usb.confirmation_withdrawn", clock=clock, who=who, where=where, detail={"hashes": gone}
            )
    return len(gone)


def _plugged_in(db: Database) -> dict[str, Device]:
    found = [msgspec.json.decode(row[0], type=Device) for row in db.conn.execute("SELECT device FROM usb_device")]
    return {one.hash: one for one in found}
