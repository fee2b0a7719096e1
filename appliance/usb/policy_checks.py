"""The forms of what stands in a rule: checked, and brought to the one way they are kept in.

Each function takes the key (for the message) and the values, and raises ValueError with ``key: what is wrong``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from appliance.usb.model import TEXT_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEVICE: Final = re.compile(r"[0-9a-fA-F]{4}:([0-9a-fA-F]{4}|\*)|\*:\*")
_INTERFACE: Final = re.compile(r"([0-9a-fA-F]{2}|\*):([0-9a-fA-F]{2}|\*):([0-9a-fA-F]{2}|\*)")
_PLACE: Final = re.compile(r"[a-z0-9.*?-]{1,64}")
_PORT: Final = re.compile(r"[a-z0-9.-]{1,64}")
_HASH: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,128}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
# Unprintable, turning the direction of what follows, or halves of a character: no text of a policy holds one, and
# `cleaning.py` leaves none in a device's words.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_PATTERN_CHARACTERS: Final = 3 * TEXT_CHARACTERS  # every character may stand in brackets


def as_device_ids(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return vendor:product pairs in lower case."""
    return tuple(_checked(key, value, _DEVICE, "no vendor:product, such as 0781:5581 or 0781:*") for value in values)


def as_interfaces(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return class:subclass:protocol triples in lower case."""
    return tuple(_checked(key, value, _INTERFACE, "no interface, such as 08:06:50 or 08:*:*") for value in values)


def as_places(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return ports, with ``*`` and ``?``."""
    return tuple(_checked(key, value, _PLACE, "no port, such as 1-1.4 or 1-1.*", lower=False) for value in values)


def as_ports(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return ports as they are, without wildcards."""
    return tuple(_checked(key, value, _PORT, "no port, such as 1-1.4", lower=False) for value in values)


def as_hashes(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return hashes as they are."""
    return tuple(_checked(key, value, _HASH, "no hash", lower=False) for value in values)


def as_texts(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of a device's words as they are."""
    for value in values:
        if len(value) > _PATTERN_CHARACTERS:
            raise ValueError(f"{key}: a text is longer than {_PATTERN_CHARACTERS} characters")
        if _UNSAFE.search(value):
            raise ValueError(f"{key}: a text holds a control character")
    return tuple(values)


def as_minutes(key: str, text: str) -> int:
    """Return a time of day as minutes since midnight."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(f"{key}: “{_shown(text)}” is no time of day, such as 08:00")
    hours, minutes = (part for part in found.groups() if part is not None)
    return int(hours) * 60 + int(minutes)


def as_words(key: str, text: str) -> str:
    """Return what a person wrote, of several lines or one."""
    if _UNSAFE.search(text.replace("\n", "").replace("\t", "")):
        raise ValueError(f"{key}: holds a control character")
    return text


def safe_words(text: str) -> str:
    """Return a text that `as_words` takes: what may not stand in it is replaced."""
    return "\n".join(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", line.replace("\t", " ")) for line in text.split("\n"))


def _checked(key: str, value: str, form: re.Pattern[str], what: str, *, lower: bool = True) -> str:
    if not form.fullmatch(value):
        raise ValueError(f"{key}: “{_shown(value)}” is {what}")
    return value.lower() if lower else value


def _shown(text: str) -> str:
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text[:40])
