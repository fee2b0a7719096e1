"""Small secrets that only the capture process may open: camera passwords, sealed with HPKE to its X25519 key.

The web and the command line seal with the public key and cannot read back what they sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import BadInputError, MissingKeyError
from appliance.vault import crypto, key_files

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = "capture.key"
PUBLIC_FILE = "capture.pub"
SUITE: crypto.Suite = "X25519"
MAX_SECRET_BYTES = 2048


def seal_for_capture(keys_dir: Path, secret: bytes, *, context: str) -> bytes:
    """Return ``secret`` sealed to the capture process, for ``context`` (for example ``camera/<id>``) only.

    Raises:
        BadInputError: longer than 2048 bytes.
        MissingKeyError: the box has no keys yet.
    """
    if len(secret) > MAX_SECRET_BYTES:
        raise BadInputError(f"A secret of {len(secret)} bytes is longer than the {MAX_SECRET_BYTES} allowed.")
    public = key_files.read(keys_dir / PUBLIC_FILE, "capture process's public key")
    return crypto.wrap(SUITE, public, _info(context), secret)


def open_for_capture(keys_dir: Path, sealed: bytes, *, context: str) -> bytes:
    """Return what `seal_for_capture` sealed.

    Raises:
        MissingKeyError: the key is missing or not readable for this user, or it was sealed to another key or context.
    """
    private = key_files.read(keys_dir / PRIVATE_FILE, "capture process's private key")
    try:
        return crypto.unwrap(SUITE, private, _info(context), sealed)
    except MissingKeyError as problem:
        raise MissingKeyError(
            "A stored password was sealed for something else and does not open here.",
            hint="Enter it again: `exambox cameras edit ID`.",
        ) from problem


def _info(context: str) -> bytes:
    return b"exambox/1 capture\n" + context.encode()
