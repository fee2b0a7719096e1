"""The stick: changes or items as one signed, encrypted file, for centres without a network (pure).

    "EXAMBOX-STICK/1" line end | u32 length, header (canonical JSON) | u32 length, HPKE ciphertext | Ed25519 signature (64)

Numbers are big-endian. The ciphertext (X25519, HKDF-SHA256, AES-256-GCM) is bound to the header, the signature is the
sender's over all before it, and is checked before anything is decrypted. What is inside has keys of its own, so that
reading a file twice, or in any order, does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from appliance.errors import BadInputError
from appliance.exchange.centre.changes import Change
from appliance.exchange.centre.items import Item
from appliance.exchange.centre.kinds import Count, Hex32, Micros, Party

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

MAX_FILE: Final = 64 * 1024 * 1024
SUFFIX: Final = ".exambox-stick"
BundleKind = Literal["changes", "items"]


class BundleError(BadInputError):
    """A file is no bundle for us.

    ``reason`` is a stable word: ``too_large``, ``not_a_bundle``, ``version``, ``cut`` (ends early), ``trailing`` (goes on
    after its end), ``header``, ``recipient`` (for somebody else), ``sender`` (not known here), ``signature``,
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
        content: changes or items, as ``kind`` says.
        private: the sender's signing key.
        sender: a box's id, or ``hub:<id>``.
        recipient: likewise.
        recipient_public: the recipient's raw X25519 key.
        created_us: UTC.
        random: 16 bytes that name the file.

    Raises:
        BundleError: it would be larger than `MAX_FILE` (``too_large``).
        ValueError: the key is no X25519 key.
    """
    raise NotImplementedError


def read_header(data: bytes) -> BundleHeader:
    """Return the header of a file, unverified, to tell a person what it claims to be.

    Raises:
        BundleError: it is none.
    """
    raise NotImplementedError


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
    raise NotImplementedError
