"""An SQLite connection to a file that may be anything: read-only, capped, its tables checked before use."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from appliance.errors import IntegrityError, NotFoundError, VaultError
from appliance.vault.format import APPLICATION_ID, MAX_BODY_BYTES, MAX_PLAINTEXT_BYTES, TAG_BYTES, USER_VERSION

if TYPE_CHECKING:
    from pathlib import Path

BUSY_TIMEOUT_S = 5.0
_LENGTH_LIMIT = MAX_PLAINTEXT_BYTES + TAG_BYTES + MAX_BODY_BYTES
# name, declared type, place in the primary key, hidden or generated
_COLUMNS = {
    "manifest": [(b"id", b"INTEGER", 1, 0), (b"body", b"BLOB", 0, 0)],
    "recipient": [(b"key_id", b"TEXT", 1, 0), (b"wrapped", b"BLOB", 0, 0)],
    "record": [
        (b"seq", b"INTEGER", 1, 0),
        *((name, b"INTEGER", 0, 0) for name in (b"kind", b"start_us", b"end_us", b"key_us")),
        *((name, b"BLOB", 0, 0) for name in (b"header", b"chain", b"data")),
    ],
    "checkpoint": [(b"n", b"INTEGER", 1, 0), (b"body", b"BLOB", 0, 0), (b"signature", b"BLOB", 0, 0)],
}


class DamagedFileError(IntegrityError):
    """SQLite cannot read the file, or a page of it."""


class NotAPartError(DamagedFileError):
    """The file is not a part file at all."""


class NotRecoveredError(VaultError):
    """A crash left the file in the middle of a write; capture closes it at its next start."""


class PartConnection:
    """One part file, opened for reading only.

    Raises:
        NotFoundError: there is no such file.
        VaultError: it cannot be read now: permissions, or a crash left it to be recovered (`NotRecoveredError`).
        IntegrityError: it is no part file (`NotAPartError`), or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFoundError(f"There is no part file {path}.")
        self.path = path
        try:
            self._conn = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
            )
        except sqlite3.Error as problem:
            raise _explain(path, problem) from problem
        try:
            self._prepare()
        except BaseException:
            self._conn.close()
            raise

    def close(self) -> None:
        """Give the file back; safe to call twice."""
        self._conn.close()

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query, as one short read transaction; text comes as bytes.

        Raises:
            VaultError, IntegrityError: as the class says.
        """
        try:
            return self._conn.execute(sql, values).fetchall()
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as problem:
            # UnicodeDecodeError: SQLite's message quotes a damaged schema, which need not be text.
            raise _explain(self.path, problem) from problem

    def _prepare(self) -> None:
        self._conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LENGTH_LIMIT)
        self._conn.text_factory = bytes
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
            self.rows(f"PRAGMA {pragma}")
        identity = self.rows("PRAGMA application_id") + self.rows("PRAGMA user_version")
        if identity != [(APPLICATION_ID,), (USER_VERSION,)]:
            raise NotAPartError(f"{self.path.name} is no part file of this format.", hint=FOREIGN_HINT)
        for table, columns in _COLUMNS.items():
            kind = self.rows("SELECT type FROM sqlite_schema WHERE name = ? AND sql LIKE 'CREATE TABLE %'", (table,))
            found = self.rows("SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo(?)", (table,))
            if kind != [(b"table",)] or found != columns:
                raise NotAPartError(f"{self.path.name} has no proper table {table}.", hint=FOREIGN_HINT)


FOREIGN_HINT = "It was not written by this software, or it is damaged; move it out of the vault and keep it as it is."


def _explain(path: Path, problem: Exception) -> VaultError:
    """Turn what SQLite says into what a person can act on."""
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return NotRecoveredError(
            f"{path} was interrupted while it was written and has not been recovered yet.",
            hint="Start capture: it closes interrupted parts and loses nothing that was committed.",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return VaultError(f"{path} is busy.", hint="Try again in a few seconds.")
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_IOERR}:
        return VaultError(
            f"{path} cannot be read: {problem}.", hint="Check its permissions and the disk (`exambox doctor`)."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return NotAPartError(f"{path} is no part file: {problem}.", hint=FOREIGN_HINT)
    return DamagedFileError(
        f"{path} is damaged: {problem}.",
        hint="Keep the file as it is; `exambox recordings verify` says what of it can be trusted.",
    )
