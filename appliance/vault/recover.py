"""Closing parts that a crash or a power cut left open. See ``docs/vault-format.md``, section 7.

Recovery only adds: a gap that states the loss, and the final checkpoint. What is damaged or foreign is left alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.errors import ConflictError, IntegrityError
from appliance.vault.format import GapReason, chain_next
from appliance.vault.headroom import Headroom
from appliance.vault.open_part import EmptyPartError, OpenPart, check_prefix, load_open_part, reading
from appliance.vault.part import gap_header
from appliance.vault.part_file import (
    SealedRecord,
    connect,
    insert_checkpoint,
    insert_record,
    lock_folder,
    remove_unopened,
    transaction,
    unlock_folder,
    write_errors,
)
from appliance.vault.part_files import (
    LatestPart,
    PartFile,
    begins_wall_us,
    end_before,
    latest_part,
    recording_files,
    recordings,
)
from appliance.vault.part_model import Anchor, CheckpointFact, PartWriteError, WriterKeys, sign_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.vault.manifest import ManifestAnchor

__all__ = [
    "LatestPart",
    "RecoveredPart",
    "RecoveryReport",
    "latest_part",
    "recover_part",
    "recover_recording",
    "recover_vault",
]


@dataclass(frozen=True, slots=True)
class RecoveredPart:
    """A part that recovery closed.

    ``gap_us`` is the length of the gap it wrote, 0 if none; the part now ends at ``ended_mono_us`` of its own boot,
    ``ended_wall_us`` by its own anchor.
    """

    path: Path
    part_id: bytes
    sitting: str
    camera: str
    number: int
    gap_us: int
    chain: bytes
    checkpoint: CheckpointFact
    ended_mono_us: int
    ended_wall_us: int
    started_wall_us: int


@dataclass(slots=True)
class RecoveryReport:
    """What recovery found.

    Attributes:
        recovered: parts it closed.
        already_closed: how many parts needed nothing.
        damaged: files that are no part of this box, or a damaged one, each with the reason; left as they are.
        removed: empty files of openings that never happened; nothing was ever in them.
        in_use: recordings (sitting, camera) another process is writing; left alone.
        failed: open parts that cannot be written to now (disk full, read-only), each with the reason.
    """

    recovered: list[RecoveredPart] = field(default_factory=list)
    already_closed: int = 0
    damaged: list[tuple[Path, str]] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    in_use: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def recover_part(
    path: Path, keys: WriterKeys, *, now: Anchor, until_wall_us: int | None = None
) -> RecoveredPart | None:
    """Close a part that was left open: a gap up to ``now``, then the final checkpoint, in one transaction.

    A part whose writer died before its first record owes the time since the part before it ended: its gap begins there.

    SQLite first undoes an unfinished transaction. The records after the last checkpoint are then checked against
    the chain, so that recovery never signs what was not sealed; those before it are the verifier's business.

    Args:
        path: the file.
        keys: the box's own; a part of another device is not closed.
        now: both clocks of the present boot. After a reboot the wall clocks tell how long the gap is.
        until_wall_us: when the recording was to end, or the next part begins; the gap ends there at the latest.

    Returns:
        What was done, or None if the part was already closed.

    Raises:
        IntegrityError: no part, a damaged one, or another device's; nothing was written to it.
        ConflictError: the part is being written by another process.
        PartWriteError: the part cannot be written to now.
    """
    with write_errors(path), _alone_in(path.parent):
        return _recover(path, keys, now, until_wall_us)


def recover_vault(
    vault_dir: Path,
    keys: WriterKeys,
    *,
    now: Anchor,
    camera: str | None = None,
    until: Callable[[str, str], int | None] | None = None,
) -> RecoveryReport:
    """Close every part that was left open, of one camera or of all; one bad file stops nothing.

    An empty file (a crash before the opening transaction) is removed if no later part follows: it holds no
    manifest, and its number is free again.

    Args:
        vault_dir: where the recordings are.
        keys: the box's own.
        now: both clocks, read now.
        camera: only this camera's.
        until: asked for sitting and camera: the wall time at which that recording was to end, or None.
    """
    report = RecoveryReport()
    for sitting, name in recordings(vault_dir):
        if camera is None or name == camera:
            bound = until(sitting, name) if until else None
            recover_recording(vault_dir, sitting, name, keys, now=now, until_wall_us=bound, report=report)
    return report


def recover_recording(
    vault_dir: Path,
    sitting: str,
    camera: str,
    keys: WriterKeys,
    *,
    now: Anchor,
    until_wall_us: int | None = None,
    report: RecoveryReport | None = None,
) -> RecoveryReport:
    """Close every part of one recording that was left open; see `recover_vault`. Adds to ``report`` if given."""
    report = report or RecoveryReport()
    folder = vault_dir / sitting / camera
    if not folder.is_dir():
        return report
    try:
        with _alone_in(folder):
            _recover_recording(recording_files(vault_dir, sitting, camera), keys, now, until_wall_us, report)
    except ConflictError:
        report.in_use.append((sitting, camera))
    except OSError as problem:
        report.failed.append((folder, f"The folder cannot be used: {problem}."))
    return report


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    lock = lock_folder(folder, exclusive=True)
    if lock is None:
        raise ConflictError(f"{folder} is being written to: there is nothing to recover.")
    try:
        yield
    finally:
        unlock_folder(lock)


def _recover_recording(
    files: list[PartFile], keys: WriterKeys, now: Anchor, until_wall_us: int | None, report: RecoveryReport
) -> None:
    """Go backwards, so that each part knows when the next one begins."""
    bound = until_wall_us
    last = True
    for file in reversed(files):
        try:
            done = _recover(file.path, keys, now, bound)
        except EmptyPartError as problem:
            if last and _remove_empty(file.path):
                report.removed.append(file.path)
                continue
            report.damaged.append((file.path, problem.message))
        except IntegrityError as problem:
            report.damaged.append((file.path, problem.message))
        except PartWriteError as problem:
            report.failed.append((file.path, problem.message))
        else:
            if done:
                report.recovered.append(done)
            else:
                report.already_closed += 1
        last = False
        begins = begins_wall_us(file.path)
        bound = bound if begins is None else begins


def _remove_empty(path: Path) -> bool:
    try:
        remove_unopened(path)
    except OSError:
        return False
    return True


def _recover(path: Path, keys: WriterKeys, now: Anchor, until_wall_us: int | None) -> RecoveredPart | None:
    with reading(path):
        check_prefix(path)
        with contextlib.closing(connect(path)) as connection:
            part = load_open_part(connection, path, keys.device.public)
            if part is None:
                return None
            from_us = _owed_from(part.manifest.anchor, path) if part.end_us is None else part.end_us
            gap_us = lost_us(part.manifest.anchor, from_us, now, until_wall_us)
            done = _close(connection, path, part, keys, gap=(from_us, gap_us), now=now)
    # What the writer had set aside behind the file's end; only after SQLite let go of the file.
    Headroom(path).release(give_back=True)
    return done


def _owed_from(anchor: ManifestAnchor, path: Path) -> int:
    """Return from when on (mono, of the anchor's boot) a part without pictures and gaps has to tell."""
    before = end_before(path)
    if before is None or before.wall_us is None or before.mono_us is None:
        return anchor.mono_us
    same_boot = before.boot_id == anchor.boot_id
    return min(anchor.mono_us, before.mono_us if same_boot else before.wall_us + anchor.mono_us - anchor.wall_us)


def _close(
    connection: sqlite3.Connection,
    path: Path,
    part: OpenPart,
    keys: WriterKeys,
    *,
    gap: tuple[int, int],
    now: Anchor,
) -> RecoveredPart:
    """Write the gap (from when on, how long; none if it is 0) and the final checkpoint."""
    manifest = part.manifest
    from_us, gap_us = gap
    record = _gap(part, from_us, gap_us) if gap_us else None
    chain = record.chain if record else part.chain
    signed = sign_checkpoint(
        keys.device,
        part_id=manifest.id_bytes,
        seq=record.header.seq if record else part.seq,
        chain=chain,
        now=now,
        reason="recovered",
        after=part.checkpoint,
    )
    with transaction(connection):
        if record:
            insert_record(connection, record)
        insert_checkpoint(connection, signed)
    with contextlib.suppress(sqlite3.Error):  # closed already; a journal that cannot be removed holds nothing
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    end_us = from_us + gap_us if part.end_us is not None or record else manifest.anchor.mono_us
    return RecoveredPart(
        path=path,
        part_id=manifest.id_bytes,
        sitting=manifest.sitting,
        camera=manifest.camera,
        number=manifest.part,
        gap_us=gap_us,
        chain=chain,
        checkpoint=signed.fact,
        ended_mono_us=end_us,
        ended_wall_us=manifest.wall_of(end_us),
        started_wall_us=manifest.anchor.wall_us,
    )


def _gap(part: OpenPart, from_us: int, gap_us: int) -> SealedRecord:
    header = gap_header(part.seq + 1, from_us, gap_us, GapReason.INTERRUPTED, part.manifest.id_bytes)
    packed = header.pack()
    return SealedRecord(header, packed, chain_next(part.chain, packed, b""), b"")


def lost_us(anchor: ManifestAnchor, end_us: int, now: Anchor, until_wall_us: int | None) -> int:
    """Return how long nothing was recorded after ``end_us``, in microseconds, never negative.

    Within one boot the monotonic clock tells; after a reboot only the wall clocks can. ``until_wall_us`` bounds it.
    """
    offset = anchor.mono_us - anchor.wall_us
    present_us = now.mono_us if now.boot_id == anchor.boot_id else now.wall_us + offset
    if until_wall_us is not None:
        present_us = min(present_us, until_wall_us + offset)
    return max(0, present_us - end_us)
