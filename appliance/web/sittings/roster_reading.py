"""A table that somebody brings, read and drafted for one sitting: looked at only, nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.cameras.store import list_cameras
from appliance.errors import BadInputError
from appliance.exams.roster import RosterDraft, draft_roster
from appliance.exams.seating import SeatingDraft, draft_seating
from appliance.rosters.sheets import read_table
from appliance.sittings.rosters import exam_names, roster_of, seating_of
from appliance.web.sittings.roster_changes import (
    Changes,
    SeatChanges,
    Shown,
    as_text,
    roster_changes,
    seating_changes,
    shown,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.rosters.table import Note, Table
    from appliance.web.sittings.roster_changes import Kind

MAX_UPLOAD: Final = 4_000_000
"""Bytes of a request that brings a table."""


@dataclass(frozen=True)
class Dry:
    """What a table would become. ``text`` is the table as it was read, to be sent again when it is taken."""

    kind: Kind
    shown: Shown
    text: str
    rows: int
    draft: RosterDraft | SeatingDraft
    changes: Changes | SeatChanges
    notes: tuple[Note, ...]

    @property
    def good(self) -> bool:
        """Whether it can be taken."""
        return not self.draft.problems


def dry_run(db: Database, sitting: str, kind: Kind, data: bytes, *, name: str) -> Dry:
    """Read a table and say what it would change; nothing is stored.

    Raises:
        BadInputError: it is no table.
        NotFoundError: there is no such sitting.
    """
    table = read_table(data, name=name)
    draft, changes = (_roster if kind == "roster" else _seating)(db, sitting, table)
    return Dry(
        kind,
        shown(kind, table.header, table.rows, draft.problems),
        as_text(table.header, table.rows),
        draft.rows,
        draft,
        changes,
        table.notes,
    )


def _roster(db: Database, sitting: str, table: Table) -> tuple[RosterDraft, Changes]:
    draft = draft_roster(table.cells, sitting=sitting, exams=exam_names(db, sitting))
    return draft, roster_changes(roster_of(db, sitting), draft.entries)


def _seating(db: Database, sitting: str, table: Table) -> tuple[SeatingDraft, SeatChanges]:
    cameras = {camera.id for camera in list_cameras(db)}
    draft = draft_seating(table.cells, roster=roster_of(db, sitting), cameras=cameras)
    return draft, seating_changes(seating_of(db, sitting), draft)


def checked_text(text: str) -> bytes:
    """Return a pasted table as bytes.

    Raises:
        BadInputError: there is nothing in it.
    """
    if not text.strip():
        raise BadInputError("There is no table.", hint="Choose a file, or paste the table with its heads.")
    return text.encode()
