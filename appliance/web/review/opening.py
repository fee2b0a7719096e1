"""Opening one record of a part for the signed-in person: the keyring gives the part's key, and logs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.errors import LockedError, NotFoundError
from appliance.vault.format import Kind
from appliance.vault.keysource import KeyringKeys
from appliance.vault.reader import PartReader

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.ipc.keyring import KeyringClient

PURPOSE: Final = "playback"


def keys_for(client: KeyringClient, person: str) -> KeyringKeys:
    """Return the part keys this person may use now; each use is asked of the keyring.

    Raises:
        LockedError: the review key is locked.
        UnavailableError: the keyring does not answer.
    """
    status = client.status()
    if status["locked"]:
        raise LockedError(
            "Playback is locked.", hint="Unlock it with the review key's passphrase; recording goes on meanwhile."
        )
    return KeyringKeys(client, person, status["key_ids"])


def open_init(path: Path, keys: KeyringKeys) -> tuple[str, bytes]:
    """Return a part's codecs (RFC 6381) and its initialisation segment.

    Raises:
        LockedError, MissingKeyError, UnavailableError: the key cannot be used.
        IntegrityError, VaultError: the part cannot be read, or is not what was sealed.
    """
    with PartReader(path) as reader:
        cipher = reader.cipher(keys.part_key(reader, PURPOSE))
        return str(reader.stream(cipher).get("codecs", "")), reader.init(cipher)


def open_segment(path: Path, seq: int, keys: KeyringKeys) -> tuple[int, bytes]:
    """Return a segment's first decode time in its own fragments (microseconds) and its fragments.

    Raises: as `open_init`.
    """
    with PartReader(path) as reader:
        cipher = reader.cipher(keys.part_key(reader, PURPOSE))
        header, plaintext = reader.open_record(seq, cipher)
        if header.kind is not Kind.SEGMENT:
            raise NotFoundError(f"Record {seq} of this part holds no pictures.")
        return header.media_us, plaintext
