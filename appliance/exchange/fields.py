"""Values of single fields: JSON in, typed value out, or the reason why not (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from appliance.exchange.moment import Moment, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from appliance.exchange.json_edge import Json

Word = TypeVar("Word", bound="StrEnum")
MAX_URL: Final = 2048
_URL: Final = re.compile(r"[^\x00-\x20\x7f\\<>\"]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_MAX_IN_LIST: Final = 1000
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


NO_IDENTIFIER: Final = Identifier("", "")


def flag(value: Json) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise WrongValueError(f"has to be true or false, not {kind_of(value)}.")
    return value


def whole(low: int, high: int) -> Callable[[Json], int]:
    """Return a reader of whole numbers; ``120.0`` is one."""

    def read(value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1:
            raise WrongValueError(f"has to be a whole number, not {kind_of(value)}.")
        if not low <= value <= high:
            raise WrongValueError(f"has to lie in {low} to {high}.")
        return int(value)

    return read


def number(low: float, high: float) -> Callable[[Json], float]:
    """Return a reader of numbers; a whole one stays whole."""

    def read(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise WrongValueError(f"has to be a number, not {kind_of(value)}.")
        if not low <= value <= high:
            raise WrongValueError(f"has to lie in {low} to {high}.")
        return value

    return read


def text(longest: int) -> Callable[[Json], str]:
    """Return a reader of texts of any Unicode, empty ones too."""

    def read(value: Json) -> str:
        if not isinstance(value, str):
            raise WrongValueError(f"has to be a text, not {kind_of(value)}.")
        if len(value) > longest:
            raise WrongValueError(f"is longer than {longest} characters.")
        if "\0" in value:
            raise WrongValueError("holds the character NUL.")
        return value

    return read


def optional_text(longest: int) -> Callable[[Json], str | None]:
    """Return a reader of texts of which an empty one is as none."""
    read = text(longest)
    return lambda value: read(value) or None


def texts(longest: int) -> Callable[[Json], tuple[str, ...]]:
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

    return read


def identifier(longest: int, *, empty: bool = False) -> Callable[[Json], Identifier]:
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

    return read


def url(value: Json) -> str | None:
    """Return an address of http or https; an empty text is as none."""
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


def required_url(value: Json) -> str:
    """Return an address of http or https."""
    found = url(value)
    if found is None:
        raise WrongValueError("is empty.")
    return found


def language(value: Json) -> str | None:
    """Return a language tag as it was sent, such as ``en`` or ``zh-cn``; an empty text is as none."""
    tag = text(35)(value)
    if tag and not _LANGUAGE.fullmatch(tag):
        raise WrongValueError("has to be a language of ISO 639-1, such as en or zh-cn.")
    return tag or None


def moment(value: Json) -> Moment:
    """Return a date-time with offset."""
    if not isinstance(value, str):
        raise WrongValueError(f"has to be a date and time as text, not {kind_of(value)}.")
    try:
        return parse_moment(value)
    except ValueError as problem:
        raise WrongValueError(str(problem)) from problem


def one_of(words: type[Word]) -> Callable[[Json], Word]:
    """Return a reader of one of some words."""
    allowed = ", ".join(words)

    def read(value: Json) -> Word:
        if not isinstance(value, str):
            raise WrongValueError(f"has to be one of {allowed}, not {kind_of(value)}.")
        try:
            return words(value)
        except ValueError as problem:
            raise WrongValueError(f"has to be one of {allowed}.") from problem

    return read


def kind_of(value: Json) -> str:
    """Return what a JSON value is, in the words of JSON."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "a text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")
