"""Checking the log: every entry, every commitment, every signature, and that nothing was cut off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.auditlog import entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

_TELL_EVERY = 500
GUARDS = frozenset(
    f"{table}_append_only_{verb}" for table in ("log_entry", "log_checkpoint") for verb in ("update", "delete")
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code`` is stable; ``seq`` is the entry concerned, 0 for the log as a whole."""

    code: str
    seq: int
    message: str


@dataclass(slots=True)
class LogReport:
    """What `verify` saw. ``covered`` is the last entry under a signature; later ones rest on the chain alone.

    ``erased`` counts personal values that are gone, ``stated_erased`` those whose erasure is an entry.
    """

    entries: int = 0
    checkpoints: int = 0
    covered: int = 0
    erased: int = 0
    stated_erased: int = 0
    head: bytes = b""
    signatures_checked: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, code: str, seq: int, message: str) -> None:
        """Note something wrong."""
        self.findings.append(Finding(code, seq, message))


def verify(
    db: Database,
    device_key: bytes | None,
    *,
    witness: tuple[int, bytes] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LogReport:
    """Check the whole log against itself, the device key and, if given, a witness.

    Args:
        db: the box's database; one snapshot of it is read.
        device_key: the raw Ed25519 public key every checkpoint must be signed with; None leaves signatures
            unchecked and says so in the report.
        witness: number and chain value of an entry that somebody else kept (`open_log_head`). Only a witness
            can show that entries after the last checkpoint were cut off or rewritten together with the chain.
        progress: told now and then how many entries of how many are done; what it raises ends the check.

    Returns:
        The report. Erased personal values are counted, they are nothing wrong.
    """
    report = LogReport(signatures_checked=device_key is not None)
    own = not db.conn.in_transaction
    if own:
        db.conn.execute("BEGIN")
    try:
        points = _read_checkpoints(db, report)
        wanted = {point.seq for point in points} | ({witness[0]} if witness else set())
        chains = _check_entries(db, report, wanted, progress)
        _check_orphans(db, report)
        _check_checkpoints(points, chains, device_key, report)
        _check_witness(witness, chains, report)
        _check_guards(db, report)
    finally:
        if own:
            db.conn.execute("ROLLBACK")
    return report


@dataclass(frozen=True, slots=True)
class _Point:
    n: int
    seq: int
    raw: bytes
    signature: bytes
    body: dict[str, Any]


def _read_checkpoints(db: Database, report: LogReport) -> list[_Point]:
    points = []
    for n, seq, raw, signature in db.conn.execute("SELECT id, seq, body, signature FROM log_checkpoint ORDER BY id"):
        body = entry.read_body(raw)
        if body is None or body.get("format") != entry.CHECKPOINT_FORMAT:
            report.add("checkpoint.malformed", seq, f"Checkpoint {n} is no checkpoint of a log.")
            body = {}
        points.append(_Point(n, seq, bytes(raw), bytes(signature), body))
    report.checkpoints = len(points)
    return points


def _check_entries(
    db: Database, report: LogReport, wanted: set[int], progress: Callable[[int, int], None] | None
) -> dict[int, bytes]:
    """Walk the chain; return its recomputed values at the wanted entries."""
    chain, last = entry.chain_start(), 0
    total = db.conn.execute("SELECT count(*) FROM log_entry").fetchone()[0] if progress else 0
    kept = {0: chain}
    for seq, raw, stored in db.conn.execute("SELECT seq, body, chain FROM log_entry ORDER BY seq"):
        if seq != last + 1:
            report.add("entry.missing", last + 1, f"Entries {last + 1} to {seq - 1} are missing.")
        chain, last = entry.chain_next(chain, bytes(raw)), seq
        if chain != bytes(stored):
            report.add("entry.chain", seq, f"Entry {seq} or one before it is not what was written: the chain breaks.")
            chain = bytes(stored)  # go on from what is stored: later damage is found on its own
        if seq in wanted:
            kept[seq] = chain
        _check_body(db, seq, bytes(raw), report)
        report.entries += 1
        if progress and report.entries % _TELL_EVERY == 0:
            progress(report.entries, total)
    report.head = chain
    if report.erased > report.stated_erased:
        told = f"{report.erased} personal values are gone, but the log states the erasure of {report.stated_erased}."
        report.add("personal.removed", 0, told)
    return kept


def _check_body(db: Database, seq: int, raw: bytes, report: LogReport) -> None:
    body = entry.read_body(raw)
    if body is None or body.get("format") != entry.FORMAT:
        report.add("entry.malformed", seq, f"Entry {seq} is no log entry.")
        return
    if body.get("seq") != seq:
        report.add("entry.seq", seq, f"Entry {seq} was written as entry {body.get('seq')}.")
    if body.get("action") == "person.erased":
        report.stated_erased += _count_of(body.get("detail"))
    stated = entry.commitments_of(body)
    there = db.conn.execute("SELECT field, salt, value FROM log_personal WHERE seq = ?", (seq,)).fetchall()
    for name, salt, value in there:
        if stated.get(name) != entry.commit(bytes(salt), value):
            report.add("personal.changed", seq, f"Entry {seq}: the value of {name!r} is not the one that was written.")
    report.erased += len(stated.keys() - {row[0] for row in there})


def _count_of(detail: Any) -> int:
    count = detail.get("values") if isinstance(detail, dict) else 0
    return count if isinstance(count, int) else 0


def _check_orphans(db: Database, report: LogReport) -> None:
    query = "SELECT DISTINCT seq FROM log_personal WHERE seq NOT IN (SELECT seq FROM log_entry)"
    for (seq,) in db.conn.execute(query):
        report.add("personal.orphan", seq, f"There are personal values of entry {seq}, but no such entry.")


def _check_checkpoints(
    points: list[_Point], chains: dict[int, bytes], device_key: bytes | None, report: LogReport
) -> None:
    key = Ed25519PublicKey.from_public_bytes(device_key) if device_key else None
    previous: str | None = None
    reached = 0
    for number, point in enumerate(points, start=1):
        _check_point(point, number, previous, chains, report)
        if point.seq <= reached:
            report.add("checkpoint.order", point.seq, f"Checkpoint {point.n} does not go beyond the one before.")
        if key and not _signed(key, point):
            report.add("checkpoint.signature", point.seq, f"Checkpoint {point.n} is not signed by this box's key.")
        previous, reached = hashlib.sha256(point.raw).hexdigest(), max(reached, point.seq)
    report.covered = reached


def _check_point(point: _Point, number: int, previous: str | None, chains: dict[int, bytes], report: LogReport) -> None:
    if point.n != number or point.body.get("n") != point.n:
        report.add("checkpoint.missing", point.seq, f"Checkpoint {number} is missing or renumbered.")
    if point.body.get("seq") != point.seq:
        report.add("checkpoint.seq", point.seq, f"Checkpoint {point.n} was written for another entry.")
    if point.body.get("previous") != previous:
        report.add("checkpoint.previous", point.seq, f"Checkpoint {point.n} does not follow the one before it.")
    if point.seq not in chains:
        report.add("log.cut", point.seq, f"Checkpoint {point.n} covers entry {point.seq}, which is gone.")
    elif point.body.get("chain") != chains[point.seq].hex():
        report.add("checkpoint.chain", point.seq, f"The log up to entry {point.seq} is not what was signed.")


def _signed(key: Ed25519PublicKey, point: _Point) -> bool:
    try:
        key.verify(point.signature, entry.checkpoint_message(point.raw))
    except InvalidSignature:
        return False
    return True


def _check_witness(witness: tuple[int, bytes] | None, chains: dict[int, bytes], report: LogReport) -> None:
    if witness is None:
        return
    seq, chain = witness
    if seq not in chains:
        report.add("log.cut", seq, f"The witness has seen entry {seq}, which is gone.")
    elif chains[seq] != chain:
        report.add("witness.chain", seq, f"The log up to entry {seq} is not what the witness has seen.")


def _check_guards(db: Database, report: LogReport) -> None:
    there = {row[0] for row in db.conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    for name in sorted(GUARDS - there):
        report.add("log.unguarded", 0, f"The guard {name} was removed from the database.")
