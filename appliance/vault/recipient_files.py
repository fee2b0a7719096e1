"""Key pairs of auditors and escrow: a private file that is kept off the box, a public file that is given to it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from appliance.errors import BadInputError, ConflictError, MissingKeyError
from appliance.vault import crypto, key_files
from appliance.vault.recipients import HexKey, Recipient, Role, make_recipient

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FORMAT: Final = "exambox-recipient-private-1"
PUBLIC_FORMAT: Final = "exambox-recipient-public-1"
_Text = Annotated[str, msgspec.Meta(max_length=80)]


class _PublicFile(msgspec.Struct, frozen=True):
    """Only suite and public key are needed; further keys of other tools' files are ignored."""

    suite: crypto.Suite
    public: HexKey
    format: _Text = PUBLIC_FORMAT
    key_id: _Text = ""
    label: _Text = ""


class _PrivateFile(msgspec.Struct, frozen=True):
    format: Literal["exambox-recipient-private-1"]
    suite: crypto.Suite
    private: HexKey
    public: HexKey
    key_id: _Text
    label: _Text = ""


@dataclass(frozen=True, slots=True)
class PrivateRecipient:
    """An auditor's opened key file; opens every part that was wrapped to it, on any computer."""

    key_id: str
    suite: crypto.Suite
    label: str
    private: bytes = field(repr=False)

    def private_for(self, key_id: str) -> tuple[crypto.Suite, bytes]:
        """Return suite and raw private key if it is this one.

        Raises:
            MissingKeyError: another key is wanted.
        """
        if key_id != self.key_id:
            raise MissingKeyError(f"This key file holds {self.key_id}, not {key_id[:40]}.")
        return self.suite, self.private


@dataclass(frozen=True, slots=True)
class NewKeyPair:
    """Where a new pair was written."""

    key_id: str
    private_file: Path
    public_file: Path


def new_key_pair(out: Path, name: str, suite: crypto.Suite) -> NewKeyPair:
    """Make a key pair for an auditor or escrow and write both files into ``out``.

    Args:
        out: an existing folder, best on a medium that leaves the box.
        name: whose it is; becomes the label and, simplified, the files' name.
        suite: must be the box's.

    Raises:
        BadInputError: the name is not usable, or ``out`` is no folder.
        ConflictError: a file of this name is there; nothing was written.
    """
    if not out.is_dir():
        raise BadInputError(f"--out: {out} is no folder.", hint="Create it, or plug in the medium.")
    private = crypto.generate_private(suite)
    public = crypto.public_of(suite, private)
    owner = make_recipient(suite=suite, public=public, label=name, role="auditor")
    plain = unicodedata.normalize("NFKD", owner.label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or owner.key_id
    pair = NewKeyPair(owner.key_id, out / f"{stem}.private.json", out / f"{stem}.public.json")
    for path in (pair.private_file, pair.public_file):
        if key_files.exists(path):
            raise ConflictError(f"{path} exists; keys are never overwritten.", hint="Use another name or folder.")
    secret = _PrivateFile(PRIVATE_FORMAT, suite, private.hex(), public.hex(), owner.key_id, owner.label)
    open_part = _PublicFile(suite, public.hex(), PUBLIC_FORMAT, owner.key_id, owner.label)
    key_files.write_new(pair.private_file, _encode(secret), key_files.OWN)
    key_files.write_new(pair.public_file, _encode(open_part), key_files.PUBLIC)
    return pair


def load_public_file(path: Path, *, label: str | None, role: Role) -> Recipient:
    """Read a public key file, ``{"suite", "public"}`` at least; ``label`` None takes the file's own.

    Raises:
        MissingKeyError: no such file, or not readable.
        BadInputError: names what is wrong with it; a private key file is refused, with a warning.
    """
    return parse_public_file(key_files.read(path, "public key file"), str(path), label=label, role=role)


def holds_private_key(raw: bytes) -> bool:
    """Return whether a file looks like a private key file, whole or damaged."""
    return b'"private"' in raw or b"PRIVATE KEY" in raw


def parse_public_file(raw: bytes, name: str, *, label: str | None, role: Role) -> Recipient:
    """Return the recipient a public key file describes.

    Args:
        raw: the file's bytes.
        name: what the file is called, for messages.
        label: who it is; None takes the file's own.
        role: what the recipient is for.

    Raises:
        BadInputError: names what is wrong with it; a private key file is refused, with a warning.
    """
    if holds_private_key(raw):
        raise BadInputError(
            f"{name} is a private key file.", hint="It must never be on the box: remove it, and give the public one."
        )
    try:
        content = msgspec.json.decode(raw, type=_PublicFile)
        public = bytes.fromhex(content.public)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise BadInputError(
            f"{name} is no public key file.", hint='It holds {"suite": …, "public": hex}; `recipients new` writes one.'
        ) from problem
    recipient = make_recipient(suite=content.suite, public=public, label=label or content.label, role=role)
    if content.key_id and content.key_id != recipient.key_id:
        raise BadInputError(f"{name}: key_id does not belong to this public key.", hint="Ask for the file again.")
    return recipient


def load_private_file(path: Path) -> PrivateRecipient:
    """Read an auditor's private key file.

    Raises:
        MissingKeyError: no such file, not readable, or no private key file.
    """
    raw = key_files.read(path, "private key file")
    try:
        content = msgspec.json.decode(raw, type=_PrivateFile)
        private = bytes.fromhex(content.private)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise MissingKeyError(f"{path} is no private key file.", hint="`recipients new` writes one.") from problem
    if crypto.public_of(content.suite, private).hex() != content.public:
        raise MissingKeyError(f"{path} is damaged: its two keys do not belong together.")
    return PrivateRecipient(
        crypto.key_id(content.suite, bytes.fromhex(content.public)), content.suite, content.label, private
    )


def _encode(content: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
