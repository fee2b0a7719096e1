"""Changes of keys and their log entries: the log is known to be writable before a key is touched."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from appliance import auditlog
from appliance.clock import SystemClock
from appliance.commands.common import database_of, person
from appliance.database import write
from appliance.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings


@contextlib.contextmanager
def logged(settings: Settings, action: str, *, personal: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Run the block with the log's write lock held, then enter ``action`` with the detail the block filled in.

    A block that fails leaves no entry; a log that cannot be opened leaves the block undone.
    """
    db = database_of(settings)
    try:
        with write(db):
            detail: dict[str, Any] = {}
            yield detail
            auditlog.append(db, action, clock=SystemClock(), who=person(), detail=detail, personal=personal)
    except sqlite3.Error as problem:
        raise DatabaseError(
            f"The log cannot be written: {problem}.", hint="`exambox doctor` checks disk and database."
        ) from problem
    finally:
        db.conn.close()
