"""Finding entries: by action, person, time and text, page by page along their numbers, however long the log is.

Actions and times have indexes of their own (migration ``m0005_log_search``); their terms here are worded exactly
as in it, which is what lets SQLite use them. What people typed is only ever a bound value. A text is looked for
in two steps: SQL lets through what may hold it, cheaply; what remains is read and looked at as a person sees it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from appliance.auditlog import entry
from appliance.auditlog.line import LogLine, read_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlite_utils import Database

_BATCH = 500
_LAST = 1 << 62
_ACTION = "CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.action') END"
_AT_US = "CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.at_us') END"
# What LIKE cannot compare as people do (case beyond ASCII, JSON's escapes) may be anything; it is looked at later.
_ANY = re.compile(r'[^\x20-\x7e]|["\\%_]')


@dataclass(frozen=True, slots=True)
class Wanted:
    """What entries are narrowed to; empty and None are everything.

    Attributes:
        action: this action, or with a noun alone (``camera``) all of its actions.
        without: actions that are left out.
        who: what this person or part of the box did, by the exact name.
        from_us: made at this wall time or later.
        to_us: made before this wall time.
        text: stands in the action, the detail, or a personal value, in upper or lower case.
        text_actions: actions of which the text is found in their words.
    """

    action: str = ""
    without: frozenset[str] = frozenset()
    who: str = ""
    from_us: int | None = None
    to_us: int | None = None
    text: str = ""
    text_actions: frozenset[str] = frozenset()

    def holds(self, line: LogLine) -> bool:
        """Return whether a person who looks for the text finds it in the line (pure)."""
        needle = self.text.casefold()
        if not needle or line.action in self.text_actions:
            return True
        seen = [line.action, line.who, line.where, *line.personal.values()]
        return any(needle in one.casefold() for one in [*seen, json.dumps(line.detail, ensure_ascii=False)])


def newest(db: Database, wanted: Wanted, *, limit: int, before: int | None = None) -> list[LogLine]:
    """Return up to ``limit`` entries numbered below ``before``, the newest first."""
    return _found(db, wanted, limit, _LAST if before is None else before, "DESC")


def oldest(db: Database, wanted: Wanted, *, limit: int, after: int = 0) -> list[LogLine]:
    """Return up to ``limit`` entries numbered above ``after``, the oldest first."""
    return _found(db, wanted, limit, after, "ASC")


def each(db: Database, wanted: Wanted, *, limit: int | None = None) -> Iterator[LogLine]:
    """Yield entries, the oldest first, in short reads of their own: recording goes on beside it."""
    after, left = 0, limit
    while left is None or left > 0:
        size = _BATCH if left is None else min(_BATCH, left)
        batch = oldest(db, wanted, limit=size, after=after)
        yield from batch
        if len(batch) < size:
            return
        after, left = batch[-1].seq, None if left is None else left - len(batch)


def _found(db: Database, wanted: Wanted, limit: int, edge: int, order: Literal["ASC", "DESC"]) -> list[LogLine]:
    span = _span(db, wanted)
    if span is None:
        return []
    found: list[LogLine] = []
    terms, values = _terms(db, wanted)
    low, high = span if order == "ASC" else span[::-1]
    edge = max(edge, low - 1) if order == "ASC" else min(edge, low + 1)
    compare = ">" if order == "ASC" else "<"
    query = (
        f"SELECT seq, body FROM log_entry WHERE seq {compare} ? AND seq {'<=' if order == 'ASC' else '>='} ?"  # noqa: S608  constant text
        f"{terms} ORDER BY seq {order} LIMIT ?"
    )
    while len(found) < limit:
        size = max(limit, _BATCH) if wanted.text else limit
        rows = db.conn.execute(query, (edge, high, *values, size)).fetchall()
        found += [line for line in _lines(db, rows) if wanted.holds(line)]
        if len(rows) < size:
            break
        edge = rows[-1][0]
    return found[:limit]


def _span(db: Database, wanted: Wanted) -> tuple[int, int] | None:
    """Return the first and the last number in the wanted time, so that only these are looked at; None: there is none.

    A clock that was set back leaves others between them; they are left out one by one.
    """
    if wanted.from_us is None and wanted.to_us is None:
        return 1, _LAST
    terms, values = _time_terms(wanted, _AT_US)
    query = f"SELECT min(seq), max(seq) FROM log_entry WHERE 1{terms}"  # noqa: S608  constant text
    first, last = db.conn.execute(query, values).fetchone()
    return None if first is None else (int(first), int(last))


def _terms(db: Database, wanted: Wanted) -> tuple[str, list[Any]]:
    # A plus keeps SQLite from going through all of a wanted time by its index, then sorting it.
    terms, values = _time_terms(wanted, f"+({_AT_US})")
    for more, given in (_action_terms(db, wanted), _who_terms(wanted), _text_terms(wanted)):
        terms += more
        values += given
    return terms, values


def _time_terms(wanted: Wanted, at_us: str) -> tuple[str, list[Any]]:
    stated = [(f" AND {at_us} >= ?", wanted.from_us), (f" AND {at_us} < ?", wanted.to_us)]
    return "".join(term for term, at in stated if at is not None), [at for _, at in stated if at is not None]


def _action_terms(db: Database, wanted: Wanted) -> tuple[str, list[Any]]:
    terms, values = "", list[Any]()
    if wanted.action:
        values = [wanted.action] if "." in wanted.action else _actions_of(db, wanted.action)
        terms = f" AND {_ACTION} IN ({_marks(values)})"
    if wanted.without:
        # An entry that cannot be read has no action; it is never left out quietly.
        terms += f" AND coalesce(+({_ACTION}), '') NOT IN ({_marks(wanted.without)})"
        values += sorted(wanted.without)
    return terms, values


def _actions_of(db: Database, noun: str) -> list[str]:
    """Return the actions of a noun that the log has, from one to the next along the index."""
    found, after = list[str](), f"{noun}."
    query = f"SELECT {_ACTION} FROM log_entry WHERE {_ACTION} > ? AND {_ACTION} < ? ORDER BY {_ACTION} LIMIT 1"  # noqa: S608  constant text
    while row := db.conn.execute(query, (after, f"{noun}/")).fetchone():
        after = row[0]
        found.append(after)
    return found


def _who_terms(wanted: Wanted) -> tuple[str, list[Any]]:
    if not wanted.who:
        return "", []
    return (
        " AND EXISTS (SELECT 1 FROM log_personal p WHERE p.seq = log_entry.seq AND p.field = ? AND p.value = ?)",
        [entry.WHO, wanted.who],
    )


def _text_terms(wanted: Wanted) -> tuple[str, list[Any]]:
    if not wanted.text:
        return "", []
    like = f"%{_ANY.sub('%', wanted.text)}%"
    terms = (
        " AND (CAST(body AS TEXT) LIKE ? OR EXISTS (SELECT 1 FROM log_personal p WHERE p.seq = log_entry.seq"
        " AND p.value LIKE ?)"
    )
    if wanted.text_actions:
        terms += f" OR {_ACTION} IN ({_marks(wanted.text_actions)})"
    return f"{terms})", [like, like, *sorted(wanted.text_actions)]


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _lines(db: Database, rows: list[tuple[int, bytes]]) -> list[LogLine]:
    if not rows:
        return []
    values: dict[int, dict[str, str]] = {}
    for seq, field, value in db.conn.execute(
        "SELECT seq, field, value FROM log_personal WHERE seq IN (SELECT value FROM json_each(?))",
        (json.dumps([seq for seq, _ in rows]),),
    ):
        values.setdefault(seq, {})[field] = value
    return [read_line(seq, body, values.get(seq, {})) for seq, body in rows]
