"""Whose keys `exambox recordings` uses: the keyring's, or those given as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.commands.common import person
from appliance.errors import BadInputError, MissingKeyError, UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.vault.device_key import KEY_BYTES, load_device_key, load_device_public
from appliance.vault.format import export_message
from appliance.vault.keysource import FileKeys, KeyringKeys

if TYPE_CHECKING:
    from appliance.config import Settings
    from appliance.vault.export import Sign
    from appliance.vault.keysource import KeySource

_MAX_FILE_BYTES = 4096


def key_source(settings: Settings, key_files: tuple[Path, ...]) -> KeySource:
    """Return what opens parts: the given private keys, else the keyring for the person at the command line."""
    if key_files:
        return FileKeys.load(key_files)
    return KeyringKeys(KeyringClient(settings.keyring_socket), person())


def signer(settings: Settings, *, may_use_file: bool) -> Sign:
    """Return what signs an export's manifest: the keyring, or where none runs the device key's file.

    Args:
        settings: the box.
        may_use_file: whether the device key may be read directly.

    Raises:
        UnavailableError: no keyring runs and the file may not be used.
        MissingKeyError: no keyring runs and the file cannot be read.
    """
    client = KeyringClient(settings.keyring_socket)
    try:
        client.status()
    except UnavailableError:
        if not may_use_file:
            raise
    else:
        who = person()
        return lambda manifest: client.sign_export(manifest, who)
    try:
        device = load_device_key(settings.keys_dir)
    except MissingKeyError as problem:
        raise MissingKeyError(
            "There is nothing here to sign the export with: no keyring runs, and the device key cannot be read.",
            hint="Export at the box that recorded it, or with --unsigned: its manifest then says so.",
        ) from problem
    return lambda manifest: device.sign(export_message(manifest))


def expected_device_key(settings: Settings, given: str | None, *, own_vault: bool) -> bytes | None:
    """Return the raw public key that must have signed a recording, None to take the one each part names.

    Args:
        settings: the box.
        given: hex, or the path of a file with hex or 32 raw bytes.
        own_vault: whether the recording is this box's own.

    Raises:
        BadInputError: what was given is no Ed25519 public key.
    """
    if given is not None:
        return _parse(given)
    if not own_vault:
        return None
    try:
        return load_device_public(settings.keys_dir)
    except MissingKeyError:
        return None


def _parse(given: str) -> bytes:
    raw = given.encode()
    path = Path(given)
    try:
        if path.is_file():
            with path.open("rb") as file:
                raw = file.read(_MAX_FILE_BYTES)
        key = raw if len(raw) == KEY_BYTES else bytes.fromhex(raw.decode("ascii"))
    except (OSError, ValueError) as problem:
        raise _no_key(given) from problem
    if len(key) != KEY_BYTES:
        raise _no_key(given)
    return key


def _no_key(given: str) -> BadInputError:
    return BadInputError(
        f"--device-key: {given[:80]!r} is no device key.",
        hint="Give 64 hex digits, as `exambox keys show` prints them, or a file (device.pub).",
    )
