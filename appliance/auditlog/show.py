"""Reading the log for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.auditlog import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

ERASED = "(erased)"
UNREADABLE = "(unreadable)"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry as a person sees it; erased values read ``(erased)``."""

    seq: int
    at_us: int
    action: str
    who: str
    where: str
    detail: dict[str, Any]
    personal: dict[str, str]


def show(
    db: Database,
    *,
    since_us: int | None = None,
    action: str | None = None,
    who: str | None = None,
    limit: int | None = None,
) -> Iterator[LogLine]:
    """Yield entries, oldest first; with ``limit`` the newest that many.

    Args:
        db: the box's database.
        since_us: only entries made at or after this wall time.
        action: only this action, or with a noun alone (``camera``) all of its actions.
        who: only what this person or part of the box did.
        limit: at most this many.
    """
    newest: list[LogLine] = []
    before = None
    while limit is None or len(newest) < limit:
        page = _page(db, before)
        if not page:
            break
        before = page[-1].seq
        newest.extend(line for line in page if _fits(line, since_us, action, who))
    yield from reversed(newest[:limit])


def _page(db: Database, before: int | None) -> list[LogLine]:
    """Return up to `_PAGE` entries before a number, newest first."""
    rows = db.conn.execute(
        "SELECT seq, body FROM log_entry WHERE seq < ? ORDER BY seq DESC LIMIT ?", (before or 1 << 62, _PAGE)
    ).fetchall()
    if not rows:
        return []
    values: dict[int, dict[str, str]] = {}
    for seq, field, value in db.conn.execute(
        "SELECT seq, field, value FROM log_personal WHERE seq BETWEEN ? AND ?", (rows[-1][0], rows[0][0])
    ):
        values.setdefault(seq, {})[field] = value
    return [_line(seq, body, values.get(seq, {})) for seq, body in rows]


def _line(seq: int, raw: bytes, values: dict[str, str]) -> LogLine:
    body = entry.read_body(raw) or {}
    stated = entry.commitments_of(body)
    shown = {field: values.get(field, ERASED) for field in stated}
    detail, at_us = body.get("detail"), body.get("at_us")
    return LogLine(
        seq=seq,
        at_us=at_us if isinstance(at_us, int) else 0,
        action=str(body.get("action", UNREADABLE)),
        who=shown.pop(entry.WHO, ""),
        where=shown.pop(entry.WHERE, ""),
        detail=detail if isinstance(detail, dict) else {},
        personal=shown,
    )


def _fits(line: LogLine, since_us: int | None, action: str | None, who: str | None) -> bool:
    return (
        (since_us is None or line.at_us >= since_us)
        and (action is None or line.action == action or line.action.startswith(f"{action}."))
        and (who is None or line.who == who)
    )
