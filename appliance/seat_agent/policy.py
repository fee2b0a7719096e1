"""The policy the agent goes by: from the box, signed, never an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.errors import BadInputError
from appliance.usb.policies import default_policy
from appliance.usb.policy_file import read_policy
from appliance.usb.signed import check_policy

if TYPE_CHECKING:
    from appliance.exchange.seat.messages import SignedText
    from appliance.seat_agent.home import Enrolment
    from appliance.seat_agent.spool import Spool
    from appliance.usb.model import Mode
    from appliance.usb.policy import Policy
    from appliance.usb.signed import SignedPolicy

WITHOUT_BOX_US: Final = 24 * 3600 * SECOND_US
"""An armed workstation that has not heard of its box for so long opens: it stands in no exam any more, and nobody is
to be locked out of it."""
_KEY: Final = "policy"


class _Kept(msgspec.Struct, frozen=True):
    body: str
    signature: str


class PolicyKeeper:
    """Holds the newest policy, also through a restart.

    Args:
        enrolment: says whose policies are taken.
        spool: keeps it.
    """

    def __init__(self, enrolment: Enrolment, spool: Spool) -> None:
        self._public = bytes.fromhex(enrolment.usb_public)
        self._box = enrolment.box
        self._spool = spool
        self._signed: SignedPolicy | None = None
        self._policy = default_policy()
        kept = spool.note(_KEY)
        if kept:
            self._load(msgspec.json.decode(kept, type=_Kept))

    @property
    def version(self) -> int:
        """Of the signed policy; 0 where there is none yet."""
        return 0 if self._signed is None else self._signed.version

    @property
    def policy(self) -> Policy:
        """What devices are judged by; until the box sent one, the default exam policy."""
        return self._policy

    def mode(self, *, without_box_us: int) -> Mode:
        """Return the mode the box is in, as far as it is known here.

        Args:
            without_box_us: how long the box was not heard of.
        """
        if self._signed is None or without_box_us > WITHOUT_BOX_US:
            return "maintenance"
        return self._signed.mode

    def take(self, text: SignedText) -> None:
        """Go by a policy that the box sent, from now on.

        Raises:
            BadInputError: it is not signed by the box's key, of another box, not newer, or no policy; the former stays.
        """
        signature = bytes.fromhex(text.signature)
        signed = check_policy(text.body, signature, self._public, box=self._box, after=self.version)
        policy = read_policy(signed.policy)
        self._spool.keep(_KEY, msgspec.json.encode(_Kept(text.body, text.signature)).decode())
        self._signed, self._policy = signed, policy

    def _load(self, kept: _Kept) -> None:
        """Go by what was kept; what somebody changed, or is of a former enrolment, is as if there were none."""
        try:
            signed = check_policy(kept.body, bytes.fromhex(kept.signature), self._public, box=self._box)
            self._signed, self._policy = signed, read_policy(signed.policy)
        except BadInputError:
            self._signed = None
