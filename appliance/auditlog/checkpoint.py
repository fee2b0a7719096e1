"""Signed statements of how far the log has come. See ``docs/log-format.md``, section 4."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appliance.auditlog import entry
from appliance.auditlog.append import open_log_head
from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


class Signer(Protocol):
    """The device key, as far as the log needs it."""

    @property
    def public(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        ...


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """What was signed: up to which entry, and the chain there."""

    n: int
    seq: int
    chain: bytes


def checkpoint(db: Database, sign: Signer, *, clock: Clock) -> LogCheckpoint | None:
    """Sign the log's head with the device key; do nothing (None) when the last checkpoint covers it already."""
    with write(db):
        seq, chain = open_log_head(db)
        last = db.conn.execute("SELECT id, seq, body FROM log_checkpoint ORDER BY id DESC LIMIT 1").fetchone()
        if seq == 0 or (last and last[1] >= seq):
            return None
        n = last[0] + 1 if last else 1
        body = entry.encode(
            {
                "format": entry.CHECKPOINT_FORMAT,
                "n": n,
                "seq": seq,
                "chain": chain.hex(),
                "wall_us": clock.wall_us(),
                "mono_us": clock.mono_us(),
                "device_key": sign.public.hex(),
                "previous": hashlib.sha256(last[2]).hexdigest() if last else None,
            }
        )
        db.conn.execute(
            "INSERT INTO log_checkpoint (id, seq, body, signature) VALUES (?, ?, ?, ?)",
            (n, seq, body, sign.sign(entry.checkpoint_message(body))),
        )
    return LogCheckpoint(n, seq, chain)
