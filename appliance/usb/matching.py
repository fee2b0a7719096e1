"""Whether a device, a time and a mode are what a rule asks for, and the words for why or why not (pure)."""

from __future__ import annotations

import fnmatch
import functools
import glob
import re
from typing import TYPE_CHECKING, Final

from appliance.usb.class_names import class_name
from appliance.usb.policy import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from appliance.usb.model import Device, Interface, Mode
    from appliance.usb.policy import Interfaces, Match, When

_WORDS: Final = {"serial": "serial number", "name": "name", "manufacturer": "manufacturer"}
_DAY_MINUTES: Final = 24 * 60


def why_not(match: Match, device: Device) -> str:
    """Return what of ``match`` the device is not, as the end of a sentence; empty where it matches."""
    return next((reason for reason in _reasons(match, device) if reason), "")


def why(match: Match, device: Device) -> str:
    """Return what made the device match, as the end of a sentence."""
    said = []
    if match.device:
        said.append(f"it is {device.id}")
    said += [f"its {words} is “{getattr(device, key)}”" for key, words in _WORDS.items() if getattr(match, key)]
    if match.port:
        said.append(f"it is at port {device.port}")
    if match.parent:
        said.append(f"it is below the hub at {device.parent}")
    said += ["its descriptors have that hash"] if match.hash else []
    said += ["the hub above it has that hash"] if match.parent_hash else []
    if match.connect:
        said.append(f"its port is {device.connect}")
    said += _said_of_interfaces(match.interfaces, device)
    return " and ".join(said) or "it is meant for every device"


def counts_now(when: When, mode: Mode, at: datetime) -> str:
    """Return why a rule does not count in this mode and at this local time; empty where it does."""
    if when.mode and mode not in when.mode:
        return f"counts only in mode {_or(when.mode)}"
    minute, day = at.hour * 60 + at.minute, at.weekday()
    span = when.minutes
    if span is not None:
        begin, end = span
        over_midnight = end < begin
        if not (minute >= begin or minute < end if over_midnight else begin <= minute < end):
            return f"counts only from {when.from_} to {when.to}"
        if over_midnight and minute < end:
            day = (day - 1) % 7
    if when.weekdays and WEEKDAYS[day] not in when.weekdays:
        return f"counts only on {_or(when.weekdays)}"
    return ""


def is_like(interface: Interface, pattern: str) -> bool:
    """Whether an interface is like ``class:subclass:protocol`` with ``*`` for any."""
    return all(
        asked is None or asked == has
        for asked, has in zip(_triple(pattern), (interface.cls, interface.subclass, interface.protocol), strict=True)
    )


def like_any(interface: Interface, patterns: Iterable[str]) -> bool:
    """Whether an interface is like one of the patterns."""
    return any(is_like(interface, pattern) for pattern in patterns)


def overlap(patterns: Sequence[str]) -> bool:
    """Whether one interface could be like two of the patterns."""
    triples = [_triple(one) for one in patterns]
    return any(
        all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
        for n, one in enumerate(triples)
        for other in triples[:n]
    )


def text_is_like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern with ``*`` and ``?``; in brackets they are themselves."""
    return fnmatch.fnmatchcase(text, _shell_pattern(pattern))


def literal(text: str) -> str:
    """Return the pattern that this text alone is like."""
    return glob.escape(text)


def plain_text(pattern: str) -> str | None:
    """Return the one text a pattern is for, None where there are several."""
    text = re.sub(r"\[([*?\[])\]", r"\1", pattern)
    return text if literal(text) == pattern or not re.search(r"[*?]", pattern) else None


def _reasons(match: Match, device: Device) -> Iterable[str]:
    if match.device:
        yield "" if any(_is_device(device, asked) for asked in match.device) else f"it is {device.id}"
    for key, words in _WORDS.items():
        patterns, text = getattr(match, key), getattr(device, key)
        if patterns and not any(text_is_like(text, pattern) for pattern in patterns):
            yield f"its {words} is “{text}”" if text else f"it says no {words}"
    if match.port and not any(text_is_like(device.port, asked) for asked in match.port):
        yield f"it is at port {device.port}"
    if match.parent and not any(text_is_like(device.parent, asked) for asked in match.parent):
        yield f"it is below the hub at {device.parent}" if device.parent else "there is no hub above it"
    # An empty hash is one that could not be made: it is like none.
    if match.hash and (not device.hash or device.hash not in match.hash):
        yield "its descriptors have another hash"
    if match.parent_hash and (not device.parent_hash or device.parent_hash not in match.parent_hash):
        yield "the hub above it has another hash"
    if match.connect and device.connect not in match.connect:
        yield f"its port is {device.connect}"
    yield from _interface_reasons(match.interfaces, device)


def _interface_reasons(asked: Interfaces, device: Device) -> Iterable[str]:
    has = device.interfaces
    if asked.any and not any(like_any(one, asked.any) for one in has):
        yield f"no interface is {_or(asked.any)}"
    for pattern in asked.all:
        if not any(is_like(one, pattern) for one in has):
            yield f"no interface is {pattern}"
    if (asked.only or asked.none or asked.exactly) and not device.whole:
        # There may be interfaces nobody could read.
        yield "its interfaces could not be read to the end"
    if asked.only:
        yield _outside(asked.only, has)
    if asked.none and (found := [one for one in has if like_any(one, asked.none)]):
        yield f"it has {_shown(found)}"
    if asked.exactly:
        yield _inexact(asked.exactly, has)


def _outside(patterns: Sequence[str], has: Sequence[Interface]) -> str:
    if not has:
        return "it has no interfaces"
    others = [one for one in has if not like_any(one, patterns)]
    return f"it also has {_shown(others)}" if others else ""


def _inexact(patterns: Sequence[str], has: Sequence[Interface]) -> str:
    if len(patterns) != len(has):
        return f"it has {len(has)} interfaces, not {len(patterns)}"
    for pattern in patterns:
        if not any(is_like(one, pattern) for one in has):
            return f"no interface is {pattern}"
    return _outside(patterns, has)


def _said_of_interfaces(asked: Interfaces, device: Device) -> list[str]:
    like = [[one for one in device.interfaces if like_any(one, patterns)] for patterns in (asked.any, asked.all)]
    said = [f"it has {_shown(found)}" for found in like if found]
    if asked.only or asked.exactly:
        said.append(f"it has nothing but {_shown(device.interfaces)}")
    if asked.none:
        said.append(f"it has no {_or(asked.none)}")
    return said


def _is_device(device: Device, asked: str) -> bool:
    vendor, product = asked.split(":")
    return vendor in ("*", f"{device.vendor:04x}") and product in ("*", f"{device.product:04x}")


@functools.lru_cache(maxsize=4096)
def _triple(pattern: str) -> tuple[int | None, int | None, int | None]:
    cls, subclass, protocol = (None if part == "*" else int(part, 16) for part in pattern.split(":"))
    return cls, subclass, protocol


@functools.lru_cache(maxsize=4096)
def _shell_pattern(pattern: str) -> str:
    # fnmatch knows more than a rule does: `[abc]`, so every other bracket is put into brackets.
    parts = re.findall(r"\[[*?\[]\]|[*?]|.", pattern, re.DOTALL)
    return "".join("[[]" if part == "[" else part for part in parts)


def _shown(interfaces: Iterable[Interface], most: int = 4) -> str:
    """Name interfaces, each kind once: ``storage (08:06:50) and sound (01:01:00, 01:02:00)``."""
    kinds: dict[str, dict[str, None]] = {}
    for one in interfaces:
        kinds.setdefault(class_name(one.cls, one.subclass, one.protocol), {})[str(one)] = None
    named = [f"{name} ({', '.join(list(triples)[:most])})" for name, triples in list(kinds.items())[:most]]
    rest = [f"{len(kinds) - most} more kinds"] if len(kinds) > most else []
    return " and ".join(named + rest) or "no interface"


def _or(words: Sequence[str]) -> str:
    return " or ".join(words[:4]) + (" or others" if len(words) > 4 else "")  # noqa: PLR2004  as many as fit a line
