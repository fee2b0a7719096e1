"""A box with keys that tests can open again, and a reader of its parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from appliance.vault import crypto
from appliance.vault.device_key import DeviceKey
from appliance.vault.format import NO_KEY, NO_OFFSET
from appliance.vault.part import Anchor, PartOpening, PartWriter, WriterKeys
from appliance.vault.part_files import part_path
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock

SITTING, CAMERA, BOOT = "sitting-1", "room", "boot-1"
SECOND = 1_000_000


@dataclass(frozen=True)
class Person:
    """A recipient with its private key."""

    suite: crypto.Suite
    private: bytes
    public: bytes
    key_id: str
    label: str = "Room 1"
    role: str = "review"

    @classmethod
    def from_seed(cls, seed: str) -> Person:
        """Derive an X25519 recipient from a word, so that another process can have the same."""
        private = hashlib.sha256(seed.encode()).digest()
        public = crypto.public_of("X25519", private)
        return cls("X25519", private, public, crypto.key_id("X25519", public))


PERSON = Person.from_seed("test review")
DEVICE = DeviceKey.from_private(hashlib.sha256(b"test device").digest())
OTHER_DEVICE = DeviceKey.from_private(hashlib.sha256(b"another test device").digest())
KEYS = WriterKeys("box-1", DEVICE, (PERSON,))


def anchor_of(clock: Clock, boot: str = BOOT) -> Anchor:
    """Read both clocks."""
    return Anchor(clock.wall_us(), clock.mono_us(), boot, trusted=True)


def opening_of(clock: Clock, *, part: int = 1, **changes: Any) -> PartOpening:
    """Return an ordinary opening, or one with changes."""
    ordinary = PartOpening(
        sitting=SITTING,
        camera=CAMERA,
        part=part,
        opened="start",
        previous=None,
        masked=False,
        audio=False,
        masks_sha256=None,
        anchor=anchor_of(clock),
        aead="AES-256-GCM",
    )
    return replace(ordinary, **changes)


def start_part(vault: Path, clock: Clock, keys: WriterKeys = KEYS, **changes: Any) -> PartWriter:
    """Open a part in a vault."""
    opening = opening_of(clock, **changes)
    path = part_path(vault, opening.sitting, opening.camera, opening.part)
    return PartWriter.create(
        path, opening, keys, stream={"codecs": "avc1.42c00a"}, init=b"init", clock=clock, trusted=lambda: True
    )


def add_segment(writer: PartWriter, plaintext: bytes = b"pictures", **changes: Any) -> int:
    """Append a second of pictures where the last ended."""
    values: dict[str, Any] = {
        "start_us": writer.end_us,
        "duration_us": SECOND,
        "media_us": 0,
        "keyframe": False,
        "key_us": NO_KEY,
        "key_offset": NO_OFFSET,
        "discontinuity": False,
        "plaintext": plaintext,
    }
    return writer.append_segment(**(values | changes))


def plaintexts(path: Path, person: Person = PERSON) -> dict[int, bytes]:
    """Open every sealed record of a part; the key is checked against the commitment."""
    with PartReader(path) as reader:
        suite, wrapped = reader.wrapped(person.key_id)
        cipher = reader.cipher(crypto.unwrap(suite, person.private, reader.binding.info(), wrapped))
        return {row.seq: reader.open_record(row.seq, cipher)[1] for row in reader.index() if row.kind != 2}
