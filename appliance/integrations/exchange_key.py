"""Seals the secrets that an LMS and the box share, with a key file that web and sync alone read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag

from appliance.errors import ApplianceError, UnavailableError
from appliance.vault import key_files
from appliance.vault.file_cipher import DamagedKeyFileError, FileCipher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.config import Settings

FILE: Final = key_files.EXCHANGE_FILE
KEY_BYTES: Final = key_files.EXCHANGE_KEY_BYTES


class ExchangeKeyError(ApplianceError):
    """A sealed secret cannot be opened: the key file is another one than when it was sealed."""

    code = "integration.key"
    status = 503


class ExchangeKey:
    """AES-256-GCM under ``keys/exchange.key`` (`vault.file_cipher`); each secret is bound to its integration.

    Args:
        path: of the key file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = FileCipher(path, key_files.EXCHANGE)

    def seal(self, integration: str, secret: str) -> bytes:
        """Return the sealed secret: 12 bytes of nonce, then ciphertext and tag. The key file is made if need be.

        Raises:
            UnavailableError: the key file cannot be read or made.
        """
        with _in_words():
            self._make()
            return self._file.seal(_bound_to(integration), secret)

    def open(self, integration: str, sealed: bytes) -> str:
        """Return the secret.

        Raises:
            ExchangeKeyError: it was sealed with another key or for another integration.
            UnavailableError: the key file cannot be read.
        """
        try:
            with _in_words():
                return self._file.open(_bound_to(integration), sealed)
        except InvalidTag as problem:
            raise ExchangeKeyError(
                "The secret of this integration cannot be opened: the box's key file (exchange.key) has changed.",
                hint="Bring exchange.key back from a copy, or rotate the secret and enter the new one in the LMS.",
            ) from problem

    def _make(self) -> None:
        try:
            key_files.make_keys_dir(self._path.parent)
            self._file.make()
        except ApplianceError as problem:
            raise UnavailableError(
                "This box has no key file of integrations (exchange.key), and this process may not make one.",
                hint="Run `exambox keys init` as root.",
            ) from problem


def exchange_key(settings: Settings) -> ExchangeKey:
    """Return the box's key for the secrets of integrations."""
    return ExchangeKey(settings.keys_dir / FILE)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise UnavailableError(
            f"The key file of integrations (exchange.key) cannot be used: {problem.strerror}.",
            hint="Run `exambox keys init` as root: it makes what is missing and sets who may read it.",
        ) from problem
    except DamagedKeyFileError as problem:
        raise UnavailableError(
            "The key file of integrations (exchange.key) is damaged.",
            hint="Bring it back from a copy; or remove it, run `exambox keys init` and rotate every secret.",
        ) from problem


def _bound_to(integration: str) -> bytes:
    return f"exambox secret of integration {integration}".encode()
