"""Seals the secrets of second factors at rest, with a key file that only the web process reads."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import ApplianceError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings

KEY_BYTES = 32
_NONCE_BYTES = 12


class FactorKeyError(ApplianceError):
    """A sealed secret cannot be opened: the key file is another one than when it was sealed."""

    code = "second_factor.key"
    status = 503


class FactorKey:
    """AES-256-GCM under the key file; each secret is bound to its account. The file is read at each use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, account: int, secret: str) -> bytes:
        """Return the sealed secret: 12 bytes of nonce, then ciphertext and tag.

        Raises:
            UnavailableError: the key file can be neither read nor made.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key(make=True)).encrypt(nonce, secret.encode("ascii"), _bound_to(account))

    def open(self, account: int, sealed: bytes) -> str:
        """Return the secret.

        Raises:
            FactorKeyError: it was sealed with another key or for another account, or the key file is gone.
        """
        try:
            key = AESGCM(self._key(make=False))
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(account)).decode("ascii")
        except (InvalidTag, UnavailableError) as problem:
            raise FactorKeyError(
                "The box cannot check codes of this second factor: its key file has changed.",
                hint="Use a recovery code, or let an administrator remove the second factor.",
            ) from problem

    def _key(self, *, make: bool) -> bytes:
        try:
            if make and not self._path.exists():
                self._make()
            key = self._path.read_bytes()
        except OSError as problem:
            raise UnavailableError(
                f"The key file of second factors cannot be used: {problem.strerror}.",
                hint="Check the disk and the permissions of the web folder (`exambox doctor`).",
            ) from problem
        if len(key) != KEY_BYTES:
            raise UnavailableError(
                "The key file of second factors is damaged.", hint="Bring it back from a copy, or remove the file."
            )
        return key

    def _make(self) -> None:
        """Write the file whole or not at all: what is sealed with a half one would be lost."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                new.write(secrets.token_bytes(KEY_BYTES))
                new.flush()
                os.fsync(new.fileno())
            os.link(draft, self._path)  # fails where another thread was first: theirs counts
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)


def factor_key(settings: Settings) -> FactorKey:
    """Return the box's key for second factors."""
    return FactorKey(settings.state_dir / "web" / "second-factor.key")


def _bound_to(account: int) -> bytes:
    return f"exambox second factor of account {account}".encode("ascii")
