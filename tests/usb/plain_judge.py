"""A second, plain judge to hold the engine against: written another way, from the documentation alone.

It fills in the whole table of answers, and then reads the first that is not empty.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.usb.engine import Circumstances
    from appliance.usb.model import Device, Interface
    from appliance.usb.policy import Match, Policy, Rule, When

Answer = tuple[str, str, tuple[int, ...] | None]
"""Verdict, rule, interface numbers."""


def judge(policy: Policy, device: Device, now: Circumstances) -> Answer:
    """Return what the documentation says of this device."""
    table: list[Answer | None] = [
        ("allow", "root-hub", None) if re.fullmatch(r"usb\d+", device.port) else None,
        ("allow", "let-in", None)
        if any(device.hash and one == (device.hash, device.port) for one in now.let_in)
        else None,
        ("allow", "confirmed", None) if any(device.hash and one == device.hash for one in now.confirmed) else None,
        *(_row(rule, device, now) for rule in policy.rule),
        (_implicit(policy, device, now.mode), "", None),
    ]
    return next(answer for answer in table if answer)


def _implicit(policy: Policy, device: Device, mode: str) -> str:
    answer = getattr(policy.otherwise, mode)
    return "block" if answer == "allow" and not device.whole else answer


def _row(rule: Rule, device: Device, now: Circumstances) -> Answer | None:
    if not _counts(rule.when, now) or not _is(rule.match, device):
        return None
    for one in rule.unless:
        if _is(one, device):
            return None
    if rule.verdict == "allow" and not device.whole and rule.match.hash == ():
        return None
    if not rule.let_in:
        return (rule.verdict, rule.id, None)
    by_number: dict[int, list[bool]] = {}
    for one in device.interfaces:
        by_number.setdefault(one.number, []).append(any(_like(one, pattern) for pattern in rule.let_in))
    let = tuple(sorted(number for number, likes in by_number.items() if all(likes)))
    if not let:
        return ("block", rule.id, None)
    return ("allow", rule.id, None if len(let) == len(by_number) else let)


def _counts(when: When, now: Circumstances) -> bool:
    if when.mode and now.mode not in when.mode:
        return False
    days = when.weekdays or ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    if not when.from_:
        return now.at.strftime("%a").lower() in days
    # Every range that began today or yesterday, as two moments.
    for back in (0, 1):
        day = now.at.replace(hour=0, minute=0, second=0) - timedelta(days=back)
        begin = day + _clock(when.from_)
        end = day + _clock(when.to)
        end += timedelta(days=1) if end < begin else timedelta()
        if begin <= now.at < end and day.strftime("%a").lower() in days:
            return True
    return False


def _clock(text: str) -> timedelta:
    return timedelta(hours=int(text[:2]), minutes=int(text[3:]))


def _is(match: Match, device: Device) -> bool:
    has = device.interfaces
    asked = match.interfaces
    sure = device.whole or not (asked.only or asked.none or asked.exactly)
    outside = lambda patterns: [one for one in has if not any(_like(one, pattern) for pattern in patterns)]  # noqa: E731
    found = lambda patterns: [p for p in patterns if any(_like(one, p) for one in has)]  # noqa: E731
    return (
        sure
        and _one(f"{device.vendor:04x}:{device.product:04x}", match.device, wild=True)
        and _one(device.serial, match.serial, wild=True)
        and _one(device.name, match.name, wild=True)
        and _one(device.manufacturer, match.manufacturer, wild=True)
        and _one(device.port, match.port, wild=True)
        and _one(device.parent, match.parent, wild=True)
        and _one(device.hash, match.hash, wild=False)
        and _one(device.parent_hash, match.parent_hash, wild=False)
        and _one(device.connect, match.connect, wild=False)
        and (asked.any == () or len(found(asked.any)) > 0)
        and found(asked.all) == list(asked.all)
        and (asked.only == () or (len(has) > 0 and not outside(asked.only)))
        and (asked.none == () or len(outside(asked.none)) == len(has))
        and (
            asked.exactly == ()
            or (
                len(asked.exactly) == len(has)
                and not outside(asked.exactly)
                and found(asked.exactly) == list(asked.exactly)
            )
        )
    )


def _one(value: str, patterns: tuple[str, ...], *, wild: bool) -> bool:
    if not patterns:
        return True
    if not wild:
        return value != "" and value in patterns
    return any(re.fullmatch(_regex(pattern), value, re.DOTALL) for pattern in patterns)


def _regex(pattern: str) -> str:
    made, at = "", 0
    while at < len(pattern):
        if pattern[at] == "[" and pattern[at + 1 : at + 3] in ("*]", "?]", "[]"):
            made += re.escape(pattern[at + 1])
            at += 3
            continue
        made += {"*": ".*", "?": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    return made


def _like(one: Interface, pattern: str) -> bool:
    text = f"{one.cls:02x}{one.subclass:02x}{one.protocol:02x}"
    wanted = pattern.replace(":", "").replace("*", "..")
    return re.fullmatch(wanted, text) is not None
