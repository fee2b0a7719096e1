"""Manifests and checkpoints as typed values, read from untrusted bytes: ``docs/vault-format.md``, sections 3 and 7."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec

from appliance.errors import IntegrityError
from appliance.vault.crypto import (
    Aead,
    PartBinding,
    Suite,
)
from appliance.vault.format import MAX_BODY_BYTES

MAX_RECIPIENTS = 64

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,59}\Z")]
KeyId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Hex16 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Word = Annotated[str, msgspec.Meta(max_length=40)]
# Years 1970 to about 2255 for wall time, and as much of monotonic time: sums of two stay inside 64 bits.
Micros = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class ManifestRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """Who can open the part; ``sha256`` is the hash of the wrapped key, hex."""

    key_id: KeyId
    label: Annotated[str, msgspec.Meta(max_length=200)]
    sha256: Hex32

    @property
    def shown(self) -> str:
        """Label and key id for a message; nothing in it can steer a terminal."""
        label = "".join(letter if letter.isprintable() else "?" for letter in self.label)
        return f"{label} ({self.key_id})"


class ManifestAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """Both clocks read together when the part was opened, in microseconds."""

    wall_us: Micros
    mono_us: Micros
    boot_id: Annotated[str, msgspec.Meta(max_length=64)]
    trusted: bool


class ManifestPrevious(msgspec.Struct, frozen=True, kw_only=True):
    """The part before: its id and its last chain value, hex."""

    part_id: Hex16
    chain: Hex32


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a part says about itself; unknown further keys are ignored."""

    format: Literal["exambox-vault-1"]
    part_id: Hex16
    box: Name
    sitting: Name
    camera: Name
    part: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
    aead: Aead
    suite: Suite
    commitment: Hex32
    device_key: Hex32
    recipients: Annotated[tuple[ManifestRecipient, ...], msgspec.Meta(max_length=MAX_RECIPIENTS)]
    anchor: ManifestAnchor
    previous: ManifestPrevious | None
    opened: Word
    masked: bool
    audio: bool
    masks_sha256: Hex32 | None = None
    software: Annotated[str, msgspec.Meta(max_length=200)] = ""

    @property
    def id_bytes(self) -> bytes:
        """The part's id, 16 bytes."""
        return bytes.fromhex(self.part_id)

    @property
    def binding(self) -> PartBinding:
        """What the wrapped keys are bound to."""
        return PartBinding(self.box, self.sitting, self.camera, self.part, self.id_bytes)

    def wall_of(self, mono_us: int) -> int:
        """Return the wall time, in microseconds, of a monotonic time inside this part."""
        return self.anchor.wall_us + (mono_us - self.anchor.mono_us)

    def mono_of(self, wall_us: int) -> int:
        """Return the monotonic time, in microseconds, that this part's anchor gives a wall time."""
        return self.anchor.mono_us + (wall_us - self.anchor.wall_us)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement of how far a part has come."""

    format: Literal["exambox-checkpoint-1"]
    part_id: Hex16
    n: Count
    seq: Count
    chain: Hex32
    wall_us: Micros
    mono_us: Micros
    trusted: bool
    final: bool
    reason: Word
    previous: Hex32 | None


_Body = TypeVar("_Body", Manifest, Checkpoint)


def parse_manifest(raw: bytes) -> Manifest:
    """Read a manifest body.

    Raises:
        IntegrityError: too large, not JSON, or not what section 3 of the format says.
    """
    return _parse(raw, Manifest, "manifest")


def parse_checkpoint(raw: bytes) -> Checkpoint:
    """Read a checkpoint body.

    Raises:
        IntegrityError: too large, not JSON, or not what section 7 of the format says.
    """
    return _parse(raw, Checkpoint, "checkpoint")


def _parse(raw: bytes, kind: type[_Body], what: str) -> _Body:
    if len(raw) > MAX_BODY_BYTES:
        raise IntegrityError(f"The {what} is larger than {MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise IntegrityError(f"The {what} is not valid: {problem}.") from problem
