"""Deleting a part: keys first, then the file, then the certificate. See ``docs/vault-format.md``, section 9.

Each step is durable before the next begins and may be repeated, so that a power cut between any two of them
costs nothing: `finish_deletions` goes on where the box stopped.

1. One transaction: the decision is checked once more, the part becomes ``deleting``, and what the certificate
   will say is written down (it cannot be read from the file later).
2. The wrapped keys are overwritten and synced. From here on nobody can read the part.
3. The file is unlinked, and its folder synced.
4. One transaction: the part becomes ``deleted``, and the certificate enters the log.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from appliance import log
from appliance.auditlog import append
from appliance.database import write
from appliance.errors import ApplianceError, ConflictError, IntegrityError, VaultError
from appliance.vault.format import decode_body, sha256
from appliance.vault.part_rows import due_now, get_part, part_path

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.vault.retention import PartRow

FileState = Literal["whole", "damaged", "missing"]
_SIBLINGS = ("-journal", "-wal", "-shm")
_BUSY_SECONDS = 2.0
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a part file says of itself, for its certificate; unknown where it is damaged or missing."""

    state: FileState
    chain: str | None = None
    checkpoint_sha256: str | None = None


def delete_part(
    db: Database,
    vault_dir: Path,
    part_id: str,
    *,
    default_hours: int,
    clock: Clock,
    who: str = "box",
    grace_us: int = 0,
) -> int:
    """Delete a part that retention lets go, and return the number of its certificate's log entry.

    Raises:
        ConflictError: it may not go (open, running sitting, legal hold, time not over); nothing was done.
        NotFoundError: there is no such part.
        IntegrityError: the file at its place is another part; it was not touched.
        VaultError: the disk refused; the deletion goes on with the next `finish_deletions`.
    """
    begin_deletion(db, vault_dir, part_id, default_hours=default_hours, clock=clock, who=who, grace_us=grace_us)
    return finish_deletion(db, vault_dir, part_id, clock=clock)


def begin_deletion(
    db: Database,
    vault_dir: Path,
    part_id: str,
    *,
    default_hours: int,
    clock: Clock,
    who: str = "box",
    grace_us: int = 0,
) -> None:
    """Decide, durably, that a part is deleted (step 1).

    The decision is taken under the write lock: a hold that was placed a moment before is seen.

    Raises:
        ConflictError, NotFoundError, IntegrityError: as `delete_part`.
    """
    part = get_part(db, part_id)
    facts = read_facts(part_path(vault_dir, part), part_id)
    with write(db):
        allowed = due_now(
            db, default_hours=default_hours, now_us=clock.wall_us(), grace_us=grace_us, sitting=part.sitting
        )
        due = {one.part.part_id: one for one in allowed}
        if part_id not in due:
            raise ConflictError(
                f"Part {part.sitting}/{part.camera}/{part.number} may not be deleted now.",
                hint="It is open, its sitting runs, a legal hold keeps it (`exambox holds list`), "
                "or its retention is not over.",
            )
        db.conn.execute("UPDATE part SET state = 'deleting' WHERE part_id = ?", (part_id,))
        db.conn.execute(
            "INSERT INTO part_deletion (part_id, sitting, camera, number, rule, applied_by, began_us, chain,"
            " checkpoint_sha256, file_state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                part_id,
                part.sitting,
                part.camera,
                part.number,
                due[part_id].rule,
                who,
                clock.wall_us(),
                facts.chain,
                facts.checkpoint_sha256,
                facts.state,
            ),
        )


def finish_deletion(db: Database, vault_dir: Path, part_id: str, *, clock: Clock) -> int:
    """Carry a begun deletion through (steps 2 to 4), from wherever it was interrupted; return the certificate.

    Raises:
        ConflictError: the deletion of this part was not begun, or is done.
        VaultError: the disk refused; try again later.
    """
    part = get_part(db, part_id)
    if part.state != "deleting":
        raise ConflictError(f"Part {part.sitting}/{part.camera}/{part.number} is {part.state}, not being deleted.")
    path = part_path(vault_dir, part)
    try:
        if destroy_keys(path):
            _note_keys_destroyed(db, part_id)
        unlink_part(path, vault_dir)
    except OSError as problem:
        raise VaultError(
            f"{path}: cannot be deleted: {problem.strerror or problem}.",
            hint="Check that the disk is writable and healthy; the box tries again every minute.",
        ) from problem
    return _certify(db, part, clock=clock)


def finish_deletions(db: Database, vault_dir: Path, *, clock: Clock) -> tuple[list[int], list[str]]:
    """Carry every begun deletion through; return the certificates' numbers, and what failed in plain words."""
    done, failed = [], []
    for (part_id,) in db.conn.execute(
        "SELECT part_id FROM part WHERE state = 'deleting' ORDER BY started_us"
    ).fetchall():
        try:
            done.append(finish_deletion(db, vault_dir, part_id, clock=clock))
        except ApplianceError as problem:
            _log.warning("deletion not finished", part=part_id, problem=problem.message)
            failed.append(problem.message)
    return done, failed


def read_facts(path: Path, part_id: str) -> FileFacts:
    """Return what a part file says of itself.

    Raises:
        IntegrityError: it is a part, but another one.
    """
    if not path.exists():
        return FileFacts("missing")
    try:
        with contextlib.closing(_open(path, "ro")) as part:
            manifest = part.execute("SELECT body FROM manifest WHERE id = 1").fetchone()
            last = part.execute("SELECT body FROM checkpoint ORDER BY n DESC LIMIT 1").fetchone()
        stated = decode_body(bytes(manifest[0]), "manifest").get("part_id")
        chain = decode_body(bytes(last[0]), "checkpoint").get("chain")
    except (sqlite3.Error, TypeError, IntegrityError):
        return FileFacts("damaged")
    if stated != part_id:
        raise IntegrityError(
            f"{path}: is another part than the box recorded there.",
            hint="Somebody put this file there. It was not touched; keep a copy and look into it.",
        )
    return FileFacts("whole", chain if isinstance(chain, str) else None, sha256(bytes(last[0])).hex())


def destroy_keys(path: Path) -> bool:
    """Overwrite the wrapped keys in a part file and sync it (step 2).

    Returns:
        True when no wrapped key is left in it; False when there is no file, or it is too damaged to be opened.

    Raises:
        OSError: the disk refused.
    """
    if not path.exists():
        return False
    try:
        with contextlib.closing(_open(path, "rw")) as part:
            part.execute("PRAGMA secure_delete=ON")
            # In memory: a journal on the disk would hold another copy of the very pages that must go.
            # A crash in here may damage the file; the next try then finds it damaged and unlinks it.
            part.execute("PRAGMA journal_mode=MEMORY")
            part.execute("PRAGMA synchronous=FULL")
            part.execute("DELETE FROM recipient")
            part.commit()
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
            raise OSError(None, str(problem)) from problem
        return False
    except sqlite3.DatabaseError:
        return False
    _sync(path)
    return True


def unlink_part(path: Path, vault_dir: Path) -> None:
    """Remove a part file, what SQLite left beside it, and the folders that are empty then (step 3).

    Raises:
        OSError: the disk refused.
    """
    for name in [path.name, *(path.name + sibling for sibling in _SIBLINGS)]:
        path.with_name(name).unlink(missing_ok=True)
    folder = path.parent
    while folder != vault_dir and folder.is_dir():
        _sync(folder)
        try:
            folder.rmdir()
        except OSError:  # other parts are still in it
            return
        folder = folder.parent
    if folder.is_dir():
        _sync(folder)


def _note_keys_destroyed(db: Database, part_id: str) -> None:
    """Keep for the certificate what can no longer be seen once the file is gone."""
    with write(db):
        db.conn.execute("UPDATE part_deletion SET keys_destroyed = 1 WHERE part_id = ?", (part_id,))


def _certify(db: Database, part: PartRow, *, clock: Clock) -> int:
    """State the deletion in the log, in the same transaction that ends it (step 4)."""
    with write(db):
        rule, who, file_state, chain, checkpoint, keys_destroyed = db.conn.execute(
            "SELECT rule, applied_by, file_state, chain, checkpoint_sha256, keys_destroyed FROM part_deletion"
            " WHERE part_id = ?",
            (part.part_id,),
        ).fetchone()
        detail: dict[str, Any] = {
            "part_id": part.part_id,
            "sitting": part.sitting,
            "camera": part.camera,
            "part": part.number,
            "started_us": part.started_us,
            "ended_us": part.ended_us,
            "bytes": part.bytes,
            "chain": chain,
            "checkpoint_sha256": checkpoint,
            "rule": rule,
            "file": file_state,
            "keys_destroyed": bool(keys_destroyed),
        }
        certificate = append(db, "vault.part_deleted", clock=clock, who=who, detail=detail)
        db.conn.execute(
            "UPDATE part_deletion SET done_us = ?, certificate = ? WHERE part_id = ?",
            (clock.wall_us(), certificate, part.part_id),
        )
        db.conn.execute("UPDATE part SET state = 'deleted' WHERE part_id = ?", (part.part_id,))
    return certificate


def _open(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
