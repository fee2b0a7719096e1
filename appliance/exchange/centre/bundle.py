"""The stick: changes or items as one signed, encrypted file, for centres without a network (pure).

    "EXAMBOX-STICK/1" line end | u32 length, header (JSON) | u32 length, HPKE ciphertext | Ed25519 signature (64 bytes)

Numbers are big-endian. The ciphertext (X25519, HKDF-SHA256, AES-256-GCM) is bound to the header, the signature is the
sender's over all before it, and is checked before anything is decrypted. What is inside has keys of its own, so that
reading a file twice, or in any order, does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from msgspec import Meta, Struct

from appliance.errors import BadInputError
from appliance.exchange.centre.changes import Change
from appliance.exchange.centre.items import Item
from appliance.exchange.centre.kinds import Count, Hex32, Micros, Party
from appliance.exchange.centre.messages import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

MAX_FILE: Final = 64 * 1024 * 1024
SUFFIX: Final = ".exambox-stick"
BundleKind: TypeAlias = Literal["changes", "items"]
MAX_MESSAGES: Final = 200_000
_MAGIC: Final = b"EXAMBOX-STICK/1\n"
_FAMILY: Final = b"EXAMBOX-STICK/"
_SIGNED: Final = b"exambox/1 bundle\n"
"""What is signed, and what the ciphertext is bound to, begins with it."""
_LENGTH_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_NUMBER_BYTES: Final = 16
_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class BundleError(BadInputError):
    """A file is no bundle for us.

    ``reason`` is a stable word: ``too_large``, ``not_a_bundle``, ``version``, ``cut`` (ends early), ``trailing`` (goes
    on after its end), ``header``, ``recipient`` (for somebody else), ``sender`` (not known here), ``signature``,
    ``sealed`` (not sealed to our key), ``content``.
    """

    code = "centre.bundle"
    status = 422

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class BundleHeader(Struct, frozen=True, kw_only=True):
    """What can be read without a key.

    Attributes:
        number: 16 random bytes, hexadecimal, that name the file.
        sender: who signed it.
        recipient: for whom it is.
        created_us: when, by the sender's clock.
        count: of messages in it.
    """

    kind: BundleKind
    number: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
    sender: Party
    recipient: Party
    recipient_public: Hex32
    created_us: Micros
    count: Count


class _Content(Struct, frozen=True, kw_only=True):
    """What is sealed."""

    changes: Annotated[tuple[Change, ...], Meta(max_length=MAX_MESSAGES)] = ()
    items: Annotated[tuple[Item, ...], Meta(max_length=MAX_MESSAGES)] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """A file taken apart, nothing of it verified."""

    header: BundleHeader
    header_bytes: bytes
    sealed: bytes
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file that its sender signed for us; of ``changes`` and ``items`` one is filled. Their own checks come next."""

    header: BundleHeader
    changes: tuple[Change, ...] = ()
    items: tuple[Item, ...] = ()


def seal_bundle(
    content: Sequence[Change] | Sequence[Item],
    *,
    kind: BundleKind,
    private: Ed25519PrivateKey,
    sender: str,
    recipient: str,
    recipient_public: bytes,
    created_us: int,
    random: bytes,
) -> bytes:
    """Return the file.

    Args:
        content: changes or items.
        kind: which of the two.
        private: the sender's signing key.
        sender: a box's id, or ``hub:<id>``.
        recipient: likewise.
        recipient_public: the recipient's raw X25519 key.
        created_us: UTC.
        random: 16 bytes that name the file.

    Raises:
        BundleError: it would be larger than `MAX_FILE` (``too_large``).
        ValueError: the key is no X25519 key, or there are fewer random bytes.
    """
    if len(random) < _NUMBER_BYTES:
        raise ValueError(f"a file's name needs {_NUMBER_BYTES} random bytes")
    if len(content) > MAX_MESSAGES:
        raise _too_large()
    header = write_message(
        BundleHeader(
            kind=kind,
            number=random[:_NUMBER_BYTES].hex(),
            sender=sender,
            recipient=recipient,
            recipient_public=recipient_public.hex(),
            created_us=created_us,
            count=len(content),
        )
    )
    plain = msgspec.json.encode({kind: content})
    sealed = _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(recipient_public), info=_SIGNED + header)
    data = _MAGIC + _sized(header) + _sized(sealed)
    if len(data) + _SIGNATURE_BYTES > MAX_FILE:
        raise _too_large()
    return data + private.sign(_SIGNED + data)


def read_header(data: bytes) -> BundleHeader:
    """Return the header of a file, unverified, to tell a person what it claims to be.

    Raises:
        BundleError: it is none.
    """
    return _taken_apart(data).header


def open_bundle(data: bytes, *, me: str, private: X25519PrivateKey, signers: Mapping[str, bytes]) -> Bundle:
    """Return what a file holds.

    Args:
        data: the file.
        me: our id, as a box or ``hub:<id>``.
        private: our X25519 key.
        signers: raw Ed25519 public keys by sender.

    Raises:
        BundleError: says what is wrong with it; nothing of it is to be used.
    """
    parts = _taken_apart(data)
    header = parts.header
    if header.recipient != me:
        raise BundleError(
            f"The file is for {header.recipient}, not for {me}.", reason="recipient", hint="Take it to whom it is for."
        )
    _check_signature(parts, signers.get(header.sender))
    return _bundle_of(header, _unsealed(parts, private))


def _check_signature(parts: _Parts, signer: bytes | None) -> None:
    sender = parts.header.sender
    if signer is None:
        raise BundleError(
            f"The file is from {sender}, whose key is not known here.",
            reason="sender",
            hint="Only files of the box's own central service are taken: enrol first.",
        )
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(parts.signature, _SIGNED + parts.signed)
    except InvalidSignature as problem:
        raise BundleError(
            f"The file is not what {sender} signed.",
            reason="signature",
            hint="It was damaged or changed on the way: write it anew.",
        ) from problem


def _unsealed(parts: _Parts, private: X25519PrivateKey) -> bytes:
    try:
        return _SUITE.decrypt(parts.sealed, private, info=_SIGNED + parts.header_bytes)
    except (InvalidTag, ValueError) as problem:
        raise BundleError(
            "The file is not sealed to this one's present key.",
            reason="sealed",
            hint="If the box was enrolled anew since, have the file written anew.",
        ) from problem


def _bundle_of(header: BundleHeader, plain: bytes) -> Bundle:
    try:
        content = msgspec.json.decode(plain, type=_Content)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as problem:
        raise _bad_content(str(problem)) from problem
    filled, other = (content.changes, content.items) if header.kind == "changes" else (content.items, content.changes)
    if other or len(filled) != header.count:
        raise _bad_content("it does not hold what its header says")
    return Bundle(header, content.changes, content.items)


def _taken_apart(data: bytes) -> _Parts:
    if len(data) > MAX_FILE:
        raise _too_large()
    if not data.startswith(_MAGIC):
        raise _foreign(data)
    header_bytes, after_header = _take(data, len(_MAGIC))
    sealed, end = _take(data, after_header)
    signature = data[end:]
    if len(signature) < _SIGNATURE_BYTES:
        raise _cut()
    if len(signature) > _SIGNATURE_BYTES:
        raise BundleError("The file goes on after its end.", reason="trailing", hint="Write it anew.")
    try:
        header = read_message(BundleHeader, header_bytes)
    except BadInputError as problem:
        raise BundleError(f"The file's header is wrong: {problem.message}", reason="header") from problem
    return _Parts(header, header_bytes, sealed, data[:end], signature)


def _take(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the piece that begins with its length, and where the next one begins."""
    start = at + _LENGTH_BYTES
    end = start + int.from_bytes(data[at:start])
    if len(data) < start or len(data) < end:
        raise _cut()
    return data[start:end], end


def _sized(piece: bytes) -> bytes:
    return len(piece).to_bytes(_LENGTH_BYTES) + piece


def _foreign(data: bytes) -> BundleError:
    if _MAGIC.startswith(data):
        return _cut()
    if data.startswith(_FAMILY):
        return BundleError(
            "The file is of another version.", reason="version", hint="Bring both sides to the same version of exambox."
        )
    return BundleError("This is no file of a stick.", reason="not_a_bundle", hint=f"Its name ends in {SUFFIX}.")


def _cut() -> BundleError:
    return BundleError(
        "The file ends early.", reason="cut", hint="Copy it again, and eject the stick before you pull it."
    )


def _too_large() -> BundleError:
    return BundleError(
        f"The file would be larger than {MAX_FILE // 1024**2} MiB, or hold more than {MAX_MESSAGES} messages.",
        reason="too_large",
        hint="Divide it into several.",
    )


def _bad_content(why: str) -> BundleError:
    return BundleError(f"What the file holds cannot be read: {why}.", reason="content")
