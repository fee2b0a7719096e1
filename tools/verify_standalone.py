"""Verify sealed exam recordings, written from docs/vault-format.md alone (section numbers below are that document's).

Nothing of the recorder's own code is used: only Python 3.11+, its standard library and `cryptography` 47 or newer.
    python verify_standalone.py PATH [--level presence|chain|full] [--key FILE] [--device-key HEX] [--deleted FILE]
                                     [--ended] [--json]
    python verify_standalone.py export CLIP.mp4 [--device-key HEX] [--against VAULT] [--json]
PATH is a part (0001.sqlite), a camera's folder or a whole vault; it is only read. The key file holds the raw private
key in hex (section 4) or JSON {"suite": "...", "private": "hex"}. The deletion file is a JSON list; each entry is a
part id, a part number (for every camera under PATH) or {"sitting", "camera", "part", "part_id"}.
Exit code: 0 verified, 1 findings, 2 wrong usage or nothing to read, 3 a part is open: verified up to a record.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
Row = tuple[Any, ...]
LEVELS = ("presence", "chain", "full")
MAX_JSON, MAX_BLOB, MAX_PER_CODE = 4 << 20, 64 << 20, 10
SLACK_US = 100_000
HEADER = struct.Struct(">4sBBHQqQqqII8s")  # section 5
INIT, SEGMENT, GAP, NOTE = range(4)
NO_OFFSET = 0xFFFFFFFF
REASONS = ["", "camera lost", "disk full", "paused", "interrupted", "overload", "stream changed", "write error",
           "invalid stream", "starting", "flood"]  # fmt: skip
TABLES = {  # section 2: columns; `*` the primary key, capitals the type
    "manifest": "*id INTEGER, body BLOB",
    "recipient": "*key_id TEXT, wrapped BLOB",
    "record": "*seq INTEGER, kind INTEGER, start_us INTEGER, end_us INTEGER, key_us INTEGER, header BLOB, chain BLOB, "
    "data BLOB",
    "checkpoint": "*n INTEGER, body BLOB, signature BLOB",
}
ORDER = [  # section 10, and the two codes of exports; codes of one line come in the order of records or checkpoints
    ("presence", "not_a_part"), ("presence", "manifest_bad"), ("presence", "part_number_hole"),
    ("presence", "previous_mismatch"), ("presence", "not_closed"), ("chain", "signature_bad file_mismatch"),
    ("chain", "device_unexpected"), ("chain", "recipient_mismatch"),
    ("chain", "record_hole header_bad header_foreign column_mismatch length_mismatch chain_mismatch"),
    ("chain", "tiling_hole"), ("chain", "checkpoint_signature checkpoint_bad checkpoint_mismatch"),
    ("chain", "final_not_last"), ("chain", "final_missing"), ("full", "key_needed"), ("full", "unwrap_failed"),
    ("full", "commitment_mismatch"), ("full", "decrypt_failed fragment_bad key_offset_bad"),
]  # fmt: skip
RANK = {code: (rank, level) for rank, (level, codes) in enumerate(ORDER) for code in codes.split()}


# --- what is found ----------------------------------------------------------------------------------------------------
class Finding(NamedTuple):
    """One thing that is not as the format says; `level` is the first level of verification that sees it."""

    code: str
    level: str
    where: str
    message: str


@dataclass
class Report:
    """What was checked in one file and what came of it."""

    path: Path
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    chains: dict[int, bytes] = field(default_factory=dict)  # stored chain values by record number
    manifest: Json | None = None
    manifest_sha256: str = ""
    closing: Json | None = None  # the final checkpoint's body
    signed_to: int = -1  # last record covered by a checkpoint that is right
    span: tuple[int, int] | None = None  # mono begin and end of what the records tell

    def add(self, code: str, where: str, message: str) -> None:
        """Keep a finding; of one code at most MAX_PER_CODE are spelled out."""
        self.counts["finding " + code] += 1
        if self.counts["finding " + code] <= MAX_PER_CODE:
            self.findings.append(Finding(code, RANK[code][1], where, message))
            self.findings.sort(key=lambda found: RANK[found.code][0])

    @property
    def status(self) -> str:
        """`findings`, `open` (nothing wrong, but no final checkpoint yet) or `verified`."""
        if self.findings:
            return "findings"
        return "open" if self.manifest and "anchor" in self.manifest and self.closing is None else "verified"


class NotAPart(Exception):  # noqa: N818 - it is a verdict, not a failure of this program
    """The file is not a part, or is damaged so that it cannot be read."""


# --- reading what may be hostile --------------------------------------------------------------------------------------
def digest(data: bytes) -> bytes:
    """H of the format: SHA-256."""
    return hashlib.sha256(data).digest()


def parse_json(raw: object) -> Any:
    """JSON as the format writes it: UTF-8, no key twice, no floating point. Raises ValueError for anything else."""
    if not isinstance(raw, bytes) or len(raw) > MAX_JSON:
        raise ValueError("is not a short byte string")

    def refuse(_: str) -> None:
        raise ValueError("has a number that is not an integer")

    def unique(pairs: list[tuple[str, Any]]) -> Json:
        if len(result := dict(pairs)) != len(pairs):
            raise ValueError("has a key twice")
        return result

    try:
        return json.loads(raw.decode(), parse_float=refuse, parse_constant=refuse, object_pairs_hook=unique)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def parse_object(raw: object, spec: dict[str, Callable[[Any], bool]]) -> Json:
    """A JSON object whose values satisfy `spec`. Raises ValueError saying which do not."""
    value = parse_json(raw)
    keys: Json = value if isinstance(value, dict) else {}
    if wrong := [key for key, right in spec.items() if key not in keys or not right(keys[key])]:
        raise ValueError("is no object, or is missing or has a wrong " + ", ".join(wrong))
    return keys


def is_int(value: object) -> bool:
    """A whole number of 64 bits, and not true or false."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_bool(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_text(value: object) -> bool:
    """A text."""
    return isinstance(value, str)


def is_name(value: object) -> bool:
    """A name of section 1."""
    return isinstance(value, str) and re.fullmatch("[a-z0-9][a-z0-9-]{0,59}", value) is not None


def is_hex(size: int) -> Callable[[object], bool]:
    """A test for `size` bytes in hex."""
    return lambda value: isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value) is not None


def is_one_of(*words: str) -> Callable[[object], bool]:
    """A test for one of these words."""
    return lambda value: isinstance(value, str) and value in words


def is_object(**spec: Callable[[Any], bool]) -> Callable[[object], bool]:
    """A test for an object with these keys, each with a right value."""
    return lambda value: isinstance(value, dict) and all(key in value and ok(value[key]) for key, ok in spec.items())


def is_none_or(check: Callable[[Any], bool]) -> Callable[[object], bool]:
    """A test for null or what `check` accepts."""
    return lambda value: value is None or check(value)


def is_recipients(value: object) -> bool:
    """The manifest's list: right entries, sorted by key id."""
    each = is_object(key_id=is_hex(8), label=is_text, sha256=is_hex(32))
    if not isinstance(value, list) or not all(each(entry) for entry in value):
        return False
    return all(left["key_id"] < right["key_id"] for left, right in pairwise(value))


ANCHOR = is_object(wall_us=is_int, mono_us=is_int, boot_id=is_text, trusted=is_bool)
MANIFEST: dict[str, Callable[[Any], bool]] = {  # section 3
    "format": is_one_of("exambox-vault-1"), "part_id": is_hex(16), "box": is_name, "sitting": is_name,
    "camera": is_name, "part": lambda value: is_int(value) and value > 0,
    "aead": is_one_of("AES-256-GCM", "ChaCha20-Poly1305"), "suite": is_one_of("MLKEM768-X25519", "X25519"),
    "commitment": is_hex(32), "device_key": is_hex(32), "recipients": is_recipients, "anchor": ANCHOR,
    "previous": is_none_or(is_object(part_id=is_hex(16), chain=is_hex(32))),
    "opened": is_one_of("start", "rollover", "stream_changed", "clock_step", "restart", "error"),
    "masked": is_bool, "audio": is_bool, "masks_sha256": is_none_or(is_hex(32)), "software": is_text,
}  # fmt: skip
CHECKPOINT: dict[str, Callable[[Any], bool]] = {  # section 7
    "format": is_one_of("exambox-checkpoint-1"), "part_id": is_hex(16), "n": is_int, "seq": is_int,
    "chain": is_hex(32), "wall_us": is_int, "mono_us": is_int, "trusted": is_bool, "final": is_bool,
    "reason": is_one_of("opened", "periodic", "closed", "recovered", "abandoned"),
    "previous": is_none_or(is_hex(32)),
}  # fmt: skip


@contextmanager
def opened(report: Report) -> Iterator[sqlite3.Connection]:
    """The part's database, never written to. Raises sqlite3.Error, OSError."""
    uri = report.path.resolve().as_uri() + "?mode=ro"
    if os.statvfs(report.path).f_flag & os.ST_RDONLY:
        # SQLite cannot take locks on read-only media; nobody can write there either.
        uri += "&immutable=1"
        report.notes.append(
            "on read-only media: read without locks; a -journal file beside it is not taken into account"
        )
    with ExitStack() as stack:
        db = stack.enter_context(closing(connect(uri)))
        try:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            journal = report.path.with_name(report.path.name + "-journal")
            if error.sqlite_errorcode & 255 == sqlite3.SQLITE_BUSY or not journal.exists():
                raise
            # A crash left an unfinished write. SQLite undoes it in a copy; what was found stays as it was.
            report.notes.append("an interrupted write was undone in a copy of it: the box has not recovered it yet")
            copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "part"
            shutil.copyfile(report.path, copy)
            shutil.copyfile(journal, copy.with_name("part-journal"))
            db = stack.enter_context(closing(connect(copy.as_uri())))
        yield db


def connect(uri: str) -> sqlite3.Connection:
    """A connection that trusts nothing in the file and hands out no value of more than MAX_BLOB bytes."""
    db = sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BLOB)
    db.text_factory = lambda raw: raw.decode(errors="replace")  # so that only BLOBs are bytes
    db.execute("PRAGMA trusted_schema=OFF")
    return db


def check_tables(db: sqlite3.Connection) -> None:
    """Section 2. Raises NotAPart."""
    for pragma, expected in (("application_id", 0x45584231), ("user_version", 1)):
        if db.execute(f"PRAGMA {pragma}").fetchone() != (expected,):
            raise NotAPart(f"its {pragma} is not that of vault format 1")
    for table, columns in TABLES.items():
        kind = db.execute("SELECT type FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
        found = db.execute(f"PRAGMA table_xinfo({table})").fetchall()
        if kind != [("table",)] or ", ".join(f"{'*' * c[5]}{c[1]} {c[2]}{'?' * c[6]}" for c in found) != columns:
            raise NotAPart(f"its table {table} is missing or is not the format's")


def records(db: sqlite3.Connection) -> Iterator[Row]:
    """Rows of `record` up to the last one there is now. Few at a time: a recorder must not wait. Raises NotAPart."""
    last = db.execute("SELECT max(seq) FROM record NOT INDEXED").fetchone()[0]
    at = -(2**63)
    while isinstance(last, int) and at <= last:
        rows = db.execute("SELECT seq, kind, start_us, end_us, key_us, header, chain, data FROM record NOT INDEXED "
                          "WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 4", (at, last)).fetchall()  # fmt: skip
        if not rows or not all(isinstance(row[0], int) for row in rows):
            raise NotAPart("its records are not numbered by integers")
        yield from rows
        at = rows[-1][0] + 1


# --- keys: section 4 --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PrivateKey:
    """A recipient's private key, ready for HPKE."""

    key_id: str
    suite: str
    key: Any
    kem: hpke.KEM

    @staticmethod
    def load(path: Path) -> PrivateKey:
        """Read a key file: raw hex, or JSON with `suite` and `private`. Raises ValueError, OSError."""
        text = path.read_bytes()[:MAX_JSON].strip()
        if text.startswith(b"{"):
            known = is_one_of("MLKEM768-X25519", "X25519")
            body = parse_object(text, {"suite": known, "private": is_text})
            suite, raw = body["suite"], bytes.fromhex(body["private"])
        else:
            raw = bytes.fromhex(text.decode("ascii"))
            suite = "X25519" if len(raw) == 32 else "MLKEM768-X25519"
        if len(raw) != (32 if suite == "X25519" else 96):
            raise ValueError("a private key is 32 bytes (X25519) or 96 bytes (MLKEM768-X25519)")
        x25519 = X25519PrivateKey.from_private_bytes(raw[-32:])
        public = x25519.public_key().public_bytes_raw()
        key: Any = x25519
        kem = hpke.KEM.X25519
        if suite == "MLKEM768-X25519":
            ml_kem = MLKEM768PrivateKey.from_seed_bytes(raw[:64])
            public = ml_kem.public_key().public_bytes_raw() + public
            key, kem = hpke.MLKEM768X25519PrivateKey(ml_kem, x25519), hpke.KEM.MLKEM768_X25519
        return PrivateKey(digest(suite.encode() + b"\n" + public).hex()[:16], suite, key, kem)


class Opener:
    """Decrypts the records of one part."""

    def __init__(self, manifest: Json, part_key: bytes) -> None:
        prk = HKDF.extract(hashes.SHA256(), bytes.fromhex(manifest["part_id"]), part_key)

        def expand(label: bytes, size: int) -> bytes:
            return HKDFExpand(hashes.SHA256(), size, b"exambox/1 " + label).derive(prk)

        self.commitment = expand(b"commitment", 32).hex()
        aead = AESGCM if manifest["aead"] == "AES-256-GCM" else ChaCha20Poly1305
        self._aead, self._base = aead(expand(b"content key", 32)), expand(b"nonce base", 12)

    def open(self, seq: int, header: bytes, data: bytes) -> bytes:
        """The plaintext of a record. Raises InvalidTag."""
        nonce = int.from_bytes(self._base) ^ seq
        return self._aead.decrypt(nonce.to_bytes(12), data, header)


def unwrap(db: sqlite3.Connection, report: Report, manifest: Json, keys: tuple[PrivateKey, ...]) -> Opener | None:
    """The part's opener, tried with every key given that fits; None with the finding that says why there is none."""
    rows = dict(db.execute("SELECT key_id, wrapped FROM recipient NOT INDEXED").fetchall())
    mine = [key for key in keys if key.suite == manifest["suite"] and isinstance(rows.get(key.key_id), bytes)]
    if not rows:
        report.add("key_needed", "recipients", "its wrapped keys were destroyed: it can never be read")
    elif not mine:
        named = ", ".join(f"{r['key_id']} ({r['label']})" for r in manifest["recipients"])
        report.add("key_needed", "recipients", f"level full needs the private key of one of: {named}")
    info = "\n".join(["exambox/1 wrap", manifest["box"], manifest["sitting"], manifest["camera"],
                      str(manifest["part"]), manifest["part_id"]]).encode()  # fmt: skip
    opener = None
    for key in mine:
        suite = hpke.Suite(key.kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        try:
            found = Opener(manifest, suite.decrypt(rows[key.key_id], key.key, info=info))
        except (InvalidTag, ValueError):
            report.add("unwrap_failed", f"recipient {key.key_id}", "the part key does not unwrap with this key")
            continue
        if found.commitment == manifest["commitment"]:
            opener = found
        else:
            report.add("commitment_mismatch", f"recipient {key.key_id}", "the part is not committed to this part key")
    return opener


# --- one part ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Options:
    """What the caller asked for."""

    level: str = "chain"
    keys: tuple[PrivateKey, ...] = ()
    device_key: str | None = None
    ended: bool = False

    def wants(self, level: str) -> bool:
        """Whether this level is asked for."""
        return LEVELS.index(level) <= LEVELS.index(self.level)


def verify_part(path: Path, options: Options) -> Report:
    """Verify one file up to the level asked for; whatever the file holds, the outcome is a report."""
    report = Report(path)
    try:
        with opened(report) as db:
            check_part(db, report, options)
    except (NotAPart, sqlite3.Error, OSError, OverflowError, UnicodeDecodeError) as error:
        # UnicodeDecodeError: SQLite's own message may quote names from the file that are no text.
        report.add("not_a_part", "file", f"it cannot be read as a part: {error}")
    return report


class Checkpoint(NamedTuple):
    """A row of `checkpoint`; `body` is None where it is not a checkpoint's JSON, `problem` says why."""

    n: int
    raw: bytes
    signature: Any
    body: Json | None
    problem: str


def check_part(db: sqlite3.Connection, report: Report, options: Options) -> None:
    """All levels, one after the other."""
    check_tables(db)
    checkpoints = read_checkpoints(db, report)
    manifest, raw = read_manifest(db, report)
    if manifest is None:
        return
    if not options.wants("chain"):
        report.chains = dict(db.execute("SELECT seq, chain FROM record NOT INDEXED").fetchall())
        report.counts["records"], report.signed_to = len(report.chains), max(report.chains, default=-1)
        return
    if options.device_key not in (None, manifest["device_key"]):
        report.add("device_unexpected", "manifest", f"signed by device key {manifest['device_key']}")
    check_recipients(db, report, manifest)
    opener = unwrap(db, report, manifest, options.keys) if options.wants("full") else None
    check_records(db, report, digest(b"exambox/1 chain\n" + digest(raw)), opener)
    check_checkpoints(report, manifest, checkpoints)


def read_manifest(db: sqlite3.Connection, report: Report) -> tuple[Json | None, bytes]:
    """The manifest and its exact bytes; None with a finding when it is malformed. Raises NotAPart."""
    rows = db.execute("SELECT body FROM manifest NOT INDEXED").fetchall()
    if len(rows) != 1 or db.execute("SELECT count(*) FROM record NOT INDEXED WHERE seq = 0").fetchone() != (1,):
        raise NotAPart("it has no manifest or no record 0, which the opening transaction writes")
    try:
        manifest = parse_object(rows[0][0], MANIFEST)
    except ValueError as error:
        report.add("manifest_bad", "manifest", f"the manifest {error}")
        return None, b""
    report.manifest, report.manifest_sha256 = manifest, digest(rows[0][0]).hex()
    named = re.fullmatch(r"(\d{4,})\.sqlite", report.path.name, re.ASCII)
    if named and named[1] != f"{manifest['part']:04d}":
        report.add("manifest_bad", "manifest", f"it says part {manifest['part']}, the file's name does not")
    if manifest["part"] == 1 and manifest["previous"] is not None:
        report.add("previous_mismatch", "manifest", "it is part 1, but names a part before it")
    return manifest, rows[0][0]


def read_checkpoints(db: sqlite3.Connection, report: Report) -> list[Checkpoint]:
    """The rows of `checkpoint`, and whether one closes the part. Raises NotAPart when number 0 is missing."""
    result = []
    for n, raw, signature in db.execute("SELECT n, body, signature FROM checkpoint NOT INDEXED ORDER BY n").fetchall():
        body, problem = None, ""
        try:
            body = parse_object(raw, CHECKPOINT)
        except ValueError as error:
            problem = str(error)
        result.append(Checkpoint(n, raw if isinstance(raw, bytes) else b"", signature, body, problem))
    if not any(checkpoint.n == 0 for checkpoint in result):
        raise NotAPart("it has no checkpoint 0, which the opening transaction writes")
    report.counts["checkpoints"] = len(result)
    report.closing = next((c.body for c in result if c.body and c.body["final"]), None)
    return result


def check_recipients(db: sqlite3.Connection, report: Report, manifest: Json) -> None:
    """The recipient rows are those the manifest lists, unless all were destroyed (section 9)."""
    rows = db.execute("SELECT key_id, wrapped FROM recipient NOT INDEXED").fetchall()
    if not rows:
        report.notes.append("its wrapped keys were destroyed: it can be verified to level chain and never read")
        return
    found = {key_id: digest(wrapped).hex() if isinstance(wrapped, bytes) else "" for key_id, wrapped in rows}
    listed = {entry["key_id"]: entry["sha256"] for entry in manifest["recipients"]}
    for key_id in sorted({str(key) for key in found.keys() | listed.keys() if found.get(key) != listed.get(key)}):
        report.add("recipient_mismatch", f"recipient {key_id}", "the row is not what the manifest lists")


# --- records: sections 5 and 6 ----------------------------------------------------------------------------------------
class Header(NamedTuple):
    """The 64 bytes of section 5."""

    magic: bytes
    kind: int
    flags: int
    reason: int
    seq: int
    start_us: int
    duration_us: int
    media_us: int
    key_us: int
    key_offset: int
    length: int
    part: bytes

    @property
    def end_us(self) -> int:
        """Mono time at which it ends."""
        return self.start_us + self.duration_us

    def wrong(self) -> str:
        """What is not well formed, or nothing."""
        rules = {
            "magic": self.magic == b"EXR1",
            "kind": self.kind <= NOTE and (self.kind == INIT) == (self.seq == 0),
            "flags": self.flags <= 3,
            "reason": 0 < self.reason < len(REASONS) if self.kind == GAP else self.reason == 0,
            "duration_us": self.kind != SEGMENT or self.duration_us <= 2_000_000,
        }
        return ", ".join(name for name, right in rules.items() if not right)


def check_records(db: sqlite3.Connection, report: Report, chain: bytes, opener: Opener | None) -> None:
    """Every record, in order: number, header, columns, length, chain value, contents, tiling."""
    expected = 0
    for row in records(db):
        seq, raw, stored, data = row[0], *row[5:]
        where = f"record {seq}"
        if seq != expected:
            report.add(
                "record_hole", f"before {where}", f"expected record {expected}: records are missing or were added"
            )
        expected = seq + 1
        report.counts["records"] += 1
        header = check_header(report, where, row) if isinstance(raw, bytes) and isinstance(data, bytes) else None
        if header is None:
            report.add("header_bad", where, "its header is not 64 bytes, or header or data is not a BLOB")
            chain = stored if isinstance(stored, bytes) else b""
            continue
        if stored != digest(chain + raw + digest(data)):
            report.add("chain_mismatch", where, "its chain value does not follow from what is before and in it")
        # Going on from the stored value shows where the change is instead of condemning all that follows.
        chain = report.chains[seq] = stored if isinstance(stored, bytes) else b""
        check_tiling(report, where, header)
        if opener is not None and header.kind != GAP and seq >= 0:
            check_contents(report, row, header, opener)


def check_header(report: Report, where: str, row: Row) -> Header | None:
    """The header's form, its part, its columns and the length of the data; None when it is not 64 bytes."""
    seq, kind, start_us, end_us, key_us, raw, _, data = row
    if len(raw) != HEADER.size:
        return None
    header = Header(*HEADER.unpack(raw))
    if wrong := header.wrong():
        report.add("header_bad", where, f"its header is malformed: {wrong}")
    if report.manifest and header.part.hex() != report.manifest["part_id"][:16]:
        report.add("header_foreign", where, "its header belongs to another part")
    columns = (header.seq, header.kind, header.start_us, header.end_us, None if header.key_us == -1 else header.key_us)
    if (seq, kind, start_us, end_us, key_us) != columns:
        report.add("column_mismatch", where, "its columns do not repeat its header")
    if len(data) != (0 if header.kind == GAP else header.length + 16) or (header.kind == GAP and header.length):
        report.add("length_mismatch", where, f"its header tells {header.length} bytes, it has {len(data)}")
    return header


def check_tiling(report: Report, where: str, header: Header) -> None:
    """Segments and gaps follow one another without a hole or an overlap of more than 100 ms (section 5)."""
    if header.kind not in (SEGMENT, GAP) or report.manifest is None:
        return
    name = "segment" if header.kind == SEGMENT else "gap"
    report.counts[name + "s"] += 1
    report.counts[name + "_us"] += header.duration_us
    if header.kind == GAP:
        reason = REASONS[header.reason] if header.reason < len(REASONS) else "unknown"
        report.counts["gap: " + reason] += header.duration_us
    before = report.span[1] if report.span else report.manifest["anchor"]["mono_us"]
    off = header.start_us - before
    if off > SLACK_US or (off < -SLACK_US and report.span):
        report.add("tiling_hole", where, f"it begins {off / 1e6:+.3f} s from where it should")
    report.span = (report.span[0] if report.span else header.start_us, header.end_us)


def fragments(data: bytes) -> dict[int, bytes]:
    """Offsets and types of the boxes `data` consists of. Raises ValueError when they do not fill it exactly."""
    found, at = {}, 0
    while at < len(data):
        size, kind, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        if size < head or at + size > len(data):
            raise ValueError("it does not consist of whole ISO BMFF boxes")
        found[at] = kind
        at += size
    return found


def check_contents(report: Report, row: Row, header: Header, opener: Opener) -> None:
    """Decrypt a record and look at its form."""
    where = f"record {row[0]}"
    try:
        plain = opener.open(row[0], row[5], row[7])
    except InvalidTag:
        report.add("decrypt_failed", where, "it does not decrypt")
        return
    report.counts["decrypted"] += 1
    try:
        boxes = check_plaintext(header, plain)
    except ValueError as error:
        report.add("fragment_bad", where, f"its contents are not the format's: {error}")
        return
    at = None if header.key_offset == NO_OFFSET else header.key_offset
    if (at is None) != (header.key_us == -1) or (at is not None and at not in boxes):
        report.add("key_offset_bad", where, "key_offset does not point at a fragment")


def check_plaintext(header: Header, plain: bytes) -> set[int]:
    """Where the fragments of a plaintext begin, after a look at its form. Raises ValueError."""
    if header.kind == NOTE:
        parse_object(plain, {"type": is_text})
        return set()
    if header.kind == INIT:
        size = int.from_bytes(plain[:4])
        parse_object(plain[4 : 4 + size], {"codecs": is_text, "video": is_object(codec=is_text)})
        if list(fragments(plain[4 + size :]).values()) != [b"ftyp", b"moov"]:
            raise ValueError("the stream's description is not followed by ftyp and moov")
        return set()
    boxes, starts, before = fragments(plain), set(), b"mdat"
    for at, kind in boxes.items():
        if before == b"mdat" or kind == b"moof":
            starts.add(at)  # other boxes of the standard may stand before a moof
        if (before == b"moof") != (kind == b"mdat"):
            raise ValueError("its boxes are not moof and mdat in turn")
        before = kind
    if not boxes or before != b"mdat":
        raise ValueError("it is empty or ends within a fragment")
    return starts


# --- checkpoints: section 7 -------------------------------------------------------------------------------------------
def signature_is_right(device_key: str, prefix: bytes, message: bytes, signature: object) -> bool:
    """Whether the device signed `prefix || message`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(device_key))
        key.verify(signature if isinstance(signature, bytes) else b"", prefix + message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_checkpoints(report: Report, manifest: Json, checkpoints: list[Checkpoint]) -> None:
    """Signatures, order, agreement with the records; that the final one is last and covers everything."""
    before: Checkpoint | None = None
    for expected, item in enumerate(checkpoints):
        where = f"checkpoint {item.n}"
        if not signature_is_right(manifest["device_key"], b"exambox/1 checkpoint\n", item.raw, item.signature):
            report.add("checkpoint_signature", where, "the device's signature is not right")
        elif item.body is None:
            report.add("checkpoint_bad", where, f"the checkpoint {item.problem}")
        elif wrong := checkpoint_wrong(manifest, before, item, expected):
            report.add(
                "checkpoint_bad", where if item.n == expected else f"before {where}", f"it does not fit: {wrong}"
            )
        elif item.body["chain"] != report.chains.get(item.body["seq"], b"").hex():
            report.add(
                "checkpoint_mismatch", where, f"record {item.body['seq']} is missing or is not the one it covers"
            )
        else:
            report.signed_to = max(report.signed_to, item.body["seq"])
        before = item
    last, ends = checkpoints[-1], report.closing
    if ends is not None and (last.body != ends or ends["seq"] < max(report.chains, default=-1)):
        report.add("final_not_last", "checkpoints", "records or checkpoints follow the final checkpoint")


def checkpoint_wrong(manifest: Json, before: Checkpoint | None, item: Checkpoint, expected: int) -> str:
    """Which statements of a checkpoint contradict its place, or nothing."""
    body, earlier = item.body or {}, before.body if before else None
    rules = {
        "part_id": body["part_id"] == manifest["part_id"],
        "n": body["n"] == item.n == expected,
        "seq": body["seq"] == 0 if before is None else earlier is None or body["seq"] >= earlier["seq"],
        "previous": body["previous"] == (digest(before.raw).hex() if before else None),
        "reason": (body["reason"] == "opened") == (before is None),
        "final": body["final"] == (body["reason"] in ("closed", "recovered", "abandoned")),
        "mono_us": earlier is None or body["reason"] == "recovered" or body["mono_us"] >= earlier["mono_us"],
    }
    return ", ".join(name for name, right in rules.items() if not right)


# --- a recording, a vault ---------------------------------------------------------------------------------------------
class Deleted:
    """What deletion certificates say was deleted under a rule."""

    def __init__(self, entries: Any) -> None:
        objects = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
        if not isinstance(entries, list) or not all(isinstance(e, dict | str) or is_int(e) for e in entries):
            raise ValueError("the deletion file is not a JSON list of ids, numbers or objects")
        self.numbers = {e for e in entries if is_int(e)}
        self.ids = {e for e in entries if isinstance(e, str)} | {str(e.get("part_id")) for e in objects}
        self.named = {
            (str(e.get("sitting")), str(e.get("camera")), e.get("part")) for e in objects if is_int(e.get("part"))
        }

    def covers(self, following: Json | None, number: int, hole: int) -> bool:
        """Whether part `hole` was deleted; `following` is the manifest of the next part there is, with its number."""
        if hole in self.numbers or following is None:
            return hole in self.numbers
        if (following["sitting"], following["camera"], hole) in self.named:
            return True
        return hole == number - 1 and (following["previous"] or {}).get("part_id") in self.ids


def verify_recording(files: list[Path], options: Options, deleted: Deleted) -> list[Report]:
    """Each part of one camera's recording, then how they follow one another."""
    reports = [verify_part(path, options) for path in sorted(files, key=lambda path: int(path.stem))]
    before: Report | None = None
    for report in reports:
        check_sequence(report, before, deleted)
        before = report
    if before and before.manifest and before.closing is None and options.ended and options.wants("chain"):
        before.add("final_missing", "checkpoints", "the recording is over, but its last part was never closed")
    return reports


def check_sequence(report: Report, before: Report | None, deleted: Deleted) -> None:
    """That a part follows the one before it: no number missing, `previous` right, the one before closed."""
    number, last = int(report.path.stem), int(before.path.stem) if before else 0
    holes = max(0, number - last - 1)
    candidates = range(last + 1, min(number, last + 100_000))
    certified = [hole for hole in candidates if deleted.covers(report.manifest, number, hole)]
    if certified:
        report.notes.append(f"{len(certified)} parts before it were deleted under a rule, as certificates say")
    if len(certified) < holes:
        report.add("part_number_hole", f"part {number}", f"{holes - len(certified)} parts before it are missing")
    if before is None or not before.manifest:
        return
    if before.closing is None:
        before.add("not_closed", "checkpoints", "it has no final checkpoint though a later part follows it")
    if report.manifest and not holes:
        check_previous(report, report.manifest, before, before.manifest)


def check_previous(report: Report, manifest: Json, before: Report, earlier: Json) -> None:
    """`previous` names the part before and its last chain value; time between the two is told."""
    if any(earlier[name] != manifest[name] for name in ("box", "sitting", "camera")):
        report.add("manifest_bad", "manifest", "it belongs to another recording than the part before it")
        return
    previous = manifest["previous"] or {"part_id": None, "chain": None}
    chains = {before.closing["chain"]} if before.closing else set()
    if before.closing is None or before.closing["reason"] == "recovered":
        # The writer of this part could not know what recovery would add later (section 3).
        chains |= {chain.hex() for chain in before.chains.values() if isinstance(chain, bytes)}
    if previous["part_id"] != earlier["part_id"] or previous["chain"] not in chains:
        report.add(
            "previous_mismatch", "manifest", "it does not name the part before it and that part's last chain value"
        )
    same_boot = earlier["anchor"]["boot_id"] == manifest["anchor"]["boot_id"]
    if report.span and before.span and same_boot and report.span[0] - before.span[1] > SLACK_US:
        untold = (report.span[0] - before.span[1]) / 1e6
        report.notes.append(f"{untold:.3f} s between the part before and this one are told by no gap")


def verify_path(path: Path, options: Options, deleted: Deleted) -> list[Report]:
    """A part, a camera's folder or a vault. Raises ValueError, OSError when there is nothing to look at."""
    if not path.is_dir():
        if not path.is_file():
            raise ValueError(f"there is no file or folder {path}")
        path.open("rb").close()  # a file we may not read is no finding
        report = verify_part(path, options)
        if options.ended and report.manifest and report.closing is None and options.wants("chain"):
            report.add("final_missing", "checkpoints", "the recording is over, but this part was never closed")
        return [report]
    folders: dict[Path, list[Path]] = {}
    for file in sorted(path.rglob("*.sqlite")):
        if re.fullmatch(r"\d{4,}\.sqlite", file.name, re.ASCII) and file.is_file():
            folders.setdefault(file.parent, []).append(file)
    if not folders:
        raise ValueError(f"there is no part (0001.sqlite and so on) under {path}")
    reports = [report for files in folders.values() for report in verify_recording(files, options, deleted)]
    for report in reports:
        check_place(path, report)
    return reports


def check_place(root: Path, report: Report) -> None:
    """In a vault, a part lies in the folders of its own sitting and camera."""
    folders, manifest = report.path.relative_to(root).parts[:-1], report.manifest
    if manifest and len(folders) >= 2 and folders[-2:] != (manifest["sitting"], manifest["camera"]):
        report.add("manifest_bad", "manifest", "it lies in the folder of another sitting or camera")


# --- exports: section 11 ----------------------------------------------------------------------------------------------
EXPORT_PART = is_object(
    part_id=is_hex(16), part=is_int, manifest_sha256=is_hex(32), final_chain=is_none_or(is_hex(32)),
    records=lambda value: isinstance(value, list) and all(
        isinstance(r, list) and len(r) == 2 and is_int(r[0]) and is_hex(32)(r[1]) for r in value),
)  # fmt: skip
EXPORT: dict[str, Callable[[Any], bool]] = {
    "format": is_one_of("exambox-export-1"), "file": is_object(name=is_text, bytes=is_int, sha256=is_hex(32)),
    "box": is_name, "sitting": is_name, "camera": is_name, "device_key": is_hex(32),
    "range": is_object(from_us=is_int, to_us=is_int, start_us=is_int, end_us=is_int),
    "gaps": lambda value: isinstance(value, list),
    "parts": lambda value: isinstance(value, list) and all(map(EXPORT_PART, value)),
}  # fmt: skip


def verify_export(clip: Path, options: Options, vault: Path | None) -> list[Report]:
    """A clip against its signed sidecar, and the sidecar against the vault it came from. Raises OSError."""
    report = Report(clip)
    with clip.with_suffix(".manifest.json").open("rb") as file:
        raw = file.read(MAX_JSON + 1)
    try:
        with clip.with_suffix(".manifest.sig").open("rb") as file:
            signature = file.read(65)
    except FileNotFoundError:  # exported without a signature, or it was taken away
        signature = b""
    try:
        manifest = parse_object(raw, EXPORT)
    except ValueError as error:
        report.add("manifest_bad", "manifest", f"the export's manifest {error}")
        return [report]
    report.manifest = manifest
    if not signature_is_right(manifest["device_key"], b"exambox/1 export\n", raw, signature):
        report.add("signature_bad", "manifest", "the device's signature of the manifest is not there or not right")
    if options.device_key not in (None, manifest["device_key"]):
        report.add("device_unexpected", "manifest", f"signed by device key {manifest['device_key']}")
    with clip.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if (found, clip.stat().st_size) != (manifest["file"]["sha256"], manifest["file"]["bytes"]):
        report.add("file_mismatch", clip.name, f"it is not the file that was exported; its sha256 is {found}")
    return [report, *(check_against(report, manifest, options, vault) if vault else [])]


def check_against(report: Report, manifest: Json, options: Options, vault: Path) -> list[Report]:
    """Verify the parts an export names to level chain and find every record it lists in them."""
    options = Options("chain", device_key=options.device_key or manifest["device_key"])
    wanted = {part["part_id"] for part in manifest["parts"]}
    present = verify_path(vault, Options("presence"), Deleted([]))
    parts = [verify_part(r.path, options) for r in present if r.manifest and r.manifest["part_id"] in wanted]
    found = {r.manifest["part_id"]: r for r in parts if r.manifest}
    for part in manifest["parts"]:
        where, source = f"part {part['part']}", found.get(part["part_id"])
        if source is None:
            report.add("not_a_part", where, f"part {part['part_id']} is not under {vault}")
            continue
        wrong = [seq for seq, chain in part["records"] if source.chains.get(seq, b"").hex() != chain]
        if wrong:
            report.add("chain_mismatch", where, f"{len(wrong)} listed records are not in it, first {wrong[0]}")
        if part["manifest_sha256"] != source.manifest_sha256:
            report.add("manifest_bad", where, "its manifest is not the one the export names")
        final = source.closing["chain"] if source.closing else None
        if part["final_chain"] not in (None, final):
            report.add("chain_mismatch", where, "its final chain value is not the export's")
        report.counts["records found"] += len(part["records"]) - len(wrong)
    return parts


# --- telling ----------------------------------------------------------------------------------------------------------
def utc(report: Report, mono_us: int) -> str:
    """Wall time of a mono time of this part, as its anchor tells it."""
    anchor = (report.manifest or {})["anchor"]
    try:
        wall = timedelta(microseconds=anchor["wall_us"] + mono_us - anchor["mono_us"])
        return (datetime(1970, 1, 1, tzinfo=timezone.utc) + wall).strftime("%Y-%m-%d %H:%M:%S UTC")  # noqa: UP017
    except OverflowError:
        return "an impossible time"


def describe(report: Report, level: str) -> Iterator[str]:
    """The report of one file in plain words."""
    counts, manifest = report.counts, report.manifest
    head = {"verified": f"VERIFIED to level {level}", "findings": "FINDINGS",
            "open": f"OPEN, verified up to record {report.signed_to} (level {level})"}[report.status]  # fmt: skip
    if manifest and "range" in manifest and not report.findings:
        head = "VERIFIED: this is the film the device exported, and its manifest is as signed"
    yield f"{report.path}: {head}"
    if manifest and "anchor" in manifest:
        yield (f"  part {manifest['part']} of camera {manifest['camera']}, sitting {manifest['sitting']}, "
               f"box {manifest['box']}; id {manifest['part_id']}")  # fmt: skip
        if report.span:
            yield f"  from {utc(report, report.span[0])} to {utc(report, report.span[1])}"
        yield f"  {counts['records']} records, {counts['checkpoints']} checkpoints, signed up to {report.signed_to}"
    if level != "presence" and manifest and "anchor" in manifest:
        yield f"  {counts['segments']} segments, {counts['segment_us'] / 1e6:.3f} s of pictures"
        reasons = [f"{key[5:]} {us / 1e6:.3f} s" for key, us in sorted(counts.items()) if key.startswith("gap: ")]
        stated = f"{counts['gap_us'] / 1e6:.3f} s stated as not recorded"
        yield f"  {counts['gaps']} gaps, " + ": ".join(filter(None, [stated, ", ".join(reasons)]))
    if counts["decrypted"]:
        yield f"  {counts['decrypted']} records decrypted"
    if manifest and "range" in manifest:
        yield f"  export of camera {manifest['camera']}, sitting {manifest['sitting']}, {len(manifest['gaps'])} gaps"
        if counts["records found"]:
            yield f"  {counts['records found']} of its records found in the vault"
    yield from (f"  note: {note}" for note in report.notes)
    yield from (f"  {found.code} ({found.level}), {found.where}: {found.message}" for found in report.findings)
    for code in sorted({found.code for found in report.findings}):
        if (more := counts["finding " + code] - MAX_PER_CODE) > 0:
            yield f"  {code}: {more} more"


def as_json(report: Report) -> Json:
    """The report of one file for programs."""
    return {"path": str(report.path), "status": report.status, "signed_to": report.signed_to,
            "counts": dict(report.counts), "notes": report.notes, "manifest": report.manifest,
            "findings": [found._asdict() for found in report.findings]}  # fmt: skip


def tell(reports: list[Report], level: str, expected: str | None, *, use_json: bool) -> int:
    """Print the outcome and return the exit code."""
    states = [report.status for report in reports]
    code = 1 if "findings" in states else 3 if "open" in states else 0
    if use_json:
        print(json.dumps({"exit": code, "level": level, "files": [as_json(report) for report in reports]}, indent=1))
        return code
    lines = [line for report in reports for line in describe(report, level)]
    keys = sorted({report.manifest["device_key"] for report in reports if report.manifest})
    trust = "as expected" if expected else "the files name it themselves; compare it with the one the room keeps"
    lines += [f"Device key {key}: {trust if expected in (None, key) else 'NOT the one you expect'}."
              for key in keys]  # fmt: skip
    total: Counter[str] = sum((report.counts for report in reports), Counter())
    lines.append(f"{len(reports)} files: {states.count('verified')} verified, {states.count('open')} open, "
                 f"{states.count('findings')} with findings; {total['records']} records, "
                 f"{total['segment_us'] / 1e6:.3f} s of pictures, {total['gaps']} gaps")  # fmt: skip
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:  # what files say must not steer a terminal
        print("".join(c if c.isprintable() else "?" for c in line).encode(encoding, "replace").decode(encoding))
    return code


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    export = arguments[:1] == ["export"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--level", choices=LEVELS)
    parser.add_argument(
        "--key", type=Path, action="append", default=[], help="a recipient's private key file; implies level full"
    )
    parser.add_argument(
        "--device-key", type=str.lower, help="the box's public signing key, hex, from a source you trust"
    )
    parser.add_argument("--deleted", type=Path, help="JSON list of parts deleted under a rule")
    parser.add_argument("--against", type=Path, help="with export: the vault the clip came from")
    parser.add_argument("--ended", action="store_true", help="the recording is over: its last part must be closed")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments[1:] if export else arguments)
    level = args.level or ("full" if args.key else "chain")
    try:
        options = Options(level, tuple(map(PrivateKey.load, args.key)), args.device_key, args.ended)
        deleted = Deleted(parse_json(args.deleted.read_bytes()) if args.deleted else [])
        reports = (
            verify_export(args.path, options, args.against) if export else verify_path(args.path, options, deleted)
        )
    except (OSError, ValueError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    return tell(reports, level, options.device_key, use_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
