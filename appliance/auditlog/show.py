"""Reading the log for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.auditlog.line import ERASED, UNREADABLE, LogLine
from appliance.auditlog.search import Wanted, each, newest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

__all__ = ["ERASED", "UNREADABLE", "LogLine", "show"]


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
    wanted = Wanted(action=action or "", who=who or "", from_us=since_us)
    yield from each(db, wanted) if limit is None else reversed(newest(db, wanted, limit=limit))
