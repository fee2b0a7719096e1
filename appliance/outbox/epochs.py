"""The box's name towards receivers, and its epoch: what keeps delivery keys apart after a restore or a copy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from appliance.auditlog import append
from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

EpochReason: TypeAlias = Literal["first", "restored", "cloned", "conflict"]
UNNAMED: Final = "unnamed"
"""The box's name in keys until a process that sees the key files tells it (`remember_box`); nothing is sent before."""
_BOX: Final = "outbox.box"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who delivers: the box, and its present epoch."""

    box: str
    epoch: str


def identity(db: Database, *, clock: Clock) -> Identity:
    """Return the box and its present epoch; the first epoch is begun where there is none yet."""
    epoch = present_epoch(db)
    return Identity(known_box(db), begin_epoch(db, "first", clock) if epoch is None else epoch)


def known_box(db: Database) -> str:
    """Return the box's name in keys, `UNNAMED` where it was not told yet."""
    row = db.conn.execute("SELECT value FROM setting WHERE key = ?", (_BOX,)).fetchone()
    return UNNAMED if row is None else msgspec.json.decode(row[0], type=str)


def present_epoch(db: Database) -> str | None:
    """Return the epoch that new deliveries belong to, None before the first."""
    row = db.conn.execute("SELECT name FROM epoch ORDER BY begun_us DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def begin_epoch(db: Database, reason: EpochReason, clock: Clock) -> str:
    """Begin a new epoch and return its name; deliveries that wait keep the keys they have.

    Its number counts the epochs this database knows; the random part tells two copies of one box apart. It follows
    the present one even where the wall clock was set back.
    """
    with write(db):
        count, newest = db.conn.execute("SELECT COUNT(*), COALESCE(MAX(begun_us), 0) FROM epoch").fetchone()
        name = f"{count + 1}-{secrets.token_hex(4)}"
        begun_us = max(clock.wall_us(), int(newest) + 1)
        db.conn.execute("INSERT INTO epoch (name, begun_us, reason) VALUES (?, ?, ?)", (name, begun_us, reason))
        if reason != "first":
            append(db, "epoch.begun", clock=clock, detail={"epoch": name, "reason": reason})
    return name


def remember_box(db: Database, box: str, clock: Clock) -> Identity:
    """Note the name of the box as its key files have it (``vault.keys.load_box_id``), and return who delivers.

    A database that was brought to other keys is another box's copy: it begins a new epoch.
    """
    with write(db):
        before = known_box(db)
        if before != box:
            db.conn.execute(
                "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (_BOX, msgspec.json.encode(box).decode()),
            )
            if before != UNNAMED:
                begin_epoch(db, "cloned", clock)
        return identity(db, clock=clock)
