"""What a rule of USBGuard means, after its sources (Rule.hpp, USB.cpp): to hold imports and exports against."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.usb.model import Device
    from appliance.usb.usbguard_language import GuardRule


def judge(rules: Sequence[GuardRule], device: Device, holds: Callable[[str], bool]) -> str:
    """Return what USBGuard would do with a device; ``holds`` says whether a condition is met."""
    for rule in rules:
        if rule.target in ("allow", "block", "reject") and _applies(rule, device) and _met(rule, holds):
            return rule.target
    return "block"


def _applies(rule: GuardRule, device: Device) -> bool:
    has: dict[str, list[bytes]] = {
        "id": [device.id.encode()],
        "serial": [device.serial.encode()],
        "name": [device.name.encode()],
        "hash": [device.hash.encode()],
        "parent-hash": [device.parent_hash.encode()],
        "via-port": [device.port.encode()],
        "with-connect-type": [device.connect.encode()],
        "with-interface": [str(one).encode() for one in device.interfaces],
    }
    return all(_solve(values.operator, values.values, has[key]) for key, values in rule.attributes.items())


def _solve(operator: str, asked: Sequence[bytes], has: Sequence[bytes]) -> bool:
    there = [any(_like(one, other) for other in has) for one in asked]
    if operator == "all-of":
        return all(there)
    if operator == "one-of":
        return any(there)
    if operator == "none-of":
        return not any(there)
    if operator == "equals":
        return len(asked) == len(has) and all(there)
    if operator == "equals-ordered":
        return len(asked) == len(has) and all(_like(one, other) for one, other in zip(asked, has, strict=True))
    return all(any(_like(one, other) for one in asked) for other in has)


def _like(asked: bytes, has: bytes) -> bool:
    """An id or interface with wildcards; every other value is compared as it is."""
    parts, others = asked.split(b":"), has.split(b":")
    if b"*" in parts and len(parts) == len(others) > 1:
        return all(part in (b"*", other) for part, other in zip(parts, others, strict=True))
    return asked == has


def _met(rule: GuardRule, holds: Callable[[str], bool]) -> bool:
    met = [holds(one.name) is not one.negated for one in rule.conditions]
    if rule.condition_operator == "one-of":
        return any(met) or not met
    if rule.condition_operator == "none-of":
        return not any(met)
    return all(met)
