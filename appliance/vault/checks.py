"""The checks of levels *chain* and *full* as pure functions over what lies in a part. No file is opened here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.errors import IntegrityError
from appliance.vault.findings import Findings
from appliance.vault.format import (
    MAX_SEGMENT_US,
    NO_KEY,
    NO_OFFSET,
    TAG_BYTES,
    TILING_TOLERANCE_US,
    GapReason,
    Header,
    Kind,
    chain_next,
    chain_start,
    checkpoint_message,
    parse_header,
    sha256,
)
from appliance.vault.manifest import Checkpoint, parse_checkpoint
from appliance.vault.reader import split_initialisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.vault.findings import Code
    from appliance.vault.manifest import Manifest
    from appliance.vault.reader import StoredCheckpoint, StoredRecord

_REASONS = frozenset(int(reason) for reason in GapReason)
_BOX_BYTES = 8
_LARGE_BOX_BYTES = 16
# Boxes ISO/IEC 14496-12 and DASH allow before a fragment's moof.
_BEFORE_MOOF = frozenset({b"styp", b"sidx", b"ssix", b"prft", b"emsg", b"free", b"skip"})


@dataclass(slots=True)
class RecordChecks:
    """Goes through a part's records by number and carries the chain along."""

    part: int
    manifest: Manifest
    chain: bytes
    next_seq: int = 0
    found: Findings = field(default_factory=Findings)
    tiling: Findings = field(default_factory=Findings)
    _end_us: int | None = None

    @classmethod
    def of(cls, part: int, manifest: Manifest, body: bytes) -> RecordChecks:
        """Begin with a manifest and the bytes it was read from."""
        return cls(part, manifest, chain_start(body))

    def check(self, record: StoredRecord) -> Header | None:
        """Check the next record; return its header where it has a proper one."""
        if record.seq != self.next_seq:
            self._add("record_hole", None, f"record {self.next_seq} is missing, {record.seq} comes next")
        header = self._header(record)
        if header is not None:
            self._belongs(record, header)
            self._length(record, header)
            self._tile(record.seq, header)
        expected = chain_next(self.chain, record.header, record.data)
        if expected != record.chain:
            self._add("chain_mismatch", record.seq, f"record {record.seq} does not continue the chain")
        self.chain = record.chain
        self.next_seq = record.seq + 1
        return header

    def _add(self, code: Code, seq: int | None, message: str) -> None:
        self.found.add(code, self.part, seq, message)

    def _header(self, record: StoredRecord) -> Header | None:
        try:
            header = parse_header(record.header)
        except IntegrityError as problem:
            self._add("header_bad", record.seq, problem.message)
            return None
        wrong = header_problem(header, record.seq)
        if wrong:
            self._add("header_bad", record.seq, f"record {record.seq} {wrong}")
        return header

    def _belongs(self, record: StoredRecord, header: Header) -> None:
        if header.part_tag != self.manifest.id_bytes[:8]:
            self._add("header_foreign", record.seq, f"record {record.seq} was made for another part")
        row = record.index
        key_us = None if header.key_us == NO_KEY else header.key_us
        stated = (header.seq, header.kind, header.start_us, header.end_us, key_us)
        if row is None or (row.seq, row.kind, row.start_us, row.end_us, row.key_us) != stated:
            self._add("column_mismatch", record.seq, f"the columns of record {record.seq} differ from its header")

    def _length(self, record: StoredRecord, header: Header) -> None:
        expected = 0 if header.kind is Kind.GAP else header.length + TAG_BYTES
        if len(record.data) != expected or (header.kind is Kind.GAP and header.length):
            self._add(
                "length_mismatch",
                record.seq,
                f"record {record.seq} says {header.length} bytes of plaintext and has {len(record.data)} of data",
            )

    def _tile(self, seq: int, header: Header) -> None:
        if header.kind not in (Kind.SEGMENT, Kind.GAP):
            return
        wrong = tiling_problem(header, self._end_us, self.manifest.anchor.mono_us)
        if wrong:
            self.tiling.add("tiling_hole", self.part, seq, f"record {seq} {wrong}")
        self._end_us = header.end_us


def header_problem(header: Header, seq: int) -> str:
    """Return what is wrong with a parsed header in words, or nothing. ``seq`` is the row's number."""
    if (header.kind is Kind.INIT) != (seq == 0):
        return "is an initialisation, or is none where one belongs"
    if header.kind is Kind.GAP and header.reason not in _REASONS:
        return f"is a gap with the unknown reason {header.reason}"
    if header.kind is not Kind.GAP and header.reason:
        return f"is no gap but has the reason {header.reason}"
    if header.kind is Kind.SEGMENT and header.duration_us > MAX_SEGMENT_US:
        return f"is a segment of {header.duration_us} us, longer than 2 s"
    return ""


def tiling_problem(header: Header, end_us: int | None, anchor_us: int) -> str:
    """Return how a segment or gap fails to follow the one before (which ended at ``end_us``), or nothing."""
    expected = anchor_us if end_us is None else end_us
    if abs(header.start_us - expected) <= TILING_TOLERANCE_US:
        return ""
    if end_us is None and header.kind is Kind.GAP and header.start_us < anchor_us:
        return ""
    distance = header.start_us - expected
    word = "after" if distance > 0 else "before"
    what = "the part was opened" if end_us is None else "the one before ended"
    return f"begins {abs(distance) / 1000:.0f} ms {word} {what}"


@dataclass(slots=True)
class CheckpointChecks:
    """Goes through a part's checkpoints by number."""

    part: int
    manifest: Manifest
    next_n: int = 0
    found: Findings = field(default_factory=Findings)
    last: Checkpoint | None = None
    final: tuple[int, int] | None = None
    """Number of the first final checkpoint, and the record it covers."""
    _before: bytes | None = None

    def check(self, row: StoredCheckpoint) -> Checkpoint | None:
        """Check the next checkpoint by itself; return it where its chain value is to be compared."""
        if row.n != self.next_n:
            self._add("checkpoint_bad", None, f"checkpoint {self.next_n} is missing, {row.n} comes next")
        if not signature_fits(self.manifest.device_key, checkpoint_message(row.body), row.signature):
            self._add("checkpoint_signature", row.n, f"checkpoint {row.n} is not signed by this part's device key")
        checkpoint = self._read(row)
        self.next_n, self._before = row.n + 1, sha256(row.body)
        if checkpoint is not None:
            self.last = checkpoint
            if checkpoint.final and self.final is None:
                self.final = (row.n, checkpoint.seq)
        return checkpoint

    def mismatch(self, checkpoint: Checkpoint, n: int, chain: bytes | None) -> None:
        """Compare a checkpoint with the chain value of the record it covers (None: no such record)."""
        if chain is None:
            self._add("checkpoint_mismatch", n, f"checkpoint {n} covers record {checkpoint.seq}, which is not there")
        elif chain.hex() != checkpoint.chain:
            self._add("checkpoint_mismatch", n, f"checkpoint {n} has another chain value than record {checkpoint.seq}")

    def _add(self, code: Code, n: int | None, message: str) -> None:
        self.found.add(code, self.part, n, message)

    def _read(self, row: StoredCheckpoint) -> Checkpoint | None:
        try:
            checkpoint = parse_checkpoint(row.body)
        except IntegrityError as problem:
            self._add("checkpoint_bad", row.n, problem.message)
            return None
        wrong = checkpoint_problem(checkpoint, row.n, self.manifest, self._before, self.last)
        if wrong:
            self._add("checkpoint_bad", row.n, f"checkpoint {row.n} {wrong}")
        return checkpoint


def checkpoint_problem(
    checkpoint: Checkpoint, n: int, manifest: Manifest, before: bytes | None, last: Checkpoint | None
) -> str:
    """Return what is wrong with a checkpoint's own fields in words, or nothing.

    Args:
        checkpoint: the one to look at.
        n: its row's number.
        manifest: of its part.
        before: hash of the body before it, None for the first.
        last: the checkpoint before it.
    """
    if checkpoint.n != n:
        return f"says it is number {checkpoint.n}"
    if checkpoint.part_id != manifest.part_id:
        return "belongs to another part"
    if checkpoint.previous != (before.hex() if before else None):
        return "does not name the checkpoint before it"
    if last and checkpoint.mono_us < last.mono_us and checkpoint.reason != "recovered":
        return "is older than the one before it"
    return ""


def signature_fits(public_hex: str, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature is right."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def recipients_problem(manifest: Manifest, stored: Mapping[str, bytes]) -> str:
    """Return how the wrapped keys differ from what the manifest says, or nothing; an empty table is a destroyed key."""
    stated = {item.key_id: item.sha256 for item in manifest.recipients}
    if not stored:
        return ""
    if set(stated) != set(stored) or len(stated) != len(manifest.recipients):
        return "the recipients in the file are not those in the manifest"
    wrong = sorted(key for key, wrapped in stored.items() if sha256(wrapped).hex() != stated[key])
    return f"the wrapped key of {wrong[0]} is not the one in the manifest" if wrong else ""


def content_problem(header: Header, plaintext: bytes) -> tuple[Code, str] | None:
    """Return what is wrong with a decrypted record: its code and words; None if nothing is."""
    if len(plaintext) != header.length:
        return "decrypt_failed", "has another length than its header says"
    if header.kind is Kind.SEGMENT:
        return _segment_problem(header, plaintext)
    wrong = _init_problem(plaintext) if header.kind is Kind.INIT else _note_problem(plaintext)
    return ("fragment_bad", wrong) if wrong else None


def _segment_problem(header: Header, plaintext: bytes) -> tuple[Code, str] | None:
    try:
        starts = fragment_starts(plaintext)
    except IntegrityError as problem:
        return "fragment_bad", problem.message
    if (header.key_us == NO_KEY) != (header.key_offset == NO_OFFSET):
        return "key_offset_bad", "says and denies that it holds a keyframe"
    if header.key_offset != NO_OFFSET and header.key_offset not in starts:
        return "key_offset_bad", "points at a keyframe where no fragment begins"
    return None


def _init_problem(plaintext: bytes) -> str:
    try:
        _, init = split_initialisation(plaintext)
        kinds = [kind for kind, _, _ in boxes(init)]
    except IntegrityError as problem:
        return problem.message
    return "" if kinds == [b"ftyp", b"moov"] else "is not a stream description, ftyp and moov"


def _note_problem(plaintext: bytes) -> str:
    try:
        value = json.loads(plaintext)
    except (ValueError, RecursionError):
        value = None
    return "" if isinstance(value, dict) else "is a note that is no JSON object"


def boxes(data: bytes) -> list[tuple[bytes, int, int]]:
    """Return the top-level ISO BMFF boxes as (kind, start, end).

    Raises:
        IntegrityError: a box is cut short or has an impossible size.
    """
    found = []
    start = 0
    while start < len(data):
        size = int.from_bytes(data[start : start + 4])
        least = _BOX_BYTES
        if size == 1:
            size = int.from_bytes(data[start + _BOX_BYTES : start + _LARGE_BOX_BYTES])
            least = _LARGE_BOX_BYTES
        if size < least or start + size > len(data):
            raise IntegrityError(f"has a broken box at byte {start}")
        found.append((data[start + 4 : start + 8], start, start + size))
        start += size
    return found


def fragment_starts(plaintext: bytes) -> set[int]:
    """Return where a segment's fragments begin: at each ``moof``, or at the boxes that precede it.

    Raises:
        IntegrityError: it is not a sequence of whole ``moof mdat`` pairs, or empty.
    """
    starts: set[int] = set()
    begin: int | None = None
    in_fragment = False
    for kind, start, _ in boxes(plaintext):
        if in_fragment:
            if kind != b"mdat":
                raise IntegrityError("has a moof without its mdat")
            in_fragment, begin = False, None
        elif kind == b"moof":
            starts |= {start, start if begin is None else begin}
            in_fragment = True
        elif kind in _BEFORE_MOOF:
            begin = start if begin is None else begin
        else:
            raise IntegrityError(f"has a box {kind!r} where a fragment begins")
    if in_fragment or begin is not None or not starts:
        raise IntegrityError("does not consist of whole fragments")
    return starts
