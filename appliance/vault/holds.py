"""Legal holds: what is under one is not deleted, whatever retention says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.vault.format import check_name

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

MAX_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold with its history; times are wall microseconds. It stands while ``released_us`` is None."""

    id: int
    sitting: str
    camera: str | None
    reason: str
    placed_us: int
    placed_by: str
    released_us: int | None
    released_by: str | None
    release_reason: str | None


def place_hold(
    db: Database, sitting: str, camera: str | None, *, reason: str, clock: Clock, who: str, where: str = ""
) -> LegalHold:
    """Keep a sitting's recordings (of one camera, or of all) until the hold is released.

    A part whose deletion has begun is past saving: its keys may be gone. The entry in the log says how many.

    Raises:
        BadInputError: a name or the reason is not usable.
        NotFoundError: nothing was recorded, or wished to be, under that name.
        ConflictError: all of it was deleted before, and nothing is being recorded.
    """
    check_name(sitting, "sitting")
    if camera is not None:
        check_name(camera, "camera")
    stated = _reason(reason)
    with write(db):
        _require_recording(db, sitting, camera)
        left, gone = _left_and_gone(db, sitting, camera)
        if gone and not left and not _is_running(db, sitting):
            raise ConflictError(
                f"Nothing of {_named(sitting, camera)} is left to keep: all its parts were already deleted.",
                hint="Their deletion certificates say when, and under which rule.",
            )
        cursor = db.conn.execute(
            "INSERT INTO legal_hold (sitting, camera, reason, placed_us, placed_by) VALUES (?, ?, ?, ?, ?)",
            (sitting, camera, stated, clock.wall_us(), who),
        )
        number = int(cursor.lastrowid or 0)
        detail = {"hold": number, "sitting": sitting, "camera": camera, "parts_already_gone": gone}
        append(db, "hold.placed", clock=clock, who=who, where=where, detail=detail, personal={"reason": stated})
    return get_hold(db, number)


def release_hold(db: Database, number: int, *, reason: str, clock: Clock, who: str, where: str = "") -> LegalHold:
    """End a hold; retention applies again from then on.

    Raises:
        BadInputError: there is no usable reason.
        NotFoundError: there is no such hold.
        ConflictError: it was released before.
    """
    stated = _reason(reason)
    with write(db):
        hold = get_hold(db, number)
        if hold.released_us is not None:
            raise ConflictError(f"Hold {number} was already released by {hold.released_by}.")
        db.conn.execute(
            "UPDATE legal_hold SET released_us = ?, released_by = ?, release_reason = ? WHERE id = ?",
            (clock.wall_us(), who, stated, number),
        )
        detail = {"hold": number, "sitting": hold.sitting, "camera": hold.camera}
        append(db, "hold.released", clock=clock, who=who, where=where, detail=detail, personal={"reason": stated})
    return get_hold(db, number)


def get_hold(db: Database, number: int) -> LegalHold:
    """Return one hold.

    Raises:
        NotFoundError: there is no such hold.
    """
    row = db.conn.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no hold {number}.", hint="`exambox holds list --all` shows them.")
    return LegalHold(*row)


def list_holds(db: Database, *, released: bool = False) -> list[LegalHold]:
    """Return the holds that stand, the oldest first; with ``released`` those that ended, too."""
    where = "" if released else " WHERE released_us IS NULL"
    return [LegalHold(*row) for row in db.conn.execute(f"{_SELECT}{where} ORDER BY id")]


def keeping_holds(db: Database, *, now_us: int, grace_us: int = 0) -> list[LegalHold]:
    """Return the holds that keep something now: those that stand, and those released less than ``grace_us`` ago.

    The grace makes a mistaken release good: placed again within it, nothing was lost.
    """
    rows = db.conn.execute(
        f"{_SELECT} WHERE released_us IS NULL OR (released_us > ? AND released_us <= ?) ORDER BY id",
        (now_us - grace_us, now_us),
    )
    return [LegalHold(*row) for row in rows]


_SELECT = (
    "SELECT id, sitting, camera, reason, placed_us, placed_by, released_us, released_by, release_reason FROM legal_hold"
)


def _reason(text: str) -> str:
    stated = text.strip()
    if not stated or len(stated) > MAX_REASON_CHARACTERS:
        raise BadInputError(
            f"reason: must have 1 to {MAX_REASON_CHARACTERS} characters.",
            hint="Say who asked for it and why, for example the case's reference.",
        )
    return stated


def _require_recording(db: Database, sitting: str, camera: str | None) -> None:
    found = db.conn.execute(
        "SELECT 1 FROM part WHERE sitting = ? AND (? IS NULL OR camera = ?)"
        " UNION SELECT 1 FROM recording_wish WHERE sitting = ? AND (? IS NULL OR ? IN (SELECT id FROM camera))",
        (sitting, camera, camera, sitting, camera, camera),
    ).fetchone()
    if found is None:
        raise NotFoundError(
            f"There is no recording {_named(sitting, camera)} on this box.",
            hint="`exambox recordings list` shows what there is.",
        )


def _left_and_gone(db: Database, sitting: str, camera: str | None) -> tuple[int, int]:
    """Return how many parts are there, and how many were deleted or are past saving."""
    left, gone = db.conn.execute(
        "SELECT count(*) FILTER (WHERE state NOT IN ('deleting', 'deleted')),"
        " count(*) FILTER (WHERE state IN ('deleting', 'deleted'))"
        " FROM part WHERE sitting = ? AND (? IS NULL OR camera = ?)",
        (sitting, camera, camera),
    ).fetchone()
    return int(left), int(gone)


def _is_running(db: Database, sitting: str) -> bool:
    query = "SELECT 1 FROM recording_wish WHERE sitting = ? AND stopped_us IS NULL"
    return db.conn.execute(query, (sitting,)).fetchone() is not None


def _named(sitting: str, camera: str | None) -> str:
    return f"{sitting}/{camera}" if camera else sitting
