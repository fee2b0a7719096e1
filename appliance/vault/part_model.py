"""What a part's writer is given and what it gives back: plain values, without a database."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from appliance.errors import VaultError
from appliance.vault.format import (
    CHECKPOINT_FORMAT,
    FORMAT,
    check_name,
    checkpoint_message,
    encode_body,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appliance.vault.crypto import Aead, Suite

WriteFailure = Literal["disk_full", "read_only", "io", "other"]


class PartWriteError(VaultError):
    """A part file refused to be written. What was acknowledged before stays; the writer must be dropped.

    Attributes:
        reason: ``disk_full``, ``read_only``, ``io`` (the device or its file system failed) or ``other``.
    """

    code = "vault.write_failed"
    status = 507

    def __init__(self, message: str, *, reason: WriteFailure, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason: WriteFailure = reason


class Signer(Protocol):
    """The device key, as far as writing needs it."""

    @property
    def public(self) -> bytes:
        """The raw Ed25519 public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the raw Ed25519 signature."""
        ...


class WrapTarget(Protocol):
    """A recipient, as far as writing needs it."""

    @property
    def key_id(self) -> str:
        """The 16 hex digits that name the public key."""
        ...

    @property
    def label(self) -> str:
        """What people call the recipient."""
        ...

    @property
    def suite(self) -> Suite:
        """The HPKE suite of the key."""
        ...

    @property
    def public(self) -> bytes:
        """The raw public key."""
        ...


@dataclass(frozen=True, slots=True)
class WriterKeys:
    """Who writes, and for whom."""

    box: str
    device: Signer
    recipients: Sequence[WrapTarget]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Both clocks read together in one boot; ``trusted``: whether the wall clock was known to be synchronised."""

    wall_us: int
    mono_us: int
    boot_id: str
    trusted: bool

    def wall_of(self, mono_us: int) -> int:
        """Return the wall time of a moment of this boot."""
        return self.wall_us + (mono_us - self.mono_us)

    def mono_of(self, wall_us: int) -> int:
        """Return the moment on this boot's clock, extrapolated beyond the boot, of a wall time."""
        return self.mono_us + (wall_us - self.wall_us)


@dataclass(frozen=True, slots=True)
class PreviousPart:
    """How a part names the one before it: its id, and its last chain value as far as it was acknowledged."""

    part_id: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class PartOpening:
    """What is known when a part begins.

    ``opened`` says why: ``start``, ``rollover``, ``stream_changed``, ``clock_step``, ``restart`` or ``error``.
    ``masks_sha256`` is the hex hash of the mask polygons' canonical JSON. Times of the part count from ``anchor``.
    """

    sitting: str
    camera: str
    part: int
    opened: str
    previous: PreviousPart | None
    masked: bool
    audio: bool
    masks_sha256: str | None
    anchor: Anchor
    aead: Aead


@dataclass(frozen=True, slots=True)
class CheckpointFact:
    """A checkpoint that is committed: what the log and the central service keep as a witness."""

    part_id: bytes
    n: int
    seq: int
    chain: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ClosedPart:
    """A part that is complete. ``ended_mono_us`` is where its pictures and gaps end."""

    part_id: bytes
    chain: bytes
    checkpoint_sha256: bytes
    ended_mono_us: int


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint ready to be stored."""

    body: bytes
    signature: bytes
    fact: CheckpointFact


def sign_checkpoint(
    device: Signer,
    *,
    part_id: bytes,
    seq: int,
    chain: bytes,
    now: Anchor,
    reason: str,
    after: CheckpointFact | None,
) -> SignedCheckpoint:
    """Return the checkpoint that follows ``after`` (None: the first). Format: docs/vault-format.md, section 7.

    ``closed`` and ``recovered`` make it the final one.
    """
    n = after.n + 1 if after else 0
    body = encode_body(
        {
            "format": CHECKPOINT_FORMAT,
            "part_id": part_id.hex(),
            "n": n,
            "seq": seq,
            "chain": chain.hex(),
            "wall_us": now.wall_us,
            "mono_us": now.mono_us,
            "trusted": now.trusted,
            "final": reason in {"closed", "recovered"},
            "reason": reason,
            "previous": after.sha256.hex() if after else None,
        }
    )
    fact = CheckpointFact(part_id, n, seq, chain, sha256(body))
    return SignedCheckpoint(body, device.sign(checkpoint_message(body)), fact)


def build_manifest(
    opening: PartOpening,
    keys: WriterKeys,
    *,
    part_id: bytes,
    commitment: bytes,
    wrapped: Mapping[str, bytes],
    software: str,
) -> bytes:
    """Return the manifest's body (section 3). ``wrapped`` maps each recipient's key id to the wrapped part key.

    Raises:
        BadInputError: a name is not usable in paths and bindings.
        VaultError: there is no recipient, or their suites differ.
    """
    previous = opening.previous
    labels = {recipient.key_id: recipient.label for recipient in keys.recipients}
    body: dict[str, Any] = {
        "format": FORMAT,
        "part_id": part_id.hex(),
        "box": check_name(keys.box, "Box"),
        "sitting": check_name(opening.sitting, "Sitting"),
        "camera": check_name(opening.camera, "Camera"),
        "part": opening.part,
        "aead": opening.aead,
        "suite": common_suite(keys.recipients),
        "commitment": commitment.hex(),
        "device_key": keys.device.public.hex(),
        "recipients": [
            {"key_id": key_id, "label": labels[key_id], "sha256": sha256(blob).hex()}
            for key_id, blob in sorted(wrapped.items())
        ],
        "anchor": asdict(opening.anchor),
        "previous": {"part_id": previous.part_id.hex(), "chain": previous.chain.hex()} if previous else None,
        "opened": opening.opened,
        "masked": opening.masked,
        "audio": opening.audio,
        "masks_sha256": opening.masks_sha256,
        "software": software,
    }
    return encode_body(body)


def common_suite(recipients: Sequence[WrapTarget]) -> Suite:
    """Return the one suite all recipients use; a part has one.

    Raises:
        VaultError: there is no recipient, or their suites differ.
    """
    suites = {recipient.suite for recipient in recipients}
    if len(suites) == 1:
        return next(iter(suites))
    if not suites:
        raise VaultError(
            "There is nobody to seal the recording to: the recipients list is empty.",
            hint="Run `exambox keys init`, or add a recipient with `exambox keys recipients add`.",
        )
    raise VaultError(
        "The recipients' keys are of different kinds: " + ", ".join(sorted(suites)) + ".",
        hint="Keep keys of one kind in the recipients list: see `exambox keys recipients`.",
    )
