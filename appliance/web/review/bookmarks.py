"""Bookmarks: moments or ranges of a sitting with a note, kept when removed so that removing can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.database import write
from appliance.errors import BadInputError, NotFoundError
from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, ForbiddenError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.sessions import Person

MAX_NOTE = 2_000
MAX_OF_A_SITTING = 2_000
_SELECT = """
SELECT bookmark.id, sitting, camera, at_us, until_us, note, account.name, bookmark.account, made_us, edited_us
FROM bookmark LEFT JOIN account ON account.id = bookmark.account
"""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One bookmark; times are wall microseconds, ``camera`` None means every camera of the sitting."""

    id: int
    sitting: str
    camera: str | None
    at_us: int
    until_us: int | None
    note: str
    made_by: str
    account: int
    made_us: int
    edited_us: int | None


@dataclass(frozen=True, slots=True)
class Marking:
    """What is marked, and with which words."""

    at_us: int
    until_us: int | None
    camera: str | None
    note: str


def list_bookmarks(db: Database, sitting: str) -> list[Bookmark]:
    """Return a sitting's bookmarks that were not removed, by time."""
    rows = db.conn.execute(
        f"{_SELECT} WHERE sitting = ? AND removed_us IS NULL ORDER BY at_us, bookmark.id", (sitting,)
    )
    return [Bookmark(*row) for row in rows]


def count_bookmarks(db: Database) -> dict[str, int]:
    """Return how many bookmarks each sitting has; sittings without one are left out."""
    return dict(db.conn.execute("SELECT sitting, count(*) FROM bookmark WHERE removed_us IS NULL GROUP BY sitting"))


def get_bookmark(db: Database, sitting: str, number: int, *, removed: bool = False) -> Bookmark:
    """Return one bookmark of a sitting.

    Raises:
        NotFoundError: there is none of this number in this sitting, or it is removed (is not, with ``removed``).
    """
    state = "IS NOT NULL" if removed else "IS NULL"
    row = db.conn.execute(
        f"{_SELECT} WHERE bookmark.id = ? AND sitting = ? AND removed_us {state}", (min(number, 2**62), sitting)
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such bookmark.", hint="Reload the page: somebody may have removed it.")
    return Bookmark(*row)


def may_change(bookmark: Bookmark, person: Person) -> bool:
    """Whether a person may edit or remove a bookmark: its maker, an administrator, a centre manager (pure)."""
    return bookmark.account == person.account or person.role in {ADMINISTRATOR, CENTRE_MANAGER}


def check_may_change(bookmark: Bookmark, person: Person) -> None:
    """Refuse where `may_change` says no.

    Raises:
        ForbiddenError: it is somebody else's.
    """
    if not may_change(bookmark, person):
        raise ForbiddenError(
            "This bookmark is somebody else's.",
            hint="Make one of your own; its maker or an administrator can change it.",
        )


def add_bookmark(db: Database, sitting: str, marking: Marking, *, account: int, clock: Clock) -> int:
    """Add a bookmark; return its number.

    Raises:
        BadInputError: the range ends before it begins, or the sitting has as many as it may have.
    """
    _check(marking)
    with write(db):
        count = db.conn.execute("SELECT count(*) FROM bookmark WHERE sitting = ?", (sitting,)).fetchone()[0]
        if count >= MAX_OF_A_SITTING:
            raise BadInputError(
                f"This sitting has {MAX_OF_A_SITTING} bookmarks already.",
                hint="Write more into the notes of those there are.",
            )
        done = db.conn.execute(
            "INSERT INTO bookmark (sitting, camera, at_us, until_us, note, account, made_us) VALUES (?,?,?,?,?,?,?)",
            (sitting, marking.camera, marking.at_us, marking.until_us, marking.note, account, clock.wall_us()),
        )
        return int(done.lastrowid or 0)


def edit_bookmark(db: Database, number: int, marking: Marking, *, clock: Clock) -> None:
    """Change what a bookmark marks and says.

    Raises:
        BadInputError: the range ends before it begins.
    """
    _check(marking)
    with write(db):
        db.conn.execute(
            "UPDATE bookmark SET camera = ?, at_us = ?, until_us = ?, note = ?, edited_us = ? WHERE id = ?",
            (marking.camera, marking.at_us, marking.until_us, marking.note, clock.wall_us(), number),
        )


def remove_bookmark(db: Database, number: int, *, clock: Clock) -> None:
    """Take a bookmark away; it can be restored."""
    with write(db):
        db.conn.execute("UPDATE bookmark SET removed_us = ? WHERE id = ?", (clock.wall_us(), number))


def restore_bookmark(db: Database, number: int) -> None:
    """Bring a removed bookmark back."""
    with write(db):
        db.conn.execute("UPDATE bookmark SET removed_us = NULL WHERE id = ?", (number,))


def _check(marking: Marking) -> None:
    if marking.until_us is not None and marking.until_us <= marking.at_us:
        raise BadInputError("until_us: the range ends before it begins.")
