"""The keys a box speaks to its central service with: files beside its others (``docs/operator/keys.md``).

``centre.key`` is Ed25519 and signs requests and sticks, ``centre-seal.key`` is X25519 and opens what is sealed to the
box; each raw, 32 bytes, for the group that may speak for the box (web and sync).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.errors import MissingKeyError
from appliance.exchange.centre.canonical import sha256_text
from appliance.vault import key_files

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class CentreKeys:
    """The box's two key pairs towards its central service; ``public`` and ``seal_public`` are raw, 32 bytes."""

    public: bytes
    seal_public: bytes
    sign_private: Ed25519PrivateKey = field(repr=False)
    seal_private: X25519PrivateKey = field(repr=False)

    @property
    def print(self) -> str:
        """A print of both public keys, by which another pair of files is noticed."""
        return sha256_text(self.public + self.seal_public)


def load_centre_keys(keys_dir: Path) -> CentreKeys:
    """Read the keys.

    Raises:
        MissingKeyError: one is missing, damaged, or not readable for this user.
    """
    sign = key_files.read(keys_dir / key_files.CENTRE_FILE, "key towards the central service")
    seal = key_files.read(keys_dir / key_files.CENTRE_SEAL_FILE, "key for sticks of the central service")
    if {len(sign), len(seal)} != {_KEY_BYTES}:
        raise MissingKeyError(
            "A key towards the central service is damaged: it has not 32 bytes.",
            hint="Remove both files centre*.key, run `exambox keys init`, and enrol the box anew.",
        )
    private, opens = Ed25519PrivateKey.from_private_bytes(sign), X25519PrivateKey.from_private_bytes(seal)
    public, seal_public = private.public_key().public_bytes_raw(), opens.public_key().public_bytes_raw()
    return CentreKeys(public, seal_public, private, opens)


def make_centre_keys(keys_dir: Path) -> CentreKeys:
    """Return the keys, made where they are missing; `exambox keys init` makes them as well.

    Raises:
        MissingKeyError: they are missing, and this user may not make them.
        VaultError: they cannot be written.
    """
    paths = [keys_dir / name for name in (key_files.CENTRE_FILE, key_files.CENTRE_SEAL_FILE)]
    if not all(key_files.exists(path) for path in paths):
        key_files.make_keys_dir(keys_dir)
        with key_files.locked(keys_dir):
            key_files.make_centre_files(keys_dir)
    return load_centre_keys(keys_dir)
