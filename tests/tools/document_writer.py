"""A small part writer made from docs/vault-format.md alone, for the tests of the stand-alone verifier.

It shares no code with the recorder nor with the verifier, so that a misreading in either shows as a disagreement.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = """
CREATE TABLE manifest   (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
CREATE TABLE recipient  (key_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL);
CREATE TABLE record     (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, start_us INTEGER NOT NULL,
                         end_us INTEGER NOT NULL, key_us INTEGER, header BLOB NOT NULL, chain BLOB NOT NULL,
                         data BLOB NOT NULL);
CREATE TABLE checkpoint (n INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL);
CREATE INDEX record_key ON record (key_us, seq) WHERE key_us IS NOT NULL;
PRAGMA application_id = 0x45584231;
PRAGMA user_version = 1;
"""
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WALL_US, MONO_US = 1_790_000_000_000_000, 5_000_000


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def public_hex(device: Ed25519PrivateKey = DEVICE) -> str:
    """A device's public key as the manifest states it."""
    return device.public_key().public_bytes_raw().hex()


def box(kind: bytes, content: bytes = b"") -> bytes:
    """An ISO BMFF box."""
    return (8 + len(content)).to_bytes(4, "big") + kind + content


FRAGMENT = box(b"moof", b"head") + box(b"mdat", b"pictures")
INIT_JSON = canonical({"codecs": "avc1.64001f", "video": {"codec": "h264", "width": 64, "height": 48}, "audio": None})
INIT = len(INIT_JSON).to_bytes(4, "big") + INIT_JSON + box(b"ftyp", b"iso6") + box(b"moov", b"tracks")


@dataclass(frozen=True)
class Recipient:
    """A test recipient with its raw private key."""

    suite: str
    private: bytes
    label: str = "auditor"

    @property
    def public(self) -> bytes:
        """The raw public key of section 4."""
        x25519 = X25519PrivateKey.from_private_bytes(self.private[-32:]).public_key().public_bytes_raw()
        if self.suite == "X25519":
            return x25519
        return MLKEM768PrivateKey.from_seed_bytes(self.private[:64]).public_key().public_bytes_raw() + x25519

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of H(suite, newline, public key)."""
        return sha(self.suite.encode() + b"\n" + self.public).hex()[:16]

    def wrap(self, part_key: bytes, info: bytes) -> bytes:
        """The part key sealed to this recipient."""
        x25519 = X25519PrivateKey.from_private_bytes(self.private[-32:])
        if self.suite == "X25519":
            suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
            return suite.encrypt(part_key, x25519.public_key(), info=info)
        hybrid = hpke.MLKEM768X25519PrivateKey(MLKEM768PrivateKey.from_seed_bytes(self.private[:64]), x25519)
        suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        return suite.encrypt(part_key, hybrid.public_key(), info=info)


HYBRID = Recipient("MLKEM768-X25519", bytes(range(96)))
CLASSIC = Recipient("X25519", bytes(range(100, 132)))


@dataclass
class Part:
    """A part while it is built; attributes may be changed between two steps to build a wrong one."""

    number: int = 1
    sitting: str = "exam-1"
    camera: str = "front"
    recipients: tuple[Recipient, ...] = (HYBRID,)
    aead: str = "AES-256-GCM"
    opened: str = "start"
    previous: dict[str, str] | None = None
    device: Ed25519PrivateKey = DEVICE
    mono_us: int = MONO_US
    anchor_us: int = MONO_US
    extra: dict[str, Any] = field(default_factory=dict)
    commitment: str = ""
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    checkpoints: list[tuple[int, bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose the keys, write the manifest, record 0 and checkpoint 0."""
        self.part_id = sha(f"{self.sitting} {self.camera} {self.number}".encode())[:16]
        self.part_key = sha(b"part key of " + self.part_id)
        info = f"exambox/1 wrap\nbox-1\n{self.sitting}\n{self.camera}\n{self.number}\n{self.part_id.hex()}".encode()
        self.wrapped = sorted((r.key_id, r.wrap(self.part_key, info), r.label) for r in self.recipients)
        prk = HKDF.extract(hashes.SHA256(), self.part_id, self.part_key)
        content, self.base, commitment = (
            HKDFExpand(hashes.SHA256(), size, f"exambox/1 {label}".encode()).derive(prk)
            for label, size in (("content key", 32), ("nonce base", 12), ("commitment", 32))
        )
        self.cipher = AESGCM(content) if self.aead == "AES-256-GCM" else ChaCha20Poly1305(content)
        self.manifest = canonical(self._manifest(self.commitment or commitment.hex()) | self.extra)
        self.chain = sha(b"exambox/1 chain\n" + sha(self.manifest))
        self.record(0, 0, INIT)
        self.checkpoint("opened")

    def _manifest(self, commitment: str) -> dict[str, Any]:
        anchor = {"wall_us": WALL_US + self.anchor_us, "mono_us": self.anchor_us, "boot_id": "b", "trusted": True}
        return {
            "format": "exambox-vault-1", "part_id": self.part_id.hex(), "box": "box-1", "sitting": self.sitting,
            "camera": self.camera, "part": self.number, "aead": self.aead, "suite": self.recipients[0].suite,
            "commitment": commitment, "device_key": public_hex(self.device),
            "recipients": [{"key_id": k, "label": label, "sha256": sha(w).hex()} for k, w, label in self.wrapped],
            "anchor": anchor, "previous": self.previous, "opened": self.opened, "masked": False, "audio": False,
            "masks_sha256": None, "software": "document writer",
        }  # fmt: skip

    def record(self, kind: int, duration_us: int, plain: bytes, **header: int) -> None:
        """Append a record of any kind; `header` overrides its fields."""
        seq = len(self.rows)
        f = {"flags": 0, "reason": 0, "seq": seq, "start": self.mono_us, "media": 0, "key": -1, "offset": 0xFFFFFFFF}
        f |= {"length": len(plain)} | header
        head = b"".join([
            b"EXR1", bytes([kind, f["flags"]]), f["reason"].to_bytes(2, "big"), f["seq"].to_bytes(8, "big"),
            f["start"].to_bytes(8, "big", signed=True), duration_us.to_bytes(8, "big"),
            f["media"].to_bytes(8, "big", signed=True), f["key"].to_bytes(8, "big", signed=True),
            f["offset"].to_bytes(4, "big"), f["length"].to_bytes(4, "big"), self.part_id[:8],
        ])  # fmt: skip
        counter = bytes(4) + seq.to_bytes(8, "big")
        nonce = bytes(left ^ right for left, right in zip(self.base, counter, strict=True))
        data = b"" if kind == 2 else self.cipher.encrypt(nonce, plain, head)
        self.chain = sha(self.chain + head + sha(data))
        key = None if f["key"] == -1 else f["key"]
        self.rows.append((f["seq"], kind, f["start"], f["start"] + duration_us, key, head, self.chain, data))
        self.mono_us = f["start"] + duration_us

    def segment(self, duration_us: int = 2_000_000, plain: bytes = FRAGMENT * 2, **header: int) -> None:
        """A segment that begins with a keyframe."""
        keyed = {"flags": 1, "key": self.mono_us, "offset": 0, "media": self.mono_us - MONO_US}
        self.record(1, duration_us, plain, **(keyed | header))

    def gap(self, duration_us: int = 1_000_000, reason: int = 1, **header: int) -> None:
        """A stated gap."""
        self.record(2, duration_us, b"", reason=reason, **header)

    def checkpoint(self, reason: str = "periodic", **changes: Any) -> None:
        """Sign how far the part has come."""
        n = len(self.checkpoints)
        body = {
            "format": "exambox-checkpoint-1", "part_id": self.part_id.hex(), "n": n, "seq": len(self.rows) - 1,
            "chain": self.chain.hex(), "wall_us": WALL_US + self.mono_us, "mono_us": self.mono_us, "trusted": True,
            "final": reason in ("closed", "recovered", "abandoned"), "reason": reason,
            "previous": sha(self.checkpoints[-1][1]).hex() if n else None,
        }  # fmt: skip
        raw = canonical(body | changes)
        self.checkpoints.append((n, raw, self.device.sign(b"exambox/1 checkpoint\n" + raw)))

    def link(self) -> dict[str, str]:
        """What the next part's `previous` says of this one."""
        return {"part_id": self.part_id.hex(), "chain": self.chain.hex()}

    def save(self, path: Path) -> Path:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as db, db:
            db.executescript(SCHEMA)
            db.execute("INSERT INTO manifest VALUES (1, ?)", (self.manifest,))
            db.executemany("INSERT INTO recipient VALUES (?, ?)", [(k, w) for k, w, _ in self.wrapped])
            db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.rows)
            db.executemany("INSERT INTO checkpoint VALUES (?, ?, ?)", self.checkpoints)
        return path


def filled(*, close: bool = True, **settings: Any) -> Part:
    """A usual part: pictures, a checkpoint, a gap, a note, pictures, closed."""
    part = Part(**settings)
    part.segment()
    part.segment(1_500_000)
    part.checkpoint()
    part.gap()
    part.record(3, 0, canonical({"type": "clock", "difference_us": 5, "trusted": True}))
    part.segment(key=part.mono_us + 40_000, offset=len(FRAGMENT), flags=2)
    if close:
        part.checkpoint("closed")
    return part


def recording(vault: Path, count: int = 3, **settings: Any) -> list[Part]:
    """A recording of `count` parts in a vault."""
    parts: list[Part] = []
    for number in range(1, count + 1):
        before = parts[-1] if parts else None
        mono = before.mono_us if before else MONO_US
        part = filled(
            number=number, previous=before.link() if before else None, mono_us=mono, anchor_us=mono, **settings
        )
        part.save(vault / part.sitting / part.camera / f"{number:04d}.sqlite")
        parts.append(part)
    return parts
