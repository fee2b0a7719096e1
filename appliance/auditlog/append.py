"""Adding to the log. Safe from several processes: the chain's head is read under the write lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from appliance.auditlog import entry
from appliance.database import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock

# Keeps one entry of checkpoints well below the size an entry may have.
_CHECKPOINTS_AN_ENTRY = 100


class CheckpointLike(Protocol):
    """What the log keeps of a part file's signed checkpoint."""

    @property
    def part_id(self) -> bytes | str:
        """The part, 16 bytes or their hex."""
        ...

    @property
    def seq(self) -> int:
        """The last record covered."""
        ...

    @property
    def chain(self) -> bytes | str:
        """The part's chain value there, 32 bytes or their hex."""
        ...

    @property
    def sha256(self) -> bytes | str:
        """The hash of the checkpoint's body, 32 bytes or their hex."""
        ...


def append(
    db: Database,
    action: str,
    *,
    clock: Clock,
    who: str = "box",
    where: str = "",
    detail: dict[str, Any] | None = None,
    personal: dict[str, str] | None = None,
) -> int:
    """Add one entry; it is durable when this returns, or with the transaction that is open around it.

    Args:
        db: the box's database. An open write transaction is joined: an act and its entry stand or fall together.
        action: a ``noun.verb`` word of `appliance.auditlog.actions`.
        clock: gives the entry's times.
        who: the person or part of the box that acted.
        where: a network address, seat or terminal, if known.
        detail: what happened, JSON without floats; nothing personal, it can never be erased.
        personal: further personal values by field; they can be erased and the log still verifies.

    Returns:
        The entry's number, counted from 1 without a hole.

    Raises:
        BadInputError: no such form of action, a bad field name, or too much detail; nothing was added.
    """
    values = entry.personal_values(who, where, personal)
    with joined(db):
        last, before = open_log_head(db)
        body = entry.build_body(
            seq=last + 1,
            at_us=clock.wall_us(),
            mono_us=clock.mono_us(),
            action=action,
            detail=detail or {},
            personal=values,
        )
        db.conn.execute(
            "INSERT INTO log_entry (seq, body, chain) VALUES (?, ?, ?)",
            (last + 1, body, entry.chain_next(before, body)),
        )
        db.conn.executemany(
            "INSERT INTO log_personal (seq, field, salt, value) VALUES (?, ?, ?, ?)",
            [(last + 1, value.field, value.salt, value.value) for value in values],
        )
    return last + 1


def open_log_head(db: Database) -> tuple[int, bytes]:
    """Return the last entry's number and chain value; 0 and ``chain[0]`` for an empty log.

    A witness that keeps this pair can prove later that nothing up to that entry was changed or cut off.
    """
    row = db.conn.execute("SELECT seq, chain FROM log_entry ORDER BY seq DESC LIMIT 1").fetchone()
    return (int(row[0]), bytes(row[1])) if row else (0, entry.chain_start())


def log_vault_checkpoints(db: Database, facts: Sequence[CheckpointLike], clock: Clock) -> list[int]:
    """Enter part files' checkpoints, one entry for up to 100 of them; return the entries' numbers.

    With this a part's cut tail is found even where its file and every later checkpoint in it are gone.
    """
    entries = []
    for first in range(0, len(facts), _CHECKPOINTS_AN_ENTRY):
        batch = [
            {"part_id": _hex(fact.part_id), "seq": fact.seq, "chain": _hex(fact.chain), "sha256": _hex(fact.sha256)}
            for fact in facts[first : first + _CHECKPOINTS_AN_ENTRY]
        ]
        entries.append(append(db, "vault.checkpoint", clock=clock, detail={"checkpoints": batch}))
    return entries


def _hex(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.hex()
