"""A rule about a device somebody points at (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from appliance.errors import BadInputError
from appliance.usb.matching import literal
from appliance.usb.policy import BUILT_IN, COMMENT_CHARACTERS, MAX_RULES, Match, Rule
from appliance.usb.policy_checks import safe_words

if TYPE_CHECKING:
    from appliance.usb.model import Device, Verdict
    from appliance.usb.policy import Policy

By = Literal["hash", "serial", "model", "port"]
"""By what a device is known: its hash (itself and its twins), its model and serial number, its model, or its place."""

_ID_CHARACTERS: Final = 40


def rule_for(policy: Policy, device: Device, *, verdict: Verdict, by: By, comment: str = "") -> Rule:
    """Return a rule about this device for that policy, under an id the policy does not have yet.

    ``comment`` becomes the rule's; without one the rule says what the device called itself.

    Raises:
        BadInputError: the device has no hash or no serial number to be known by.
    """
    said = comment.strip() or f"{device.manufacturer} {device.name}".strip() or device.id
    return Rule(
        id=_free_id(policy, device),
        verdict=verdict,
        comment=safe_words(said)[:COMMENT_CHARACTERS],
        match=_match(device, by),
    )


def _match(device: Device, by: By) -> Match:
    if by == "hash":
        if not device.hash:
            raise BadInputError("by: the device has no hash.", hint="Let it be known by its model or its port.")
        # The model as well: who reads the rule sees what it is about.
        return Match(device=(device.id,), hash=(device.hash,))
    if by == "serial":
        if not device.serial:
            raise BadInputError("by: the device says no serial number.", hint="Let it be known by its hash.")
        return Match(device=(device.id,), serial=(literal(device.serial),))
    return Match(device=(device.id,)) if by == "model" else Match(port=(device.port,))


def _free_id(policy: Policy, device: Device) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", device.name.lower()).strip("-")[:_ID_CHARACTERS].strip("-")
    wanted = words or f"device-{device.vendor:04x}-{device.product:04x}"
    taken = {*BUILT_IN, *(rule.id for rule in policy.rule)}
    return next(one for n in range(1, MAX_RULES + 2) if (one := wanted if n == 1 else f"{wanted}-{n}") not in taken)
