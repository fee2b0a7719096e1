"""The room's review key: every generation of it, plain on a trial box, else under a passphrase.

Rotation adds a generation: parts from then on are wrapped to the new one only, the old private keys stay,
so that older parts can be read. One passphrase protects all: scrypt (RFC 7914) gives the key for
AES-256-GCM; its parameters stand in the file, so that they can grow without a change of format.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appliance.errors import BadInputError, LockedError, MissingKeyError
from appliance.vault import crypto, key_files
from appliance.vault.recipients import Hex16, HexKey, Recipient, check_one_suite, load_recipients, make_recipient
from appliance.vault.recipients import replace_review as _replace_review

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock

FILE = "review.key"
FORMAT: Final = "exambox-review-key-1"
MIN_PASSPHRASE = 12
MAX_PASSPHRASE = 1024
MAX_GENERATIONS = 1000
_NONCE_BYTES = 12
_SALT_BYTES = 16


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one guess of the passphrase costs; the bounds keep a doctored file from eating the box's memory."""

    n: Annotated[int, msgspec.Meta(ge=2, le=2**20)]
    r: Annotated[int, msgspec.Meta(ge=1, le=8)]
    p: Annotated[int, msgspec.Meta(ge=1, le=16)]


DEFAULT_COST = Cost(2**17, 8, 1)
"""128 MiB and about half a second on the slowest board."""


class _Protection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cost: Cost
    salt: HexKey
    kdf: Literal["scrypt"] = "scrypt"
    aead: Literal["AES-256-GCM"] = "AES-256-GCM"


class _Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``private`` is hex: raw without protection, else nonce (12 bytes) || AES-256-GCM ciphertext and tag."""

    key_id: Hex16
    suite: crypto.Suite
    public: HexKey
    created_us: int
    private: HexKey


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["exambox-review-key-1"]
    protection: _Protection | None
    generations: Annotated[list[_Generation], msgspec.Meta(min_length=1, max_length=MAX_GENERATIONS)]


@dataclass(frozen=True, slots=True)
class GenerationFacts:
    """One generation as anybody may know it; ``created_us`` is wall time."""

    key_id: str
    suite: crypto.Suite
    created_us: int


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """What may be known without the passphrase. ``generations`` from the oldest to the newest."""

    generations: tuple[GenerationFacts, ...]
    protected: bool

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The generations' names, oldest first."""
        return tuple(one.key_id for one in self.generations)


class ReviewKeys:
    """The opened private keys of all generations. `wipe` overwrites them as well as Python allows."""

    def __init__(self, keys: dict[str, tuple[crypto.Suite, bytearray]]) -> None:
        self._keys = keys

    def __repr__(self) -> str:
        """Return a form that may stand in logs."""
        return f"ReviewKeys({', '.join(self._keys)})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The generations' names, oldest first."""
        return tuple(self._keys)

    def private_for(self, key_id: str) -> tuple[crypto.Suite, bytes]:
        """Return suite and raw private key of a generation.

        Raises:
            MissingKeyError: this box never had it, or does not have it any more.
        """
        found = self._keys.get(key_id)
        if found is None:
            raise unknown_key(key_id)
        return found[0], bytes(found[1])

    def wipe(self) -> None:
        """Overwrite and forget all private keys."""
        for _, private in self._keys.values():
            private[:] = bytes(len(private))
        self._keys = {}


def unknown_key(key_id: str) -> MissingKeyError:
    """Return the error that says that this box has no such review key."""
    return MissingKeyError(
        f"This box's review key does not include {key_id[:40]}.",
        hint="The recording was made by another box, or under a review key that is lost here; "
        "an auditor's or the escrow key may open it.",
    )


def create_review_key(
    keys_dir: Path, *, suite: crypto.Suite, passphrase: str | None, clock: Clock, cost: Cost | None = None
) -> str:
    """Write the first generation and return its key id; the caller holds the folder's lock.

    Raises:
        BadInputError: the passphrase is too short or too long.
        FileExistsError: there is a review key.
    """
    protection, secret = _new_protection(passphrase, cost)
    first = _new_generation(suite, secret, clock)
    key_files.write_new(keys_dir / FILE, _encode(_File(FORMAT, protection, [first])), key_files.REVIEW)
    return first.key_id


def load_review_key(keys_dir: Path, passphrase: str | None) -> ReviewKeys:
    """Open all generations. A plain key (trial box) needs no passphrase and ignores one.

    Raises:
        MissingKeyError: the file is missing, not readable for this user, or damaged.
        LockedError: the passphrase is wrong, or needed and not given.
    """
    content = _read(keys_dir)
    secret = _secret(content.protection, passphrase)
    keys: dict[str, tuple[crypto.Suite, bytearray]] = {}
    for generation in content.generations:
        private = _open(generation, secret)
        if crypto.public_of(generation.suite, private).hex() != generation.public:
            raise MissingKeyError(f"Review key {generation.key_id} is damaged.", hint="Restore it from a backup.")
        keys[generation.key_id] = (generation.suite, bytearray(private))
    return ReviewKeys(keys)


def review_facts(keys_dir: Path) -> ReviewFacts:
    """Return which generations there are and whether a passphrase protects them.

    Raises:
        MissingKeyError: the file is missing, not readable for this user, or damaged.
    """
    content = _read(keys_dir)
    facts = tuple(GenerationFacts(one.key_id, one.suite, one.created_us) for one in content.generations)
    return ReviewFacts(facts, content.protection is not None)


def review_recipient(keys_dir: Path, label: str) -> Recipient:
    """Return the newest generation as a recipient."""
    newest = _read(keys_dir).generations[-1]
    return make_recipient(suite=newest.suite, public=bytes.fromhex(newest.public), label=label, role="review")


def rotate_review(
    keys_dir: Path, *, suite: crypto.Suite, passphrase: str | None, label: str, clock: Clock
) -> Recipient:
    """Add a generation and make it the one that new parts are wrapped to; return it.

    The private key is on the disk before the signed list names it, so that a power cut between the two loses nothing.

    Raises:
        LockedError: the passphrase is wrong, or needed and not given.
        MissingKeyError: a key file is missing, not readable, or damaged.
        BadInputError: the other recipients use another suite.
    """
    with key_files.locked(keys_dir):
        content = _read(keys_dir)
        secret = _secret(content.protection, passphrase)
        _open(content.generations[-1], secret)  # a wrong passphrase must not seal the new generation
        fresh = _new_generation(suite, secret, clock)
        review = make_recipient(suite=suite, public=bytes.fromhex(fresh.public), label=label, role="review")
        others = tuple(one for one in load_recipients(keys_dir).recipients if one.role != "review")
        check_one_suite((review, *others))
        grown = _File(FORMAT, content.protection, [*content.generations, fresh])
        key_files.replace(keys_dir / FILE, _encode(grown), key_files.REVIEW)
        _replace_review(keys_dir, review, clock=clock)
    return review


def change_passphrase(keys_dir: Path, *, old: str | None, new: str | None, cost: Cost | None = None) -> None:
    """Protect all generations with another passphrase, or with none.

    Raises:
        LockedError: the old passphrase is wrong, or needed and not given.
        BadInputError: the new one is too short or too long.
    """
    with key_files.locked(keys_dir):
        content = _read(keys_dir)
        before = _secret(content.protection, old)
        opened = [(one, _open(one, before)) for one in content.generations]
        protection, secret = _new_protection(new, cost)
        sealed = [msgspec.structs.replace(one, private=_seal(one.key_id, raw, secret)) for one, raw in opened]
        key_files.replace(keys_dir / FILE, _encode(_File(FORMAT, protection, sealed)), key_files.REVIEW)


def check_passphrase(passphrase: str) -> str:
    """Return a new passphrase in the one form (Unicode NFC) that every keyboard gives.

    Raises:
        BadInputError: shorter than 12 characters or longer than 1024.
    """
    text = unicodedata.normalize("NFC", passphrase)
    if not MIN_PASSPHRASE <= len(text) <= MAX_PASSPHRASE:
        raise BadInputError(
            f"passphrase: must have {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters.",
            hint="Four or five random words are easy to type and hard to guess.",
        )
    return text


def _new_protection(passphrase: str | None, cost: Cost | None) -> tuple[_Protection | None, bytes | None]:
    if passphrase is None:
        return None, None
    protection = _Protection(cost or DEFAULT_COST, os.urandom(_SALT_BYTES).hex())
    return protection, _stretch(protection, check_passphrase(passphrase))


def _secret(protection: _Protection | None, passphrase: str | None) -> bytes | None:
    if protection is None:
        return None
    if not passphrase:
        raise LockedError("The review key is protected by a passphrase.", hint="Unlock it: `exambox keys unlock`.")
    return _stretch(protection, unicodedata.normalize("NFC", passphrase[:MAX_PASSPHRASE]))


def _stretch(protection: _Protection, passphrase: str) -> bytes:
    cost = protection.cost
    try:
        kdf = Scrypt(salt=bytes.fromhex(protection.salt), length=32, n=cost.n, r=cost.r, p=cost.p)
        return kdf.derive(passphrase.encode("utf-8", "surrogatepass"))
    except ValueError as problem:
        raise MissingKeyError("The review key's file is damaged.", hint="Restore it from a backup.") from problem
    except MemoryError as problem:
        raise LockedError("There is not enough free memory to check the passphrase.") from problem


def _new_generation(suite: crypto.Suite, secret: bytes | None, clock: Clock) -> _Generation:
    private = crypto.generate_private(suite)
    public = crypto.public_of(suite, private)
    name = crypto.key_id(suite, public)
    return _Generation(name, suite, public.hex(), clock.wall_us(), _seal(name, private, secret))


def _seal(key_id: str, private: bytes, secret: bytes | None) -> str:
    if secret is None:
        return private.hex()
    nonce = os.urandom(_NONCE_BYTES)
    return (nonce + AESGCM(secret).encrypt(nonce, private, _associated(key_id))).hex()


def _open(generation: _Generation, secret: bytes | None) -> bytes:
    raw = bytes.fromhex(generation.private)
    if secret is None:
        return raw
    try:
        return AESGCM(secret).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _associated(generation.key_id))
    except (InvalidTag, ValueError) as problem:
        raise LockedError("The passphrase is wrong.", hint="Nothing was changed. Try again.") from problem


def _associated(key_id: str) -> bytes:
    return b"exambox/1 review key\n" + key_id.encode()


def _read(keys_dir: Path) -> _File:
    raw = key_files.read(keys_dir / FILE, "review key")
    try:
        return msgspec.json.decode(raw, type=_File)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise MissingKeyError("The review key's file is damaged.", hint="Restore it from a backup.") from problem


def _encode(content: _File) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
