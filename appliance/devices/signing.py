"""Signs the policy for seat agents whenever what they go by has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance import log
from appliance.database import write
from appliance.errors import ApplianceError, MissingKeyError
from appliance.usb.signed import SignedPolicy, keep_signed, sign_policy, signed_policy
from appliance.vault import key_files
from appliance.vault.device_key import load_box_id

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.usb.model import Mode
    from appliance.usb.policies import InForce

_KEY_BYTES = 32
_LOG = log.get(__name__)


class Signer:
    """Keeps the signed policy in step.

    Args:
        db: the box's database.
        keys_dir: where ``usb.key`` and the box's id are.
        clock: dates the signature.
    """

    def __init__(self, db: Database, keys_dir: Path, clock: Clock) -> None:
        self._db = db
        self._keys_dir = keys_dir
        self._clock = clock
        self._told = False

    def sign(self, policy: InForce, mode: Mode) -> bool:
        """Sign what is in force, where that is not what was signed last; return whether it was signed anew.

        A box without the key signs nothing, and says so in the journal, once.
        """
        last = signed_policy(self._db)
        if last is not None:
            known = msgspec.json.decode(last.body, type=SignedPolicy)
            if (known.mode, known.policy_version, known.policy) == (mode, policy.version, policy.text):
                return False
        try:
            private, box = _private_key(self._keys_dir), load_box_id(self._keys_dir)
        except ApplianceError as problem:
            if not self._told:
                _LOG.warning("no policy can be signed for workstations", problem=problem.message)
            self._told = True
            return False
        fresh = SignedPolicy(
            box=box,
            version=1 if last is None else last.version + 1,
            made_us=self._clock.wall_us(),
            mode=mode,
            policy_version=policy.version,
            policy=policy.text,
        )
        with write(self._db):
            keep_signed(self._db, sign_policy(private, fresh))
        return True


def _private_key(keys_dir: Path) -> bytes:
    private = key_files.read(keys_dir / key_files.USB_FILE, "key of the USB policy")
    if len(private) != _KEY_BYTES:
        raise MissingKeyError("The key of the USB policy is damaged.", hint="Restore it from a backup.")
    return private
