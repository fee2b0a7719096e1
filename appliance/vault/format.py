"""Vault format 1 as pure functions: headers, chain, bodies. See ``docs/vault-format.md``, sections 2 to 7."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

from cryptography.hazmat.primitives import hashes

from appliance.errors import BadInputError, IntegrityError

FORMAT = "exambox-vault-1"
CHECKPOINT_FORMAT = "exambox-checkpoint-1"
APPLICATION_ID = 0x45584231
USER_VERSION = 1
HEADER_BYTES = 64
TAG_BYTES = 16
MAX_SEGMENT_US = 2_000_000
MAX_PLAINTEXT_BYTES = 64 * 1024 * 1024
MAX_BODY_BYTES = 1024 * 1024
TILING_TOLERANCE_US = 100_000
NO_KEY = -1
NO_OFFSET = 0xFFFFFFFF

_MAGIC = b"EXR1"
_HEADER = struct.Struct(">4sBBHQqQqqII8s")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")

SCHEMA = (
    "CREATE TABLE manifest (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL)",
    "CREATE TABLE recipient (key_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL)",
    (
        "CREATE TABLE record (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, start_us INTEGER NOT NULL,"
        " end_us INTEGER NOT NULL, key_us INTEGER, header BLOB NOT NULL, chain BLOB NOT NULL, data BLOB NOT NULL)"
    ),
    "CREATE TABLE checkpoint (n INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL)",
    "CREATE INDEX record_key ON record (key_us, seq) WHERE key_us IS NOT NULL",
)


class Kind(IntEnum):
    """What a record holds."""

    INIT = 0
    SEGMENT = 1
    GAP = 2
    NOTE = 3


_KINDS = frozenset(int(kind) for kind in Kind)


class Flag(IntFlag):
    """A record's flags."""

    NONE = 0
    KEYFRAME = 1
    DISCONTINUITY = 2


class GapReason(IntEnum):
    """Why a stretch of time was not recorded."""

    CAMERA_LOST = 1
    DISK_FULL = 2
    PAUSED = 3
    INTERRUPTED = 4
    OVERLOAD = 5
    STREAM_CHANGED = 6
    WRITE_ERROR = 7
    INVALID_STREAM = 8
    STARTING = 9
    FLOOD = 10

    @property
    def words(self) -> str:
        """What a person is told."""
        return _GAP_WORDS[self]


_GAP_WORDS = {
    GapReason.CAMERA_LOST: "camera lost",
    GapReason.DISK_FULL: "disk full",
    GapReason.PAUSED: "paused",
    GapReason.INTERRUPTED: "recording interrupted (process or power)",
    GapReason.OVERLOAD: "the disk was too slow",
    GapReason.STREAM_CHANGED: "the camera changed its stream",
    GapReason.WRITE_ERROR: "the disk refused to write",
    GapReason.INVALID_STREAM: "the camera sent an unusable stream",
    GapReason.STARTING: "recording was starting",
    GapReason.FLOOD: "the camera flooded the box",
}


@dataclass(frozen=True, slots=True)
class Header:
    """A record's 64-byte header; times in microseconds of the part's monotonic clock.

    ``key_us`` and ``key_offset`` tell where the first keyframe lies, `NO_KEY` and `NO_OFFSET` if there is none.
    """

    kind: Kind
    seq: int
    start_us: int
    duration_us: int
    part_tag: bytes
    length: int = 0
    flags: Flag = Flag.NONE
    reason: int = 0
    media_us: int = 0
    key_us: int = NO_KEY
    key_offset: int = NO_OFFSET

    @property
    def end_us(self) -> int:
        """Where the record's stretch of time ends."""
        return self.start_us + self.duration_us

    def pack(self) -> bytes:
        """Return the 64 bytes that are hashed and authenticated."""
        return _HEADER.pack(
            _MAGIC,
            self.kind,
            self.flags,
            self.reason,
            self.seq,
            self.start_us,
            self.duration_us,
            self.media_us,
            self.key_us,
            self.key_offset,
            self.length,
            self.part_tag,
        )


def parse_header(raw: bytes) -> Header:
    """Read a header.

    Raises:
        IntegrityError: not 64 bytes, a wrong magic, or an unknown kind or flag.
    """
    if len(raw) != HEADER_BYTES:
        raise IntegrityError(f"A record's header has {len(raw)} bytes instead of {HEADER_BYTES}.")
    magic, kind, flags, reason, seq, start, duration, media, key, offset, length, tag = _HEADER.unpack(raw)
    if magic != _MAGIC:
        raise IntegrityError("A record's header does not begin with EXR1.")
    if kind not in _KINDS or flags > (Flag.KEYFRAME | Flag.DISCONTINUITY):
        raise IntegrityError(f"Record {seq} has an unknown kind ({kind}) or flag ({flags}).")
    return Header(
        kind=Kind(kind),
        seq=seq,
        start_us=start,
        duration_us=duration,
        part_tag=tag,
        length=length,
        flags=Flag(flags),
        reason=reason,
        media_us=media,
        key_us=key,
        key_offset=offset,
    )


def sha256(*pieces: bytes) -> bytes:
    """Return SHA-256 of the pieces joined."""
    # Not hashlib: it would load a second libcrypto, 3 MB in each camera's process.
    digest = hashes.Hash(hashes.SHA256())
    for piece in pieces:
        digest.update(piece)
    return digest.finalize()


def chain_start(manifest: bytes) -> bytes:
    """Return ``chain[-1]`` for a manifest body."""
    return sha256(b"exambox/1 chain\n", sha256(manifest))


def chain_next(before: bytes, header: bytes, data: bytes) -> bytes:
    """Return ``chain[n]`` from ``chain[n-1]``, the header and the stored data."""
    return sha256(before, header, sha256(data))


def checkpoint_message(body: bytes) -> bytes:
    """Return what the device key signs for a checkpoint."""
    return b"exambox/1 checkpoint\n" + body


def export_message(manifest: bytes) -> bytes:
    """Return what the device key signs for an export manifest."""
    return b"exambox/1 export\n" + manifest


def recipients_message(body: bytes) -> bytes:
    """Return what the device key signs for a recipients list."""
    return b"exambox/1 recipients\n" + body


def encode_body(value: dict[str, Any]) -> bytes:
    """Return the canonical JSON bytes of a body. Floats are a programming error (TypeError)."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("bodies hold no floating-point numbers")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_floats(item)


def decode_body(raw: bytes, what: str) -> dict[str, Any]:
    """Read a body from outside.

    Raises:
        IntegrityError: too large, not UTF-8 JSON, or not an object; ``what`` names it in the message.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise IntegrityError(f"The {what} is larger than {MAX_BODY_BYTES} bytes.")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise IntegrityError(f"The {what} is not valid JSON.") from problem
    if not isinstance(value, dict):
        raise IntegrityError(f"The {what} is not a JSON object.")
    return value


def check_name(value: str, what: str) -> str:
    """Return ``value`` if it may be used in vault paths and bindings.

    Raises:
        BadInputError: it may not; ``what`` names it.
    """
    if not _NAME.fullmatch(value):
        raise BadInputError(
            f"{what}: {value[:80]!r} is not usable as a name.",
            hint="Use small letters, digits and hyphens, at most 60, beginning with a letter or digit.",
        )
    return value
