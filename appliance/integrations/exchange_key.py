"""Seals the secrets that an LMS and the box share, with a key file that web and sync alone read."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import ApplianceError, UnavailableError
from appliance.vault import key_files

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings

FILE: Final = key_files.EXCHANGE_FILE
KEY_BYTES: Final = key_files.EXCHANGE_KEY_BYTES
_NONCE_BYTES: Final = 12
_Stamp: TypeAlias = tuple[int, int, int, int, int]
"""Device, inode, size, and times of a file: what another file has not the same of."""


class ExchangeKeyError(ApplianceError):
    """A sealed secret cannot be opened: the key file is another one than when it was sealed."""

    code = "integration.key"
    status = 503


class ExchangeKey:
    """AES-256-GCM under ``keys/exchange.key``; each secret is bound to its integration.

    The file is looked at at each use, and read again when it is another.

    Args:
        path: of the key file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[_Stamp, AESGCM] | None = None

    def seal(self, integration: str, secret: str) -> bytes:
        """Return the sealed secret: 12 bytes of nonce, then ciphertext and tag. The key file is made if need be.

        Raises:
            UnavailableError: the key file can be neither read nor made.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(make=True).encrypt(nonce, secret.encode("ascii"), _bound_to(integration))

    def open(self, integration: str, sealed: bytes) -> str:
        """Return the secret.

        Raises:
            ExchangeKeyError: it was sealed with another key or for another integration.
            UnavailableError: the key file cannot be read.
        """
        try:
            key = self._cipher(make=False)
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(integration)).decode("ascii")
        except InvalidTag as problem:
            raise ExchangeKeyError(
                "The secret of this integration cannot be opened: the box's key file (exchange.key) has changed.",
                hint="Bring exchange.key back from a copy, or rotate the secret and enter the new one in the LMS.",
            ) from problem

    def _cipher(self, *, make: bool) -> AESGCM:
        try:
            if make and not self._path.exists():
                self._make()
            status = self._path.stat()
            stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            read = self._read
            if read is not None and read[0] == stamp:
                return read[1]
            key = self._path.read_bytes()
        except OSError as problem:
            raise UnavailableError(
                f"The key file of integrations (exchange.key) cannot be used: {problem.strerror}.",
                hint="Run `exambox keys init` as root: it makes what is missing and sets who may read it.",
            ) from problem
        if len(key) != KEY_BYTES:
            raise UnavailableError(
                "The key file of integrations (exchange.key) is damaged.",
                hint="Bring it back from a copy; or remove it, run `exambox keys init` and rotate every secret.",
            )
        cipher = AESGCM(key)
        self._read = stamp, cipher
        return cipher

    def _make(self) -> None:
        try:
            key_files.make_keys_dir(self._path.parent)
            key_files.write_new(self._path, secrets.token_bytes(KEY_BYTES), key_files.EXCHANGE)
        except FileExistsError:
            pass  # somebody else was first: theirs counts
        except ApplianceError as problem:
            raise UnavailableError(
                "This box has no key file of integrations (exchange.key), and this process may not make one.",
                hint="Run `exambox keys init` as root.",
            ) from problem


def exchange_key(settings: Settings) -> ExchangeKey:
    """Return the box's key for the secrets of integrations."""
    return ExchangeKey(settings.keys_dir / FILE)


def _bound_to(integration: str) -> bytes:
    return f"exambox secret of integration {integration}".encode()
