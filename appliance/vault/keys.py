"""The box's keys as a whole: created once, never overwritten. The files are described in ``docs/operator/keys.md``.

Other modules import key functions from here.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import BadInputError, MissingKeyError
from appliance.vault import capture_key, crypto, device_key, key_files, recipients, review_key
from appliance.vault.capture_key import open_for_capture, seal_for_capture
from appliance.vault.device_key import DeviceKey, fingerprint, load_box_id, load_device_key, load_device_public
from appliance.vault.recipients import Recipient, RecipientsList, add_recipient, load_recipients, remove_recipient
from appliance.vault.review_key import ReviewKeys, load_review_key, rotate_review

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.config import Settings

__all__ = [
    "REVIEW_LABEL",
    "DeviceKey",
    "KeySummary",
    "Recipient",
    "RecipientsList",
    "ReviewKeys",
    "add_recipient",
    "fingerprint",
    "has_keys",
    "has_review_key",
    "init_keys",
    "key_summary",
    "load_box_id",
    "load_device_key",
    "load_device_public",
    "load_recipients",
    "load_review_key",
    "open_for_capture",
    "remove_recipient",
    "rotate_review",
    "seal_for_capture",
]

REVIEW_LABEL = "This room's review key"
_FILES = {
    device_key.BOX_FILE: key_files.PUBLIC,
    device_key.PRIVATE_FILE: key_files.DEVICE,
    device_key.PUBLIC_FILE: key_files.PUBLIC,
    capture_key.PRIVATE_FILE: key_files.CAPTURE,
    capture_key.PUBLIC_FILE: key_files.PUBLIC,
    key_files.EXCHANGE_FILE: key_files.EXCHANGE,
    key_files.CENTRE_FILE: key_files.EXCHANGE,
    key_files.CENTRE_SEAL_FILE: key_files.EXCHANGE,
    key_files.USB_FILE: key_files.USB,
    key_files.USB_PUBLIC_FILE: key_files.PUBLIC,
    review_key.FILE: key_files.REVIEW,
    recipients.FILE: key_files.PUBLIC,
}


@dataclass(frozen=True, slots=True)
class KeySummary:
    """What may be shown of the keys; ``protected`` is None where this user cannot see the review key's file."""

    box: str
    device_public: bytes
    list_version: int
    recipients: tuple[Recipient, ...]
    protected: bool | None
    created: tuple[str, ...] = ()
    """Names of the files that `init_keys` made."""


def has_keys(keys_dir: Path) -> bool:
    """Return whether every key file is there, readable for this user or not."""
    return all(key_files.exists(keys_dir / name) for name in _FILES)


def has_review_key(keys_dir: Path) -> bool:
    """Return whether the review key's file is there: without it a new one will need its passphrase."""
    return key_files.exists(keys_dir / review_key.FILE)


def init_keys(settings: Settings, *, passphrase: str | None, clock: Clock) -> KeySummary:
    """Create what is missing, and never overwrite; safe when several processes start at once.

    Args:
        settings: where, which suite, and whether the box unlocks itself.
        passphrase: protects a new review key; None leaves it plain, which only a box that unlocks itself may.
        clock: dates the keys.

    Raises:
        BadInputError: a provisioned box's new review key was given no passphrase, or a bad one.
        MissingKeyError: a private key was lost while its public half is still here; see the hint.
    """
    keys_dir = settings.keys_dir
    key_files.make_keys_dir(keys_dir)
    with key_files.locked(keys_dir):
        before = {name for name in _FILES if key_files.exists(keys_dir / name)}
        _refuse_losses(before)
        if review_key.FILE not in before and passphrase is None and not settings.unlocks_itself:
            raise BadInputError(
                "This box's review key needs a passphrase.",
                hint="Run `exambox keys init` at a terminal, or give --passphrase-file.",
            )
        _make_missing(keys_dir, settings.vault.suite, passphrase, clock)
        for name, access in _FILES.items():
            key_files.restore_access(keys_dir / name, access)
    summary = key_summary(keys_dir)
    made = tuple(name for name in _FILES if name not in before)
    return KeySummary(
        summary.box, summary.device_public, summary.list_version, summary.recipients, summary.protected, made
    )


def key_summary(keys_dir: Path) -> KeySummary:
    """Read what may be shown.

    Raises:
        MissingKeyError: the box has no keys yet, or this user may not read even the public ones.
        IntegrityError: the recipients list is not this box's.
    """
    listed = load_recipients(keys_dir)
    try:
        protected = review_key.review_facts(keys_dir).protected
    except MissingKeyError:
        protected = None
    return KeySummary(listed.box, load_device_public(keys_dir), listed.version, listed.recipients, protected)


def _refuse_losses(present: set[str]) -> None:
    """A private half is always written first: a public half alone means the private one was lost, not that it is new.

    A fresh key in its place would make recordings look foreign, or unreadable, without anybody having decided it.
    """
    pairs = [
        (device_key.PRIVATE_FILE, device_key.PUBLIC_FILE, "device key", "Recordings so far were signed with it."),
        (review_key.FILE, recipients.FILE, "review key", "Recordings so far cannot be played back here without it."),
        (capture_key.PRIVATE_FILE, capture_key.PUBLIC_FILE, "capture key", "Camera passwords were sealed to it."),
        (key_files.USB_FILE, key_files.USB_PUBLIC_FILE, "key of the USB policy", "Workstations know the box by it."),
    ]
    for private, public, what, meaning in pairs:
        if public in present and private not in present:
            raise MissingKeyError(
                f"The {what} ({private}) is lost, but {public} is here. {meaning}",
                hint=f"Restore {private} from a backup. To go on without it, see docs/operator/keys.md, 'A lost key'.",
            )


def _make_missing(keys_dir: Path, suite: crypto.Suite, passphrase: str | None, clock: Clock) -> None:
    def missing(name: str) -> bool:
        return not key_files.exists(keys_dir / name)

    if missing(device_key.BOX_FILE):
        identity = json.dumps({"box": f"box-{secrets.token_hex(4)}"}).encode() + b"\n"
        key_files.write_new(keys_dir / device_key.BOX_FILE, identity, key_files.PUBLIC)
    if missing(device_key.PRIVATE_FILE):
        fresh = DeviceKey.generate().private_bytes()
        key_files.write_new(keys_dir / device_key.PRIVATE_FILE, fresh, key_files.DEVICE)
    if missing(device_key.PUBLIC_FILE):
        public = load_device_key(keys_dir).public
        key_files.write_new(keys_dir / device_key.PUBLIC_FILE, public, key_files.PUBLIC)
    if missing(capture_key.PRIVATE_FILE):
        fresh = crypto.generate_private(capture_key.SUITE)
        key_files.write_new(keys_dir / capture_key.PRIVATE_FILE, fresh, key_files.CAPTURE)
    if missing(capture_key.PUBLIC_FILE):
        private = key_files.read(keys_dir / capture_key.PRIVATE_FILE, "capture process's private key")
        public = crypto.public_of(capture_key.SUITE, private)
        key_files.write_new(keys_dir / capture_key.PUBLIC_FILE, public, key_files.PUBLIC)
    if missing(key_files.EXCHANGE_FILE):
        fresh = secrets.token_bytes(key_files.EXCHANGE_KEY_BYTES)
        with contextlib.suppress(FileExistsError):  # the dashboard of a trial box was first
            key_files.write_new(keys_dir / key_files.EXCHANGE_FILE, fresh, key_files.EXCHANGE)
    key_files.make_centre_files(keys_dir)
    key_files.make_usb_files(keys_dir)
    if missing(review_key.FILE):
        review_key.create_review_key(keys_dir, suite=suite, passphrase=passphrase, clock=clock)
    if missing(recipients.FILE):
        recipients.create_list(keys_dir, review_key.review_recipient(keys_dir, REVIEW_LABEL), clock=clock)
