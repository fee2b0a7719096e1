"""Changes of the centre that are not taken over: proposed to an invigilator, declined, or held until they can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from appliance.exchange.centre.changes import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

WaitingState: TypeAlias = Literal["proposed", "declined", "held"]
_SELECT: Final = (
    "SELECT number, change, state, reason, since_us, decided_us, decided_by, decided_why FROM centre_waiting"
)
_DECODER: Final = msgspec.json.Decoder(Change)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits; times are UTC.

    Attributes:
        number: its row; a newer change of the same thing gets another.
        state: ``proposed``: an invigilator decides. ``declined``: they declined; it is taken over when the sitting is
            over. ``held``: it cannot be taken over yet, ``reason`` says why; it is tried again.
    """

    number: int
    change: Change
    state: WaitingState
    reason: str
    since_us: int
    decided_us: int | None
    decided_by: str
    decided_why: str


def waiting_changes(db: Database, hub: str) -> list[Waiting]:
    """Return all that waits, the oldest first."""
    return [_row(row) for row in db.conn.execute(f"{_SELECT} WHERE hub = ? ORDER BY number", (hub,))]


def get_waiting(db: Database, number: int) -> Waiting | None:
    """Return one by its number, None where it waits no more."""
    row = db.conn.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
    return None if row is None else _row(row)


def keep_waiting(db: Database, change: Change, state: WaitingState, *, now_us: int, reason: str = "") -> bool:
    """Let a change wait, in the open transaction; return whether that is news. A decision about it stays."""
    row = db.conn.execute(
        "SELECT digest, state, reason FROM centre_waiting WHERE hub = ? AND kind = ? AND id = ?",
        (change.hub, change.kind, change.id),
    ).fetchone()
    if row == (change.digest, state, reason):
        return False
    if row is not None and row[0] == change.digest:
        db.conn.execute(
            "UPDATE centre_waiting SET state = ?, reason = ? WHERE hub = ? AND kind = ? AND id = ?",
            (state, reason, change.hub, change.kind, change.id),
        )
        return True
    drop_waiting(db, change)
    db.conn.execute(
        "INSERT INTO centre_waiting (hub, kind, id, change, digest, sitting, state, reason, since_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.hub, change.kind, change.id, msgspec.json.encode(change).decode(), change.digest, change.sitting,
            state, reason, now_us,
        ),
    )  # fmt: skip
    return True


def drop_waiting(db: Database, change: Change) -> None:
    """Let whatever waits of a change's thing wait no more, in the open transaction."""
    db.conn.execute(
        "DELETE FROM centre_waiting WHERE hub = ? AND kind = ? AND id = ?", (change.hub, change.kind, change.id)
    )


def count_waiting(db: Database, hub: str) -> dict[str, int]:
    """Return how many wait, by state."""
    rows: Iterable[tuple[str, int]] = db.conn.execute(
        "SELECT state, COUNT(*) FROM centre_waiting WHERE hub = ? GROUP BY state", (hub,)
    )
    return dict(rows)


def _row(row: tuple[int, str, WaitingState, str, int, int | None, str, str]) -> Waiting:
    number, change, state, reason, since_us, decided_us, decided_by, decided_why = row
    return Waiting(number, _DECODER.decode(change), state, reason, since_us, decided_us, decided_by, decided_why)
