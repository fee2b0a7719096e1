"""The box's own rows about parts, wishes and holds, as retention and disk decisions need them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.errors import NotFoundError
from appliance.vault import part_files
from appliance.vault.holds import keeping_holds
from appliance.vault.retention import DuePart, Hold, PartRow, Sittings, due_parts

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

_SELECT = "SELECT part_id, sitting, camera, number, started_us, ended_us, bytes, state FROM part"


@dataclass(frozen=True, slots=True)
class DeletedPart:
    """A part this box deleted, as its certificate says: a verifier may accept the hole it left."""

    part_id: str
    sitting: str
    camera: str
    number: int
    chain: str | None
    checkpoint_sha256: str | None
    rule: str
    deleted_us: int
    certificate: int
    """Number of the certificate's log entry."""


def part_path(vault_dir: Path, part: PartRow) -> Path:
    """Return where a part's file lies.

    Raises:
        BadInputError: the row holds a name that may not be used in paths.
    """
    return part_files.part_path(vault_dir, part.sitting, part.camera, part.number)


def unknown_files(db: Database, vault_dir: Path) -> list[Path]:
    """Return part files the box has no row of (its database was lost or restored): retention does not see them."""
    known = {(part.sitting, part.camera, part.number) for part in list_parts(db)}
    return [
        file.path
        for sitting, camera in part_files.recordings(vault_dir)
        for file in part_files.recording_files(vault_dir, sitting, camera)
        if (file.sitting, file.camera, file.number) not in known
    ]


def list_parts(db: Database, sitting: str | None = None) -> list[PartRow]:
    """Return every part (of one sitting, if it is named), the deleted too, the oldest first."""
    where, values = ("", ()) if sitting is None else (" WHERE sitting = ?", (sitting,))
    return [PartRow(*row) for row in db.conn.execute(f"{_SELECT}{where} ORDER BY started_us, part_id", values)]


def open_parts(db: Database, vault_dir: Path) -> list[PartRow]:
    """Return the parts that are being written, with the bytes their files have by now; a missing file has none.

    The row of a part learns its bytes only when it is closed.
    """
    rows = [PartRow(*row) for row in db.conn.execute(f"{_SELECT} WHERE state = 'open' ORDER BY started_us, part_id")]
    return [replace(part, bytes=_file_bytes(part_path(vault_dir, part))) for part in rows]


def _file_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def get_part(db: Database, part_id: str) -> PartRow:
    """Return one part.

    Raises:
        NotFoundError: the box knows no such part.
    """
    row = db.conn.execute(f"{_SELECT} WHERE part_id = ?", (part_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no part {part_id}.", hint="`exambox recordings list` shows what there is.")
    return PartRow(*row)


def due_now(
    db: Database, *, default_hours: int, now_us: int, grace_us: int = 0, sitting: str | None = None
) -> list[DuePart]:
    """Return the parts that retention lets go now, the oldest first, from the box's own rows.

    Args:
        db: the box's database.
        default_hours: retention of cameras the box does not know.
        now_us: wall time.
        grace_us: for how long a hold keeps beyond its release, so that a mistaken one can be made good.
        sitting: look at the parts of this one alone; nothing of another one decides about them.
    """
    return due_parts(
        list_parts(db, sitting),
        retention_hours=retention_hours(db),
        default_hours=default_hours,
        holds=[Hold(hold.sitting, hold.camera) for hold in keeping_holds(db, now_us=now_us, grace_us=grace_us)],
        sittings=wished_sittings(db),
        now_us=now_us,
    )


def retention_hours(db: Database) -> dict[str, int]:
    """Return how long each camera's recordings are kept, also of cameras that were taken away."""
    return {row[0]: int(row[1]) for row in db.conn.execute("SELECT id, retention_hours FROM camera")}


def wished_sittings(db: Database) -> Sittings:
    """Return which sittings run, and when the others were ended."""
    wishes = db.conn.execute("SELECT sitting, stopped_us FROM recording_wish").fetchall()
    return Sittings(
        running=frozenset(sitting for sitting, stopped in wishes if stopped is None),
        stopped_us={sitting: stopped for sitting, stopped in wishes if stopped is not None},
    )


def deleted_parts(db: Database) -> list[DeletedPart]:
    """Return every part this box deleted, by sitting, camera and number."""
    rows = db.conn.execute(
        "SELECT part_id, sitting, camera, number, chain, checkpoint_sha256, rule, done_us, certificate"
        " FROM part_deletion WHERE done_us IS NOT NULL ORDER BY sitting, camera, number"
    )
    return [DeletedPart(*row) for row in rows]
