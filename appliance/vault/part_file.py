"""A part's SQLite file: made, opened, written to. Plain ``sqlite3``, because each camera process carries it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.vault.format import APPLICATION_ID, NO_KEY, SCHEMA, USER_VERSION, Header
from appliance.vault.part_model import PartWriteError, SignedCheckpoint, WriteFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750
# A reader holds its lock for one row at a time; one that holds it longer costs the writer this part, not the exam.
BUSY_SECONDS = 2.0

_PRAGMAS = (
    "PRAGMA page_size=4096",
    "PRAGMA journal_mode=PERSIST",  # writes less than TRUNCATE and DELETE: no directory entry per commit
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=OFF",
    "PRAGMA cache_size=-128",
    "PRAGMA cache_spill=OFF",  # one segment is larger than the cache; spilling it would sync the journal twice
    "PRAGMA mmap_size=0",
    "PRAGMA trusted_schema=OFF",
)
_HINTS: dict[WriteFailure, str] = {
    "disk_full": "Free space on the disk, or shorten the retention of finished sittings.",
    "read_only": "Remount the disk for writing and check who owns the vault folder: `exambox doctor` shows both.",
    "io": "Check the disk: `exambox doctor` and `journalctl -k` show its errors.",
    "other": "See the journal; recording goes on in a new part.",
}
_ERRNO: dict[int, WriteFailure] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EIO: "io",
}
_SQLITE: dict[int, WriteFailure] = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CORRUPT: "io",
    sqlite3.SQLITE_NOTADB: "io",
}


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record ready to be stored; ``packed`` are the header's 64 bytes."""

    header: Header
    packed: bytes
    chain: bytes
    data: bytes


def classify(problem: sqlite3.Error | OSError, folder: Path) -> WriteFailure:
    """Return why a write failed; ``folder`` is asked whether it can be written to where SQLite does not say."""
    if isinstance(problem, OSError):
        return _ERRNO.get(problem.errno or 0, "other")
    primary = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if primary == sqlite3.SQLITE_CANTOPEN and not os.access(folder, os.W_OK | os.X_OK):
        return "read_only"
    return _SQLITE.get(primary, "other")


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn any SQLite or OS error inside into a `PartWriteError` that names the file and the reason."""
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        reason = classify(problem, path.parent)
        raise PartWriteError(
            f"{path.name} in {path.parent} could not be written: {problem}.", reason=reason, hint=_HINTS[reason]
        ) from problem


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file for writing. SQLite rolls an interrupted transaction back at the first read.

    Raises:
        sqlite3.Error: as SQLite does.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # one thread at a time: the caller's queue sees to it
        cached_statements=0,  # a cached insert would keep the last segment in memory
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each entry synced: a part in a folder that a power cut forgets is lost."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=FOLDER_MODE)
    sync_folder(folder.parent)


def make_empty(path: Path) -> None:
    """Make the file, durably named, readable by the group. An empty file that is there is taken.

    Raises:
        FileExistsError: something is in it; a part's number is never used twice.
        OSError: as the kernel does.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        taken = os.fstat(descriptor).st_size > 0
        if not taken:
            _settle(descriptor, path)
    finally:
        os.close(descriptor)
    if taken:
        raise FileExistsError(errno.EEXIST, "there is already a part of this number", str(path))


def _settle(descriptor: int, path: Path) -> None:
    """Make an empty file and its name durable; what cannot be made shall not keep its number."""
    try:
        os.fchmod(descriptor, FILE_MODE)
        os.fsync(descriptor)
        sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unopened(path: Path) -> None:
    """Remove a file without a committed opening transaction; then its journal, which SQLite ignores without it."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    sync_folder(path.parent)


def lock_folder(folder: Path, *, exclusive: bool) -> int | None:
    """Return a descriptor that holds a camera folder's ``flock`` until `unlock_folder`, or None if others hold it.

    Writers share it; recovery needs it alone. The kernel lets go of it when the process dies.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def unlock_folder(descriptor: int) -> None:
    """Let go, also where a forked child has inherited the descriptor."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is executed inside. After any error the connection must be closed, which undoes all of it."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables and mark the file, inside the caller's transaction."""
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={USER_VERSION}")
    for statement in SCHEMA:
        connection.execute(statement)


def insert_record(connection: sqlite3.Connection, record: SealedRecord) -> None:
    """Insert one record, its columns repeated from the header, inside the caller's transaction."""
    header = record.header
    key_us = header.key_us if header.key_us != NO_KEY else None
    connection.execute(
        "INSERT INTO record (seq, kind, start_us, end_us, key_us, header, chain, data) VALUES (?,?,?,?,?,?,?,?)",
        (
            header.seq,
            int(header.kind),
            header.start_us,
            header.end_us,
            key_us,
            record.packed,
            record.chain,
            record.data,
        ),
    )


def insert_checkpoint(connection: sqlite3.Connection, checkpoint: SignedCheckpoint) -> None:
    """Insert one checkpoint, inside the caller's transaction."""
    connection.execute(
        "INSERT INTO checkpoint (n, body, signature) VALUES (?,?,?)",
        (checkpoint.fact.n, checkpoint.body, checkpoint.signature),
    )
