"""JSON from outside: capped in size and depth, exact, or refused with what is wrong and where (pure)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""A JSON value: numbers are finite, texts can be written as UTF-8."""
JsonObject: TypeAlias = dict[str, Json]

MAX_NAME_SHOWN: Final = 60
"""Characters of somebody else's key that an error repeats."""
_MAX_INTEGER: Final = 2**63 - 1
_MAX_DIGITS: Final = 40
_MAX_PATH: Final = 200
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
"""Texts as a whole, and the brackets outside of them; a text without an end takes the rest, so that time is linear."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much JSON is taken.

    Attributes:
        size: bytes of the whole.
        depth: lists and objects inside one another.
    """

    size: int
    depth: int


BODY: Final = Limits(size=256 * 1024, depth=16)
"""What a request's body may be."""


class JsonError(BadInputError):
    """A body is not JSON as it is taken here; ``path`` says where, in the words of ``exam.rules[3]``."""

    code = "json.bad"
    status = 400

    def __init__(self, path: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{path or 'body'}: {reason}", hint=hint)
        self.path = path or "body"
        self.reason = reason


class JsonTooLargeError(JsonError):
    """A body is longer than is taken; nothing of it was read."""

    code = "json.too_large"
    status = 413


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands in the parsed tree where something is wrong, until its place is known."""

    reason: str


def parse_object(data: bytes, limits: Limits = BODY) -> JsonObject:
    """Return the JSON object that the bytes are.

    Raises:
        JsonError: as of `parse_json`, or it is JSON but not an object.
    """
    value = parse_json(data, limits)
    if not isinstance(value, dict):
        raise JsonError("", "has to be a JSON object.")
    return value


def parse_json(data: bytes, limits: Limits = BODY) -> Json:
    """Return the JSON value that the bytes are.

    Raises:
        JsonTooLargeError: more bytes than the limit.
        JsonError: not UTF-8, not JSON, too deep, a key given twice, a number that is not finite or beyond 64 bits,
            a text that is not Unicode.
    """
    if len(data) > limits.size:
        raise JsonTooLargeError("", f"is longer than {limits.size} bytes.")
    # As many brackets as there may be levels cannot lie deeper, whatever is in texts: most need no closer look.
    if data.count(b"{") + data.count(b"[") > limits.depth and depth_of(data) > limits.depth:
        raise JsonError("", f"has more than {limits.depth} lists and objects inside one another.")
    reader = _Reader()
    value = reader.read(data)
    if reader.flawed or _SURROGATE.search(data):
        flaw = next(_flaws("", value), None)
        if flaw:
            raise JsonError(*flaw)
    return value  # type: ignore[return-value]  # without flaws it is what `Json` says


def depth_of(data: bytes) -> int:
    """Return how deep lists and objects lie inside one another at most; takes time linear in the data."""
    depth = deepest = 0
    for found in _STRUCTURE.finditer(data):
        sign = found[0][0]
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"]}":
            depth -= 1
    return deepest


def key_shown(key: str) -> str:
    """Return a key of somebody else's as an error may repeat it: short, and without what a terminal would act on."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in key[:MAX_NAME_SHOWN])


class _Reader:
    """Reads JSON; where something is wrong a `_Flaw` lies in the tree, so that its place can be named."""

    def __init__(self) -> None:
        self.flawed = False

    def read(self, data: bytes) -> object:
        """Return what the bytes say, with flaws in it."""
        try:
            value: object = json.loads(
                data.decode("utf-8"),
                object_pairs_hook=self._object,
                parse_int=self._integer,
                parse_float=self._float,
                parse_constant=lambda name: self._flaw(f"{name} is not a JSON number."),
            )
        except UnicodeDecodeError as problem:
            raise JsonError("", f"is not UTF-8 at byte {problem.start + 1}.") from problem
        except json.JSONDecodeError as problem:
            raise JsonError("", f"is not JSON at line {problem.lineno}, column {problem.colno}.") from problem
        return value

    def _flaw(self, reason: str) -> _Flaw:
        self.flawed = True
        return _Flaw(reason)

    def _object(self, pairs: list[tuple[str, object]]) -> object:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        return self._flaw(f"the key {key_shown(twice)} is given more than once.")

    def _integer(self, text: str) -> object:
        if len(text) > _MAX_DIGITS or not -_MAX_INTEGER - 1 <= (value := int(text)) <= _MAX_INTEGER:
            return self._flaw("is a whole number beyond 64 bits.")
        return value

    def _float(self, text: str) -> object:
        if len(text) > _MAX_DIGITS or not math.isfinite(value := float(text)):
            return self._flaw("is a number that is too long or too large.")
        return value


def _flaws(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield place and reason of what is wrong in a parsed tree."""
    if isinstance(value, _Flaw):
        yield path, value.reason
    elif isinstance(value, str):
        if not _is_unicode(value):
            yield path, "holds half of a surrogate pair, which is not Unicode."
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _flaws(path, key)
            yield from _flaws(f"{path}.{key_shown(key)}".lstrip(".")[:_MAX_PATH], one)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _flaws(f"{path}[{index}]", one)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
