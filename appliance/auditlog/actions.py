"""Every action the log knows, with the words a person reads. Names are stable: auditors filter by them."""

from __future__ import annotations

ACTIONS: dict[str, str] = {
    "account.created": "an account was created",
    "account.disabled": "an account was disabled",
    "account.enabled": "an account was enabled again",
    "account.password_changed": "a password was changed",
    "account.role_changed": "an account's role was changed",
    "account.signed_in": "somebody signed in",
    "account.signed_out": "somebody signed out",
    "account.sign_in_failed": "a sign-in was refused",
    "box.started": "the box's recording service started",
    "box.stopped": "the box's recording service stopped",
    "camera.added": "a camera was added",
    "camera.edited": "a camera's settings were changed",
    "camera.lost": "a camera was lost",
    "camera.removed": "a camera was removed",
    "camera.returned": "a camera came back",
    "clock.stepped": "the wall clock was set while recording",
    "disk.changed": "the disk passed a threshold",
    "hold.placed": "a legal hold was placed",
    "hold.released": "a legal hold was released",
    "keyring.locked": "the review key was locked",
    "keyring.part_key_used": "a recording was opened with the review key",
    "keyring.export_signed": "an export was signed",
    "keyring.unlock_failed": "unlocking the review key failed",
    "keyring.unlocked": "the review key was unlocked",
    "keys.created": "the box's keys were created",
    "keys.passphrase_changed": "the review key's passphrase was changed",
    "keys.recipient_added": "a recipient of part keys was added",
    "keys.recipient_removed": "a recipient of part keys was removed",
    "keys.review_rotated": "the review key was replaced",
    "person.erased": "a person's values were erased from the log",
    "recording.exported": "a clip was exported",
    "recording.started": "recording was asked for",
    "recording.stopped": "recording was ended",
    "recording.verified": "a recording was verified",
    "recording.viewed": "a recording was viewed",
    "vault.checkpoint": "signed checkpoints of part files",
    "vault.part_abandoned": "a part was given up after a failed write",
    "vault.part_closed": "a part was closed",
    "vault.part_deleted": "a part was deleted: the deletion certificate",
    "vault.part_found": "a finished part was found that the database did not know",
    "vault.part_missing": "a part's file is gone without a deletion by this box",
    "vault.part_opened": "a part was opened",
    "vault.part_recovered": "a part was closed after an interruption",
}


def words(action: str) -> str:
    """Return an action in plain words; an unknown one (of newer software) as it is."""
    return ACTIONS.get(action, action)
