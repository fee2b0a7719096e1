"""Small things the modules of this room share: names for new rows, JSON of columns."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance import auditlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock

_ID_BYTES: Final = 12
_ESCAPE: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Who does something, from where, and the clock that dates it."""

    clock: Clock
    who: str
    where: str = ""

    def log(self, db: Database, action: str, detail: dict[str, Any], *, why: str = "", **personal: str) -> None:
        """Enter it in the log, in the open transaction; a reason in a person's words can be erased."""
        values = personal | ({"why": why} if why else {})
        auditlog.append(db, action, clock=self.clock, who=self.who, where=self.where, detail=detail, personal=values)


def new_id() -> str:
    """Return a name for a new row that nobody guesses: 24 hex digits."""
    return secrets.token_hex(_ID_BYTES)


def to_json(value: Any) -> str:
    """Return a value as the text of a JSON column."""
    return msgspec.json.encode(value).decode()


def rows_of(db: Database, sql: str, values: Iterable[object] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries."""
    cursor = db.conn.execute(sql, tuple(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one_row(db: Database, sql: str, values: Iterable[object] = ()) -> dict[str, Any] | None:
    """Return the first row of a query, None where there is none."""
    found = rows_of(db, sql, values)
    return found[0] if found else None


def insert(db: Database, table: str, row: dict[str, Any]) -> None:
    """Add a row; table and columns are words of this code."""
    marks = ", ".join("?" * len(row))
    db.conn.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  own words


def like(text: str) -> str:
    r"""Return a pattern for ``LIKE … ESCAPE '\\'`` that finds the text anywhere."""
    return f"%{text.translate(_ESCAPE)}%"
