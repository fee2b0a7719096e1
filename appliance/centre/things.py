"""What the box has taken over of the centre's things, and what each is called here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from appliance.exchange.centre.merging import Held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change
    from appliance.exchange.centre.merging import ObjectKey

CANDIDATE: Final = "candidate"
"""The kind of things that are only named in others: who is on a roster or writes a session."""
_MANY: Final = 400


def held_things(db: Database, hub: str, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Held]:
    """Return what is held of these things, tombstones included."""
    by_kind: dict[str, list[str]] = {}
    for kind, name in keys:
        by_kind.setdefault(kind, []).append(name)
    found: dict[ObjectKey, Held] = {}
    for kind, names in by_kind.items():
        for first in range(0, len(names), _MANY):
            some = names[first : first + _MANY]
            marks = ", ".join("?" * len(some))
            rows = db.conn.execute(
                f"SELECT id, version, deleted, at_us, digest FROM centre_thing WHERE hub = ? AND kind = ? AND id IN ({marks})",  # noqa: S608, E501  question marks
                (hub, kind, *some),
            )
            for name, version, deleted, at_us, digest in rows:
                found[kind, str(name)] = Held(version, bool(deleted), at_us, digest)
    return found


def local_of(db: Database, hub: str, kind: str, id: str) -> str:  # noqa: A002  the model's word
    """Return what a thing is here, empty where it is nothing (yet, or any more)."""
    row = db.conn.execute(
        "SELECT local FROM centre_thing WHERE hub = ? AND kind = ? AND id = ?", (hub, kind, id)
    ).fetchone()
    return "" if row is None else str(row[0])


def centre_id_of(db: Database, hub: str, kind: str, local: str) -> str:
    """Return what the centre calls a thing of the box, empty where it does not know it."""
    row = db.conn.execute(
        "SELECT id FROM centre_thing WHERE kind = ? AND local = ? AND hub = ?", (kind, local, hub)
    ).fetchone()
    return "" if row is None else str(row[0])


def keep_thing(db: Database, change: Change, local: str, *, now_us: int) -> None:
    """Note that a change was taken over, in the open transaction; an empty ``local`` keeps what it was here."""
    db.conn.execute(
        "INSERT INTO centre_thing (hub, kind, id, local, version, deleted, at_us, digest, content, taken_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (hub, kind, id) DO UPDATE SET"
        " local = CASE WHEN ?4 = '' THEN local ELSE ?4 END, version = ?5, deleted = ?6, at_us = ?7, digest = ?8,"
        " content = ?9, taken_us = ?10",
        (
            change.hub, change.kind, change.id, local, change.version, change.deleted, change.at_us, change.digest,
            content_print(change), now_us,
        ),
    )  # fmt: skip


def keep_name(db: Database, hub: str, candidate: str, local: str, *, now_us: int) -> None:
    """Note which candidate here is meant by one of the centre's, in the open transaction."""
    db.conn.execute(
        "INSERT INTO centre_thing (hub, kind, id, local, version, deleted, at_us, digest, content, taken_us)"
        " VALUES (?, ?, ?, ?, 0, 0, 0, '', x'', ?) ON CONFLICT (hub, kind, id) DO UPDATE SET local = excluded.local",
        (hub, CANDIDATE, candidate, local, now_us),
    )


def says_the_same(db: Database, change: Change) -> bool:
    """Return whether a change says what was taken over before: it is newer in name alone."""
    row = db.conn.execute(
        "SELECT content, deleted FROM centre_thing WHERE hub = ? AND kind = ? AND id = ?",
        (change.hub, change.kind, change.id),
    ).fetchone()
    return row is not None and bytes(row[0]) == content_print(change) and bool(row[1]) == change.deleted


def content_print(change: Change) -> bytes:
    """Return a hash of what a change says, without its version and time."""
    return hashlib.sha256(f"{change.deleted:d}\n{change.sitting}\n{change.body}".encode()).digest()
