"""What parts are sealed and signed with, read from the key files as they are at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.vault.device_key import load_box_id, load_device_key
from appliance.vault.part_model import WriterKeys
from appliance.vault.recipients import load_recipients

if TYPE_CHECKING:
    from pathlib import Path


def writer_keys(keys_dir: Path) -> WriterKeys:
    """Return box, device key and recipients.

    Raises:
        MissingKeyError: a key file is missing or cannot be read.
        IntegrityError: the recipients list was not signed by this box's device key.
    """
    return WriterKeys(
        box=load_box_id(keys_dir),
        device=load_device_key(keys_dir),
        recipients=load_recipients(keys_dir).recipients,
    )
