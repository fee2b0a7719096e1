"""Values of single fields: JSON in, typed value or the reason why not out; what is taken, as JSON Schema (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import urlsplit

from appliance.exchange.moment import Moment, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from appliance.exchange.json_edge import Json, JsonObject

Word = TypeVar("Word", bound="StrEnum")
Value = TypeVar("Value")
Other = TypeVar("Other")
MAX_URL: Final = 2048
_URL: Final = re.compile(r"[^\x00-\x20\x7f\\<>\"]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_MAX_IN_LIST: Final = 1000
_MAX_LANGUAGE: Final = 35
_MAX_INTEGER: Final = 2**63 - 1


class WrongValueError(ValueError):
    """A field's value is wrong; the text says why, for whoever sent it.

    Attributes:
        where: the place inside the value, such as ``[3]``.
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


@dataclass(frozen=True, slots=True)
class Identifier:
    """Somebody else's name for a thing: compared as text, answered as it was sent.

    Attributes:
        text: what it is kept and compared as; ``7`` and ``"7"`` are the same.
        sent: a text or a whole number, as its sender spelled it.
    """

    text: str
    sent: str | int


@dataclass(frozen=True, slots=True)
class Reader(Generic[Value]):
    """Makes a typed value of JSON that is not null, and states what it takes.

    Attributes:
        read: raises WrongValueError.
        schema: JSON Schema; never refuses what `read` takes, but cannot say everything that `read` refuses.
    """

    read: Callable[[Json], Value]
    schema: JsonObject

    def __call__(self, value: Json) -> Value:
        """Return the typed value.

        Raises:
            WrongValueError: says why there is none.
        """
        return self.read(value)

    def then(self, change: Callable[[Value], Other]) -> Reader[Other]:
        """Return a reader of the same JSON that makes another value."""
        return Reader(lambda value: change(self.read(value)), self.schema)


NO_IDENTIFIER: Final = Identifier("", "")


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError(f"has to be true or false, not {kind_of(value)}.")
    return value


flag: Final = Reader(_flag, {"type": "boolean"})
"""Reads true or false."""


def whole(low: int, high: int) -> Reader[int]:
    """Return a reader of whole numbers; ``120.0`` is one."""

    def read(value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1:
            raise WrongValueError(f"has to be a whole number, not {kind_of(value)}.")
        if not low <= value <= high:
            raise WrongValueError(f"has to lie in {low} to {high}.")
        return int(value)

    return Reader(read, {"type": "integer", "minimum": low, "maximum": high})


def number(low: float, high: float) -> Reader[float]:
    """Return a reader of numbers; a whole one stays whole."""

    def read(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise WrongValueError(f"has to be a number, not {kind_of(value)}.")
        if not low <= value <= high:
            raise WrongValueError(f"has to lie in {low} to {high}.")
        return value

    return Reader(read, {"type": "number", "minimum": low, "maximum": high})


def text(longest: int) -> Reader[str]:
    """Return a reader of texts of any Unicode, empty ones too."""

    def read(value: Json) -> str:
        if not isinstance(value, str):
            raise WrongValueError(f"has to be a text, not {kind_of(value)}.")
        if len(value) > longest:
            raise WrongValueError(f"is longer than {longest} characters.")
        if "\0" in value:
            raise WrongValueError("holds the character NUL.")
        return value

    return Reader(read, {"type": "string", "maxLength": longest})


def optional_text(longest: int) -> Reader[str | None]:
    """Return a reader of texts of which an empty one is as none."""
    return text(longest).then(lambda value: value or None)


def texts(longest: int) -> Reader[tuple[str, ...]]:
    """Return a reader of lists of texts."""
    read_one = text(longest)

    def read(value: Json) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise WrongValueError(f"has to be a list of texts, not {kind_of(value)}.")
        if len(value) > _MAX_IN_LIST:
            raise WrongValueError(f"has more than {_MAX_IN_LIST} entries.")
        found = []
        for index, one in enumerate(value):
            try:
                found.append(read_one(one))
            except WrongValueError as problem:
                raise WrongValueError(problem.reason, f"[{index}]") from problem
        return tuple(found)

    return Reader(read, {"type": "array", "maxItems": _MAX_IN_LIST, "items": read_one.schema})


def identifier(longest: int, *, empty: bool = False) -> Reader[Identifier]:
    """Return a reader of identifiers, texts or whole numbers."""
    read_text = text(longest)

    def read(value: Json) -> Identifier:
        if isinstance(value, int) and not isinstance(value, bool) and -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return Identifier(str(value), value)
        if not isinstance(value, str):
            raise WrongValueError(f"has to be a text or a whole number, not {kind_of(value)}.")
        if not value and not empty:
            raise WrongValueError("is empty.")
        return Identifier(read_text(value), value)

    return Reader(read, {"type": ["string", "integer"], "minLength": 0 if empty else 1, "maxLength": longest})


def _url(value: Json) -> str | None:
    address = text(MAX_URL)(value)
    if not address:
        return None
    try:
        parts = urlsplit(address)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not _URL.fullmatch(address):
        raise WrongValueError("has to be an address that begins with http:// or https://.")
    return address


url: Final = Reader(_url, {"type": "string", "maxLength": MAX_URL, "pattern": "^([Hh][Tt][Tt][Pp][Ss]?://|$)"})
"""Reads an address of http or https; an empty text is as none."""


def _required_url(value: Json) -> str:
    found = url(value)
    if found is None:
        raise WrongValueError("is empty.")
    return found


required_url: Final = Reader(
    _required_url, {"type": "string", "maxLength": MAX_URL, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}
)
"""Reads an address of http or https."""


def _language(value: Json) -> str | None:
    tag = text(_MAX_LANGUAGE)(value)
    if tag and not _LANGUAGE.fullmatch(tag):
        raise WrongValueError("has to be a language of ISO 639-1, such as en or zh-cn.")
    return tag or None


language: Final = Reader(_language, {"type": "string", "maxLength": _MAX_LANGUAGE})
"""Reads a language tag as it was sent, such as ``en`` or ``zh-cn``; an empty text is as none."""


def _moment(value: Json) -> Moment:
    if not isinstance(value, str):
        raise WrongValueError(f"has to be a date and time as text, not {kind_of(value)}.")
    try:
        return parse_moment(value)
    except ValueError as problem:
        raise WrongValueError(str(problem)) from problem


moment: Final = Reader(
    _moment,
    {"type": "string", "description": "ISO 8601 with offset: Z, +hh:mm or +hhmm", "examples": ["2018-03-27T00:00:00Z"]},
)
"""Reads a date-time with offset."""


def one_of(words: type[Word]) -> Reader[Word]:
    """Return a reader of one of some words."""
    allowed = ", ".join(words)

    def read(value: Json) -> Word:
        if not isinstance(value, str):
            raise WrongValueError(f"has to be one of {allowed}, not {kind_of(value)}.")
        try:
            return words(value)
        except ValueError as problem:
            raise WrongValueError(f"has to be one of {allowed}.") from problem

    return Reader(read, {"type": "string", "enum": list(words)})


def kind_of(value: Json) -> str:
    """Return what a JSON value is, in the words of JSON."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "a text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")
