"""The only place that opens ``exambox.db``: every pragma that matters is per connection."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from sqlite_utils import Database

from appliance.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 10_000


def connect(path: Path, *, read_only: bool = False) -> Database:
    """Open the box's database with the settings every promise rests on.

    Args:
        path: the file; its folder must exist. Created when missing unless ``read_only``.
        read_only: refuse every write on this connection.

    Returns:
        A sqlite-utils ``Database`` (WAL, synchronous=FULL, foreign keys on, secure_delete off),
        usable from any one thread at a time.

    Raises:
        DatabaseError: it cannot be opened, or is no database.
    """
    mode = "ro" if read_only else "rwc"
    try:
        conn = sqlite3.connect(
            f"file:{path}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
        )
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if not read_only:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("PRAGMA secure_delete=OFF")
        return Database(conn, execute_plugins=False)
    except sqlite3.Error as problem:
        raise DatabaseError(
            f"The database {path} cannot be opened: {problem}.",
            hint="Check that the folder exists, is writable for this user, and that the disk is not full "
            "(`exambox doctor` checks all three).",
        ) from problem


@contextlib.contextmanager
def write(db: Database) -> Iterator[Database]:
    """Run the block as one durable write transaction, or as a savepoint inside one that is open.

    ``BEGIN IMMEDIATE`` takes the write lock at once, so that a reader never fails half way with
    "database is locked" when it turns into a writer.
    """
    if db.conn.in_transaction:
        with _savepoint(db):
            yield db
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.conn.execute("COMMIT")  # inside: one that fails (busy, full disk) must not leave its transaction open
    except BaseException:
        # ROLLBACK fails where the error already ended the transaction (full disk, RAISE(ROLLBACK)).
        with contextlib.suppress(sqlite3.OperationalError):
            db.conn.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def joined(db: Database) -> Iterator[Database]:
    """Run the block as part of the write transaction that is open, or as one of its own.

    As `write`, without a savepoint: what the block did before an error stays until whoever opened the transaction (or
    a savepoint in it) undoes it. For what stands or falls with its cause: one statement for SQLite where there would
    be three.
    """
    if db.conn.in_transaction:
        yield db
        return
    with write(db):
        yield db


@contextlib.contextmanager
def _savepoint(db: Database) -> Iterator[None]:
    """Undo the block alone where it fails.

    One name for all: the innermost savepoint of a name is the one that is meant, and a statement that is always the
    same is compiled once.
    """
    db.conn.execute("SAVEPOINT inner_write")
    try:
        yield
    except BaseException:
        # As above: the error may have ended the whole transaction.
        with contextlib.suppress(sqlite3.OperationalError):
            db.conn.execute("ROLLBACK TO inner_write")
            db.conn.execute("RELEASE inner_write")
        raise
    db.conn.execute("RELEASE inner_write")
