"""Writing and reading key files: whole or not at all, exact modes, never over one that is there.

Who may read which file is said for people in ``docs/operator/keys.md``.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.errors import MissingKeyError, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_KEY_FILE_BYTES = 256 * 1024
BOX_GROUP = "exambox"
SIGN_GROUP = "exambox-sign"
EXCHANGE_GROUP = "exambox-exchange"
EXCHANGE_FILE = "exchange.key"
"""Seals the secrets that the box shares with an LMS or a central service."""
EXCHANGE_KEY_BYTES = 32
CENTRE_FILE = "centre.key"
"""Signs what the box says to its central service (Ed25519, raw)."""
CENTRE_SEAL_FILE = "centre-seal.key"
"""Opens what the central service seals to the box (X25519, raw)."""

USB_FILE = "usb.key"
"""Signs the USB policy for the agents on candidates' workstations (Ed25519, raw)."""
USB_PUBLIC_FILE = "usb.pub"
"""What an agent is told at enrolment, to know the box's policy by (Ed25519, raw)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read a key file, as far as these accounts exist and the writer is root; else the writer alone."""

    mode: int
    user: str | None = None
    group: str | None = None


PUBLIC = Access(0o644)
DEVICE = Access(0o640, "root", SIGN_GROUP)
REVIEW = Access(0o600, "exambox-keyring")
CAPTURE = Access(0o600, "exambox-capture")
EXCHANGE = Access(0o640, "root", EXCHANGE_GROUP)
USB = Access(0o600, "exambox-devices")
OWN = Access(0o600)


def make_keys_dir(keys_dir: Path) -> None:
    """Make the folder if it is missing: 0750 for root and the group exambox, else 0700 for this user.

    Raises:
        VaultError: it cannot be made.
    """
    if keys_dir.is_dir():
        return
    try:
        keys_dir.parent.mkdir(parents=True, exist_ok=True)
        keys_dir.mkdir(mode=0o700, exist_ok=True)
        group = _group_id(BOX_GROUP)
        if os.geteuid() == 0 and group is not None:
            os.chown(keys_dir, 0, group)
            keys_dir.chmod(0o750)
    except OSError as problem:
        raise _not_written(keys_dir, problem) from problem


@contextlib.contextmanager
def locked(keys_dir: Path) -> Iterator[None]:
    """Let one process at a time change the folder's files; leftovers of a killed one are cleared away first.

    Raises:
        MissingKeyError: the folder is missing or not open to this user.
    """
    try:
        folder = os.open(keys_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as problem:
        raise MissingKeyError(
            f"The box's keys cannot be opened ({keys_dir}: {problem.strerror}).",
            hint="Run this as root; on a new box `exambox keys init` first.",
        ) from problem
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for leftover in keys_dir.glob(".*.tmp"):  # may hold a private key nobody uses
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(folder)


def write_new(path: Path, data: bytes, access: Access) -> None:
    """Create a file, whole and on the disk, or leave the one that is there.

    Raises:
        FileExistsError: there is one.
        VaultError: the disk is full or read-only, or this user may not write here.
    """
    temporary = _write_temporary(path, data, access)
    try:
        os.link(temporary, path)  # unlike rename this never replaces
    except FileExistsError:
        raise
    except OSError as problem:
        raise _not_written(path, problem) from problem
    finally:
        temporary.unlink()
    _sync_dir(path.parent)


def make_centre_files(keys_dir: Path) -> None:
    """Make the two keys towards a central service where they are missing; call it with the folder `locked`.

    Raises:
        VaultError: they cannot be written.
    """
    if not exists(keys_dir / CENTRE_FILE):
        write_new(keys_dir / CENTRE_FILE, Ed25519PrivateKey.generate().private_bytes_raw(), EXCHANGE)
    if not exists(keys_dir / CENTRE_SEAL_FILE):
        write_new(keys_dir / CENTRE_SEAL_FILE, X25519PrivateKey.generate().private_bytes_raw(), EXCHANGE)


def make_usb_files(keys_dir: Path) -> None:
    """Make the key that signs the USB policy where it is missing; call it with the folder `locked`.

    Raises:
        MissingKeyError: the private half is there and may not be read.
        VaultError: they cannot be written.
    """
    if not exists(keys_dir / USB_FILE):
        write_new(keys_dir / USB_FILE, Ed25519PrivateKey.generate().private_bytes_raw(), USB)
    if not exists(keys_dir / USB_PUBLIC_FILE):
        private = Ed25519PrivateKey.from_private_bytes(read(keys_dir / USB_FILE, "key of the USB policy"))
        write_new(keys_dir / USB_PUBLIC_FILE, private.public_key().public_bytes_raw(), PUBLIC)


def replace(path: Path, data: bytes, access: Access) -> None:
    """Put a file in another's place: after a power cut the old or the new one is there, whole.

    Raises:
        VaultError: the disk is full or read-only, or this user may not write here; the old one is untouched.
    """
    temporary = _write_temporary(path, data, access)
    temporary.rename(path)
    _sync_dir(path.parent)


def restore_access(path: Path, access: Access) -> None:
    """Give an existing file the owner and mode it should have, where this process may."""
    if os.geteuid() not in {0, path.lstat().st_uid}:
        return
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        _apply(file, access)
    finally:
        os.close(file)


def read(path: Path, what: str) -> bytes:
    """Return a key file's bytes; ``what`` names the key in messages.

    Raises:
        MissingKeyError: it is not there, not readable for this user, or too large to be a key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError as problem:
        raise MissingKeyError(
            f"The {what} is missing ({path}).", hint="`exambox keys init` creates a new box's keys."
        ) from problem
    except OSError as problem:
        raise MissingKeyError(
            f"The {what} cannot be read ({path}: {problem.strerror}).",
            hint="Run this as root, or see docs/operator/keys.md for who may read which key.",
        ) from problem
    if len(data) > MAX_KEY_FILE_BYTES:
        raise MissingKeyError(f"{path} is too large to be a key file.", hint="Restore it from a backup.")
    return data


def exists(path: Path) -> bool:
    """Return whether there is a file, readable or not."""
    return os.path.lexists(path)


def _write_temporary(path: Path, data: bytes, access: Access) -> Path:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(file, "wb") as out:
                out.write(data)
                out.flush()
                _apply(out.fileno(), access)
                os.fsync(out.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise _not_written(path, problem) from problem
    return temporary


def _not_written(path: Path, problem: OSError) -> VaultError:
    return VaultError(
        f"{path} cannot be written: {problem.strerror}.",
        hint="Nothing was changed. Run this as root, and check that the disk is neither full nor read-only.",
    )


def _apply(file: int, access: Access) -> None:
    """Set owner, then mode. Group rights are given only to the group that is meant, never to another."""
    mode, group = access.mode, -1
    if access.group is not None:
        found = _group_id(access.group) if os.geteuid() == 0 else None
        if found is None:
            mode &= 0o700
        else:
            group = found
    if os.geteuid() == 0:
        user = _user_id(access.user) if access.user else None
        os.fchown(file, -1 if user is None else user, group)
    os.fchmod(file, mode)


def _user_id(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _group_id(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _sync_dir(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
