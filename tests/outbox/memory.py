"""A migrated database in memory, for properties that need many."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from appliance.clock import ManualClock
from appliance.database import open_box_database

_TEMPLATE: list[sqlite3.Connection] = []


def fresh_database() -> tuple[Database, ManualClock]:
    """Return a migrated database and a clock."""
    if not _TEMPLATE:
        with TemporaryDirectory() as folder:
            made = open_box_database(Path(folder) / "box.db")
            kept = sqlite3.connect(":memory:", check_same_thread=False)
            made.conn.backup(kept)
            made.conn.close()
        _TEMPLATE.append(kept)
    copy = sqlite3.connect(":memory:")
    _TEMPLATE[0].backup(copy)
    return Database(copy, execute_plugins=False), ManualClock()
