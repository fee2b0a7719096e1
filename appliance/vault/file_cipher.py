"""Secrets sealed at rest under a key in a file: of integrations and second factors, which say what goes wrong."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.vault import key_files

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_Stamp: TypeAlias = tuple[int, int, int, int, int]
"""Device, inode, size, and times of a file: what another file has not the same of."""


class DamagedKeyFileError(Exception):
    """The key file has another length than a key; what is said of it to people is for who owns the file."""


class FileCipher:
    """AES-256-GCM under a key file; each secret is bound to a context.

    The file is looked at at each use, and read again when it is another.

    Args:
        path: of the key file; its folder is there.
        access: who may read it, where it is made here.
    """

    def __init__(self, path: Path, access: key_files.Access) -> None:
        self._path, self._access = path, access
        self._read: tuple[_Stamp, AESGCM] | None = None

    def make(self) -> None:
        """Make the key file if there is none, whole or not at all: what is sealed with a half one would be lost.

        Raises:
            VaultError: it cannot be made.
        """
        if self._path.exists():
            return
        with contextlib.suppress(FileExistsError):  # somebody else was first: theirs counts
            key_files.write_new(self._path, secrets.token_bytes(KEY_BYTES), self._access)

    def seal(self, context: bytes, secret: str) -> bytes:
        """Return the sealed secret (ASCII): 12 bytes of nonce, then ciphertext and tag.

        Raises:
            OSError: the key file cannot be read.
            DamagedKeyFileError: it is none.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, secret.encode("ascii"), context)

    def open(self, context: bytes, sealed: bytes) -> str:
        """Return the secret.

        Raises:
            InvalidTag: it was sealed with another key or for another context.
            OSError, DamagedKeyFileError: as `seal`.
        """
        return self._cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context).decode("ascii")

    def _cipher(self) -> AESGCM:
        status = self._path.stat()
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        read = self._read
        if read is not None and read[0] == stamp:
            return read[1]
        key = self._path.read_bytes()
        if len(key) != KEY_BYTES:
            raise DamagedKeyFileError
        cipher = AESGCM(key)
        self._read = stamp, cipher
        return cipher
