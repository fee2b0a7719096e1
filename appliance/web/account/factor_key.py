"""Seals the secrets of second factors at rest, with a key file that only the web process reads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from appliance.errors import ApplianceError, UnavailableError, VaultError
from appliance.vault import key_files
from appliance.vault.file_cipher import DamagedKeyFileError, FileCipher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.config import Settings


class FactorKeyError(ApplianceError):
    """A sealed secret cannot be opened: the key file is another one than when it was sealed."""

    code = "second_factor.key"
    status = 503


class FactorKey:
    """AES-256-GCM under the key file (`vault.file_cipher`); each secret is bound to its account."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = FileCipher(path, key_files.OWN)

    def seal(self, account: int, secret: str) -> bytes:
        """Return the sealed secret: 12 bytes of nonce, then ciphertext and tag.

        Raises:
            UnavailableError: the key file cannot be read or made.
        """
        with _in_words():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.make()
            return self._file.seal(_bound_to(account), secret)

    def open(self, account: int, sealed: bytes) -> str:
        """Return the secret.

        Raises:
            FactorKeyError: it was sealed with another key or for another account, or the key file is gone.
        """
        try:
            with _in_words():
                return self._file.open(_bound_to(account), sealed)
        except (InvalidTag, UnavailableError) as problem:
            raise FactorKeyError(
                "The box cannot check codes of this second factor: its key file has changed.",
                hint="Use a recovery code, or let an administrator remove the second factor.",
            ) from problem


def factor_key(settings: Settings) -> FactorKey:
    """Return the box's key for second factors."""
    return FactorKey(settings.state_dir / "web" / "second-factor.key")


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (OSError, VaultError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else problem.message.rstrip(".")
        raise UnavailableError(
            f"The key file of second factors cannot be used: {why}.",
            hint="Check the disk and the permissions of the web folder (`exambox doctor`).",
        ) from problem
    except DamagedKeyFileError as problem:
        raise UnavailableError(
            "The key file of second factors is damaged.", hint="Bring it back from a copy, or remove the file."
        ) from problem


def _bound_to(account: int) -> bytes:
    return f"exambox second factor of account {account}".encode("ascii")
