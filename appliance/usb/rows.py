"""Small things the modules of this room share: reading rows, JSON of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database


def rows_of(db: Database, sql: str, values: Iterable[object] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries."""
    cursor = db.conn.execute(sql, tuple(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def to_json(value: Any) -> str:
    """Return a value as the text of a JSON column."""
    return msgspec.json.encode(value).decode()
