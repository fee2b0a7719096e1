"""Which box this is, and the Ed25519 key it signs with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import BadInputError, MissingKeyError
from appliance.vault import key_files
from appliance.vault.format import check_name, sha256

if TYPE_CHECKING:
    from pathlib import Path

BOX_FILE = "box.json"
PRIVATE_FILE = "device.key"
PUBLIC_FILE = "device.pub"
KEY_BYTES = 32


class _Identity(msgspec.Struct, frozen=True):
    box: str


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """The box's signing key; ``public`` is raw, 32 bytes."""

    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_private(cls, raw: bytes) -> DeviceKey:
        """Return the key of 32 raw private bytes.

        Raises:
            MissingKeyError: they are no Ed25519 private key.
        """
        try:
            private = Ed25519PrivateKey.from_private_bytes(raw)
        except ValueError as problem:
            raise MissingKeyError(
                "The device key is damaged: it has not 32 bytes.", hint="Restore the key files from a backup."
            ) from problem
        return cls(private.public_key().public_bytes_raw(), private)

    @classmethod
    def generate(cls) -> DeviceKey:
        """Return a fresh key."""
        return cls.from_private(Ed25519PrivateKey.generate().private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of ``message``."""
        return self._private.sign(message)

    def private_bytes(self) -> bytes:
        """Return the 32 raw private bytes, for writing the key file."""
        return self._private.private_bytes_raw()


def load_device_key(keys_dir: Path) -> DeviceKey:
    """Read the signing key; only capture, keyring and root can.

    Raises:
        MissingKeyError: missing, not readable for this user, or damaged.
    """
    return DeviceKey.from_private(key_files.read(keys_dir / PRIVATE_FILE, "device key"))


def load_device_public(keys_dir: Path) -> bytes:
    """Read the raw public key, which everybody on the box may.

    Raises:
        MissingKeyError: missing, not readable, or not 32 bytes.
    """
    raw = key_files.read(keys_dir / PUBLIC_FILE, "device's public key")
    if len(raw) != KEY_BYTES:
        raise MissingKeyError("The device's public key is damaged: it has not 32 bytes.")
    return raw


def load_box_id(keys_dir: Path) -> str:
    """Return the box's name in bindings and signatures.

    Raises:
        MissingKeyError: missing, or not readable.
    """
    raw = key_files.read(keys_dir / BOX_FILE, "box's identity")
    try:
        return check_name(msgspec.json.decode(raw, type=_Identity).box, "box")
    except (msgspec.DecodeError, UnicodeDecodeError, BadInputError) as problem:
        raise MissingKeyError(
            f"The box's identity ({keys_dir / BOX_FILE}) is damaged.", hint="Restore the key files from a backup."
        ) from problem


def fingerprint(public: bytes) -> str:
    """Return SHA-256 of a public key as people compare it: groups of four hex digits, the first 128 bits."""
    digits = sha256(public).hex()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
