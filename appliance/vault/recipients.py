"""To whom part keys are wrapped: a list signed by the box (``docs/vault-format.md``, section 8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.errors import BadInputError, ConflictError, IntegrityError, MissingKeyError, NotFoundError
from appliance.vault import crypto, key_files
from appliance.vault.device_key import DeviceKey, load_box_id, load_device_key, load_device_public
from appliance.vault.format import encode_body, recipients_message, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock

FORMAT = "exambox-recipients-1"
FILE = "recipients.json"
MAX_RECIPIENTS = 16
_DAMAGED_HINT = "Nothing is recorded for a list this box did not sign. Restore recipients.json from a backup."

Role = Literal["review", "auditor", "escrow"]
Hex16 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
HexKey = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+$", max_length=4096)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class _RecipientRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key_id: Hex16
    label: Label
    role: Role
    suite: crypto.Suite
    public: HexKey


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["exambox-recipients-1"]
    box: Annotated[str, msgspec.Meta(max_length=60)]
    version: Annotated[int, msgspec.Meta(ge=1)]
    wall_us: int
    previous: Hex64 | None
    recipients: Annotated[list[_RecipientRow], msgspec.Meta(min_length=1, max_length=MAX_RECIPIENTS)]


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: str
    signature: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}$")]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who can open what is recorded from now on; ``public`` is raw."""

    key_id: str
    label: str
    role: Role
    suite: crypto.Suite
    public: bytes


@dataclass(frozen=True, slots=True)
class RecipientsList:
    """A list this box signed; ``body`` is the exact text that was signed."""

    box: str
    version: int
    wall_us: int
    recipients: tuple[Recipient, ...]
    body: bytes

    @property
    def review(self) -> Recipient:
        """The room's own review key, of which every list has exactly one."""
        return next(recipient for recipient in self.recipients if recipient.role == "review")


def make_recipient(*, suite: crypto.Suite, public: bytes, label: str, role: Role) -> Recipient:
    """Check a public key by sealing a probe to it, and return the recipient.

    Raises:
        BadInputError: the label is not usable, or the bytes are no key that can be sealed to.
    """
    label = " ".join(label.split())
    if not 1 <= len(label) <= 80 or not label.isprintable():  # noqa: PLR2004  as `Label`
        raise BadInputError("label: give a name of 1 to 80 characters.")
    try:
        crypto.wrap(suite, public, b"exambox/1 probe", bytes(crypto.PART_KEY_BYTES))
    except (MissingKeyError, ValueError) as problem:
        # ValueError: a point of low order, to which everybody could "open" the sealed key.
        raise BadInputError(
            f"public: this is no usable {suite} public key.", hint="Use the file `exambox keys recipients new` wrote."
        ) from problem
    return Recipient(crypto.key_id(suite, public), label, role, suite, public)


def parse_recipients(raw: bytes, device_public: bytes, box: str) -> RecipientsList:
    """Read a signed list.

    Args:
        raw: the file's bytes.
        device_public: the box's raw Ed25519 public key.
        box: whose list it must be.

    Raises:
        IntegrityError: not of this form, not signed by this key, for another box, or a key under a false name.
    """
    try:
        signed = msgspec.json.decode(raw, type=_Signed)
        text = signed.body.encode()
        Ed25519PublicKey.from_public_bytes(device_public).verify(
            bytes.fromhex(signed.signature), recipients_message(text)
        )
        body = msgspec.json.decode(text, type=_Body)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise IntegrityError("The recipients list is damaged.", hint=_DAMAGED_HINT) from problem
    except InvalidSignature as problem:
        raise IntegrityError(
            "The recipients list was not signed by this box: somebody altered or replaced it.", hint=_DAMAGED_HINT
        ) from problem
    if body.box != box:
        raise IntegrityError(f"The recipients list belongs to another box ({body.box!r}).", hint=_DAMAGED_HINT)
    recipients = tuple(_recipient(row) for row in body.recipients)
    _check_whole(recipients)
    return RecipientsList(body.box, body.version, body.wall_us, recipients, text)


def load_recipients(keys_dir: Path) -> RecipientsList:
    """Read the box's list.

    Raises:
        MissingKeyError: the file, or the box's public key, is missing or not readable.
        IntegrityError: it is damaged or not signed by this box.
    """
    raw = key_files.read(keys_dir / FILE, "recipients list")
    return parse_recipients(raw, load_device_public(keys_dir), load_box_id(keys_dir))


def create_list(keys_dir: Path, review: Recipient, *, clock: Clock) -> RecipientsList:
    """Write version 1, with the review key alone; the caller holds the folder's lock.

    Raises:
        FileExistsError: there is a list.
    """
    device = load_device_key(keys_dir)
    data = _encode(device, load_box_id(keys_dir), (review,), version=1, previous=None, clock=clock)
    key_files.write_new(keys_dir / FILE, data, key_files.PUBLIC)
    return load_recipients(keys_dir)


def add_recipient(keys_dir: Path, recipient: Recipient, *, clock: Clock) -> RecipientsList:
    """Sign a list with one recipient more; it counts for parts that begin from now on.

    Raises:
        BadInputError: a review key (it comes with `rotate_review`), or of another suite than the others.
        ConflictError: the key is in the list, or the list is full.
    """
    if recipient.role == "review":
        raise BadInputError("role: the box has one review key of its own.", hint="Use the role auditor or escrow.")
    with key_files.locked(keys_dir):
        present = load_recipients(keys_dir)
        if any(other.key_id == recipient.key_id for other in present.recipients):
            raise ConflictError(f"The key {recipient.key_id} is in the list already.")
        if len(present.recipients) == MAX_RECIPIENTS:
            raise ConflictError(f"The list is full: {MAX_RECIPIENTS} recipients.", hint="Remove one first.")
        return _sign_next(keys_dir, present, (*present.recipients, recipient), clock)


def remove_recipient(keys_dir: Path, key_id: str, *, clock: Clock) -> RecipientsList:
    """Sign a list without one recipient. What was recorded before stays readable for its key.

    Raises:
        NotFoundError: no such key in the list.
        ConflictError: it is the review key, without which the box could not play back.
    """
    with key_files.locked(keys_dir):
        present = load_recipients(keys_dir)
        found = [recipient for recipient in present.recipients if recipient.key_id == key_id]
        if not found:
            raise NotFoundError(
                f"There is no recipient {key_id[:40]!r}.", hint="`exambox keys recipients list` shows them."
            )
        if found[0].role == "review":
            raise ConflictError(
                "The review key cannot be removed, only replaced.", hint="`exambox keys rotate` replaces it."
            )
        rest = tuple(recipient for recipient in present.recipients if recipient.key_id != key_id)
        return _sign_next(keys_dir, present, rest, clock)


def replace_review(keys_dir: Path, review: Recipient, *, clock: Clock) -> RecipientsList:
    """Sign a list with another review key in the old one's place; the caller holds the folder's lock."""
    present = load_recipients(keys_dir)
    others = tuple(recipient for recipient in present.recipients if recipient.role != "review")
    return _sign_next(keys_dir, present, (review, *others), clock)


def check_one_suite(recipients: tuple[Recipient, ...]) -> None:
    """Refuse a mixture: a part's manifest names one suite for all its wrapped keys.

    Raises:
        BadInputError: names both suites.
    """
    suites = sorted({recipient.suite for recipient in recipients})
    if len(suites) > 1:
        raise BadInputError(
            f"suite: all recipients must use one suite, not {' and '.join(suites)}.",
            hint="Have the recipient make a new key pair: `exambox keys recipients new NAME --suite …`.",
        )


def _sign_next(
    keys_dir: Path, present: RecipientsList, recipients: tuple[Recipient, ...], clock: Clock
) -> RecipientsList:
    check_one_suite(recipients)
    device = load_device_key(keys_dir)
    data = _encode(
        device, present.box, recipients, version=present.version + 1, previous=sha256(present.body).hex(), clock=clock
    )
    key_files.replace(keys_dir / FILE, data, key_files.PUBLIC)
    return load_recipients(keys_dir)


def _encode(
    device: DeviceKey, box: str, recipients: tuple[Recipient, ...], *, version: int, previous: str | None, clock: Clock
) -> bytes:
    rows = [
        {"key_id": one.key_id, "label": one.label, "role": one.role, "suite": one.suite, "public": one.public.hex()}
        for one in recipients
    ]
    fields = {"format": FORMAT, "box": box, "version": version, "wall_us": clock.wall_us(), "previous": previous}
    body = encode_body({**fields, "recipients": rows})
    signature = device.sign(recipients_message(body)).hex()
    return json.dumps({"body": body.decode(), "signature": signature}, ensure_ascii=False).encode() + b"\n"


def _recipient(row: _RecipientRow) -> Recipient:
    public = bytes.fromhex(row.public)
    if crypto.key_id(row.suite, public) != row.key_id:
        raise IntegrityError(f"The recipients list names a key {row.key_id} that is another.", hint=_DAMAGED_HINT)
    return Recipient(row.key_id, row.label, row.role, row.suite, public)


def _check_whole(recipients: tuple[Recipient, ...]) -> None:
    if len({one.key_id for one in recipients}) != len(recipients):
        raise IntegrityError("The recipients list names a key twice.", hint=_DAMAGED_HINT)
    if [one.role for one in recipients].count("review") != 1:
        raise IntegrityError("The recipients list does not have exactly one review key.", hint=_DAMAGED_HINT)
