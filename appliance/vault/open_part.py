"""What a crash left of a part, read and checked as far as recovery needs it; only SQLite's own rollback writes."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.errors import IntegrityError
from appliance.vault.format import (
    APPLICATION_ID,
    USER_VERSION,
    Kind,
    chain_next,
    checkpoint_message,
    parse_header,
    sha256,
)
from appliance.vault.manifest import Manifest, parse_checkpoint, parse_manifest
from appliance.vault.part_file import write_errors
from appliance.vault.part_model import CheckpointFact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"SQLite format 3\x00"
_PREFIX_BYTES = 100
_TABLES = ("manifest", "recipient", "record", "checkpoint")
# What SQLite says of the content; everything else (busy, read-only, device) is about the moment.
_CONTENT_ERRORS = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_MISMATCH,
}


class EmptyPartError(IntegrityError):
    """A file in which no part was ever opened: no manifest, no record, no checkpoint."""


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part without a final checkpoint: its last checkpoint, last record, and where its pictures and gaps end.

    ``end_us`` is None where there is neither a picture nor a gap in it.
    """

    manifest: Manifest
    checkpoint: CheckpointFact
    seq: int
    chain: bytes
    end_us: int | None


def check_prefix(path: Path) -> None:
    """Look at a file's first bytes before SQLite may touch it.

    Raises:
        EmptyPartError: it has no bytes.
        IntegrityError: it is no part, or no SQLite file at all.
    """
    if path.is_symlink() or not path.is_file():
        raise IntegrityError(f"{path.name} is not a regular file.")
    with path.open("rb") as file:
        prefix = file.read(_PREFIX_BYTES)
    if not prefix:
        raise EmptyPartError(f"{path.name} is empty: no part was opened in it.")
    if not any(prefix) and path.with_name(path.name + "-journal").exists():
        return  # a power cut while the opening transaction was written: SQLite will undo it
    rollback_journal = b"\x01\x01"  # the file's write and read version
    if prefix[:16] != _MAGIC or prefix[18:20] != rollback_journal:
        raise IntegrityError(f"{path.name} is no part file.")
    if prefix[68:72] not in {APPLICATION_ID.to_bytes(4), bytes(4)}:
        raise IntegrityError(f"{path.name} is another program's database.")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell damage from trouble: a file whose content SQLite refuses is damaged, the rest passes as a write error.

    Raises:
        IntegrityError: the content is unreadable.
        PartWriteError: the disk or its file system is in the way.
    """
    with write_errors(path):
        try:
            yield
        except sqlite3.Error as problem:
            if getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _CONTENT_ERRORS:
                raise IntegrityError(f"{path.name} is damaged: {problem}.") from problem
            raise


def load_open_part(connection: sqlite3.Connection, path: Path, device_key: bytes) -> OpenPart | None:
    """Return what is known of an open part, or None if it is closed.

    The last checkpoint's signature is checked, and every record after it against the chain.

    Raises:
        EmptyPartError: nothing was ever written.
        IntegrityError: damaged, foreign, or another device's.
        sqlite3.Error: as SQLite does.
    """
    _check_tables(connection, path)
    manifest = parse_manifest(_blob(_one(connection, "SELECT body FROM manifest WHERE id = 1"), "manifest"))
    if manifest.device_key != device_key.hex():
        raise IntegrityError(f"{path.name} was written by another device, or with an earlier device key.")
    if (manifest.sitting, manifest.camera, f"{manifest.part:04d}.sqlite") != (
        path.parent.parent.name,
        path.parent.name,
        path.name,
    ):
        raise IntegrityError(f"{path.name} belongs elsewhere: its manifest names another sitting, camera or number.")
    fact, final = _last_checkpoint(connection, manifest, device_key)
    return None if final else _follow(connection, manifest, fact)


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    counts = [
        connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1)").fetchone()[0]  # noqa: S608  fixed names
        for table in _TABLES
        if table in found
    ]
    if not any(counts) and found <= set(_TABLES):
        raise EmptyPartError(f"{path.name} is empty: no part was opened in it.")
    identity = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if identity != [APPLICATION_ID, USER_VERSION] or not found >= set(_TABLES):
        raise IntegrityError(f"{path.name} is no part file of this format.")


def _last_checkpoint(
    connection: sqlite3.Connection, manifest: Manifest, device_key: bytes
) -> tuple[CheckpointFact, bool]:
    row = _one(connection, "SELECT body, signature, n FROM checkpoint ORDER BY n DESC LIMIT 1")
    body = _blob(row, "checkpoint")
    try:
        Ed25519PublicKey.from_public_bytes(device_key).verify(_blob(row[1:], "signature"), checkpoint_message(body))
    except InvalidSignature as problem:
        raise IntegrityError("The last checkpoint's signature is wrong.") from problem
    checkpoint = parse_checkpoint(body)
    if checkpoint.part_id != manifest.part_id or checkpoint.n != row[2]:
        raise IntegrityError("The last checkpoint belongs to another part.")
    fact = CheckpointFact(
        manifest.id_bytes, checkpoint.n, checkpoint.seq, bytes.fromhex(checkpoint.chain), sha256(body)
    )
    return fact, checkpoint.final


def _follow(connection: sqlite3.Connection, manifest: Manifest, fact: CheckpointFact) -> OpenPart:
    """Follow the chain from the last checkpoint, whose record must be there, to the last record."""
    row = _one(connection, "SELECT chain FROM record WHERE seq = ?", (fact.seq,))
    if row[0] != fact.chain:
        raise IntegrityError(f"Record {fact.seq} is not the one the last checkpoint covers.")
    seq, chain = fact.seq, fact.chain
    for number, packed, stored, data in connection.execute(
        "SELECT seq, header, chain, data FROM record WHERE seq > ? ORDER BY seq", (fact.seq,)
    ):
        seq += 1
        if not (isinstance(packed, bytes) and isinstance(data, bytes)):
            raise IntegrityError(f"Record {seq} is damaged.")
        header = parse_header(packed)
        chain = chain_next(chain, packed, data)
        if number != seq or header.seq != seq or header.part_tag != manifest.id_bytes[:8] or stored != chain:
            raise IntegrityError(f"Record {seq} is missing or damaged.")
    return OpenPart(manifest, fact, seq, chain, _end_us(connection))


def _end_us(connection: sqlite3.Connection) -> int | None:
    row = connection.execute(
        "SELECT header FROM record WHERE kind IN (?, ?) ORDER BY seq DESC LIMIT 1", (int(Kind.SEGMENT), int(Kind.GAP))
    ).fetchone()
    return parse_header(_blob(row, "header")).end_us if row else None


def _one(connection: sqlite3.Connection, sql: str, values: tuple[int, ...] = ()) -> tuple[Any, ...]:
    row = connection.execute(sql, values).fetchone()
    if row is None:
        raise IntegrityError("The part is damaged: its manifest, a checkpoint or a record is missing.")
    found: tuple[Any, ...] = row
    return found


def _blob(row: tuple[Any, ...], what: str) -> bytes:
    if not isinstance(row[0], bytes):
        raise IntegrityError(f"The {what} is not stored as bytes.")
    return row[0]
