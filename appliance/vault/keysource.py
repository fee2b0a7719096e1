"""Who can open a part: the keyring for a person at the box, or private key files for an auditor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from appliance.errors import BadInputError, MissingKeyError
from appliance.vault import crypto

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from appliance.ipc.keyring import KeyringClient
    from appliance.vault.reader import PartReader

Purpose = Literal["playback", "export", "verify"]
MAX_KEY_FILE_BYTES = 64 * 1024
_X25519_BYTES = 32


class UnwrapError(MissingKeyError):
    """A private key for this part is here, but the wrapped key in the file does not open with it."""

    code = "keys.unwrap"


class KeySource(Protocol):
    """Gives the key of one part at a time."""

    def part_key(self, reader: PartReader, purpose: Purpose) -> bytes:
        """Return a part's 32-byte key; the reader checks it against the manifest's commitment.

        Raises:
            MissingKeyError: no key for this part is here, or it does not open it (`UnwrapError`).
            LockedError, UnavailableError: the keyring is locked or not running.
        """
        ...


class KeyringKeys:
    """Asks the keyring process, for one person, who is logged there.

    Args:
        client: speaks to the keyring.
        person: who is signed in.
        key_ids: the keyring's keys, where they are known already; asked for otherwise.
    """

    def __init__(self, client: KeyringClient, person: str, key_ids: Iterable[str] | None = None) -> None:
        self._client = client
        self._person = person
        self._key_ids = None if key_ids is None else tuple(key_ids)

    def part_key(self, reader: PartReader, purpose: Purpose) -> bytes:
        """Return a part's key. Raises as `KeySource.part_key`."""
        if self._key_ids is None:
            self._key_ids = tuple(self._client.status()["key_ids"])
        binding = reader.binding
        key_id = _choose(reader, self._key_ids)
        suite, wrapped = reader.wrapped(key_id)
        return self._client.part_key(
            suite=suite,
            key_id=key_id,
            wrapped=wrapped,
            box=binding.box,
            sitting=binding.sitting,
            camera=binding.camera,
            part=binding.part,
            part_id=binding.part_id,
            purpose=purpose,
            person=self._person,
        )


class FileKeys:
    """Private keys that somebody holds as files: an auditor, or who opens the escrow."""

    def __init__(self, keys: Iterable[tuple[crypto.Suite, bytes]]) -> None:
        """Take raw private keys. Raises MissingKeyError for one that is none."""
        self._keys = {crypto.key_id(suite, crypto.public_of(suite, raw)): (suite, raw) for suite, raw in keys}

    @classmethod
    def load(cls, paths: Iterable[Path]) -> FileKeys:
        """Read key files: JSON with ``suite`` and ``private`` (hex), or the raw private key in hex.

        Raises:
            BadInputError: a file cannot be read or holds no private key.
        """
        return cls(read_private_key(path) for path in paths)

    def part_key(self, reader: PartReader, purpose: Purpose) -> bytes:  # noqa: ARG002  nobody keeps a log here
        """Return a part's key. Raises as `KeySource.part_key`."""
        key_id = _choose(reader, self._keys)
        suite, wrapped = reader.wrapped(key_id)
        own_suite, private = self._keys[key_id]
        if suite != own_suite:
            raise UnwrapError(f"The key {key_id} is for {own_suite}, part {reader.manifest.part} uses {suite}.")
        try:
            return crypto.unwrap(suite, private, reader.binding.info(), wrapped)
        except MissingKeyError as problem:
            raise UnwrapError(
                f"The wrapped key of part {reader.manifest.part} does not open with the key {key_id}.",
                hint="The part was altered, moved or renamed; `exambox recordings verify` says more.",
            ) from problem


class _KeyFile(msgspec.Struct):
    suite: crypto.Suite
    private: str


def read_private_key(path: Path) -> tuple[crypto.Suite, bytes]:
    """Return suite and raw private key of one key file.

    Raises:
        BadInputError: it cannot be read or holds no private key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_KEY_FILE_BYTES).strip()
        if text.startswith(b"{"):
            stated = msgspec.json.decode(text, type=_KeyFile)
            suite, raw = stated.suite, bytes.fromhex(stated.private)
        else:
            raw = bytes.fromhex(text.decode("ascii"))
            suite = "X25519" if len(raw) == _X25519_BYTES else "MLKEM768-X25519"
        crypto.public_of(suite, raw)
    except OSError as problem:
        raise BadInputError(f"The key file {path} cannot be read: {problem.strerror}.") from problem
    except (ValueError, msgspec.DecodeError, MissingKeyError) as problem:
        raise BadInputError(
            f"The key file {path} holds no private key.",
            hint='It must be the raw key in hex, or JSON: {"suite": "MLKEM768-X25519", "private": "<hex>"}.',
        ) from problem
    return suite, raw


def _choose(reader: PartReader, mine: Iterable[str]) -> str:
    """Return the first of ``mine`` that the part is sealed to."""
    sealed_to = reader.recipients()
    for key_id in mine:
        if key_id in sealed_to:
            return key_id
    if not sealed_to:
        raise MissingKeyError(
            f"The keys of part {reader.manifest.part} were destroyed: nobody can read it any more.",
            hint="Its chain can still be verified.",
        )
    labels = ", ".join(item.shown for item in reader.manifest.recipients)
    raise MissingKeyError(
        f"None of the keys here opens part {reader.manifest.part}.", hint=f"It is sealed to: {labels}."
    )
