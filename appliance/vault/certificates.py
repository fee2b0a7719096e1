"""Deletion certificates for people: which parts were deleted when, under which rule, found by the log's entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

_BATCH = 500
_KEYS_DESTROYED = 12  # its place in a row


@dataclass(frozen=True, slots=True)
class Certificate:
    """A deletion this box carried through; times are wall microseconds.

    ``entry`` is the number of its log entry, which is the certificate proper; ``chain`` and ``checkpoint_sha256``
    are None where the file could not be read any more.
    """

    entry: int
    part_id: str
    sitting: str
    camera: str
    part: int
    started_us: int
    ended_us: int | None
    bytes: int
    rule: str
    deleted_by: str
    deleted_us: int
    file: str
    keys_destroyed: bool
    chain: str | None
    checkpoint_sha256: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to narrow certificates to: empty text and None are everything. Times are wall microseconds of deletion."""

    sitting: str = ""
    camera: str = ""
    from_us: int | None = None
    to_us: int | None = None

    def terms(self) -> tuple[str, list[Any]]:
        """Return the conditions, each beginning with AND, and their values."""
        stated: list[tuple[str, Any]] = [
            (" AND instr(d.sitting, ?)", self.sitting or None),
            (" AND d.camera = ?", self.camera or None),
            (" AND d.done_us >= ?", self.from_us),
            (" AND d.done_us < ?", self.to_us),
        ]
        kept = [(term, value) for term, value in stated if value is not None]
        return "".join(term for term, _ in kept), [value for _, value in kept]


_DONE = " FROM part_deletion d JOIN part p ON p.part_id = d.part_id WHERE d.certificate IS NOT NULL"
_SELECT = (
    "SELECT d.certificate, d.part_id, d.sitting, d.camera, d.number, p.started_us, p.ended_us, p.bytes, d.rule,"
    f" d.applied_by, d.done_us, d.file_state, d.keys_destroyed, d.chain, d.checkpoint_sha256{_DONE}"
)
_COUNT = f"SELECT count(*), coalesce(sum(p.bytes), 0){_DONE}"


def newest_certificates(db: Database, wanted: Wanted, *, limit: int, before: int | None = None) -> list[Certificate]:
    """Return up to ``limit`` certificates, the newest first, only those with an entry before ``before``."""
    terms, values = wanted.terms()
    rows = db.conn.execute(
        f"{_SELECT} AND d.certificate < ?{terms} ORDER BY d.certificate DESC LIMIT ?",
        (1 << 62 if before is None else before, *values, limit),
    )
    return [_certificate(row) for row in rows]


def all_certificates(db: Database, wanted: Wanted, *, limit: int) -> Iterator[Certificate]:
    """Yield certificates, the newest first, in short reads of their own."""
    before: int | None = None
    while limit > 0:
        batch = newest_certificates(db, wanted, limit=min(limit, _BATCH), before=before)
        yield from batch
        if len(batch) < min(limit, _BATCH):
            return
        before, limit = batch[-1].entry, limit - len(batch)


def count_certificates(db: Database, wanted: Wanted) -> tuple[int, int]:
    """Return how many certificates fit, and the bytes their parts took."""
    terms, values = wanted.terms()
    count, size = db.conn.execute(
        f"{_COUNT}{terms}",
        values,
    ).fetchone()
    return int(count), int(size)


def _certificate(row: tuple[Any, ...]) -> Certificate:
    values = list(row)
    values[_KEYS_DESTROYED] = bool(values[_KEYS_DESTROYED])
    return Certificate(*values)
