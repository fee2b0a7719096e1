"""Objects of the API as dataclasses: each field knows its key, its reader and its default (pure).

A record is read whole: every field that is wrong is noted, and with one note there is no record. Null, and for
words and addresses the empty text, is as absent; unknown keys are kept in ``extra`` and answered.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from appliance.errors import BadInputError
from appliance.exchange.fields import Identifier, Reader, WrongValueError, kind_of
from appliance.exchange.moment import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.json_edge import Json, JsonObject

Record = TypeVar("Record")
Value = TypeVar("Value")
_WIRE: Final = "wire"
_PLAIN: Final = frozenset({bool, int, float, str, type(None)})
_KNOWN: Final[dict[type[Any], tuple[tuple[str, Wire[Any]], ...]]] = {}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field.

    Attributes:
        path: which, such as ``rules.allow_voices`` or ``desktopAppAllowedProcesses[3]``; ``body`` is the whole.
        reason: why, in words that follow the field's name.
    """

    path: str
    reason: str


class ParametersError(BadInputError):
    """Parameters are wrong; ``fields`` names every one of them. Nothing was taken over."""

    code = "parameters.wrong"
    status = 400

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        count, first = len(problems), f"{problems[0].path}: {problems[0].reason}"
        super().__init__(
            f"One field is wrong: {first}" if count == 1 else f"{count} fields are wrong; the first: {first}",
            hint="Correct what is named and send it again; nothing was stored.",
        )
        self.fields = problems


@dataclass(frozen=True, slots=True)
class Wire(Generic[Value]):
    """How a field looks on the wire.

    Attributes:
        key: its name there.
        read: makes the value of JSON that is not null, or raises WrongValueError.
        default: the value where there is none; nothing if `required`.
        required: whether its absence is a problem.
        empty: whether an empty text counts as absent.
    """

    key: str
    read: Reader[Value]
    default: Value | None
    required: bool = False
    empty: bool = False


def wire(key: str, read: Reader[Value], default: Value | None = None, *, empty: bool = False) -> Any:
    """Return a dataclass field that may be absent."""
    return dataclasses.field(metadata={_WIRE: Wire(key, read, default, empty=empty)})


def needed(key: str, read: Reader[Value]) -> Any:
    """Return a dataclass field that must be there."""
    return dataclasses.field(metadata={_WIRE: Wire(key, read, None, required=True)})


class Reading:
    """A JSON object that is being read: its fields are taken out one by one, what is wrong is noted."""

    def __init__(self, source: JsonObject, problems: list[FieldProblem], path: str = "") -> None:
        self.left = dict(source)
        self.problems = problems
        self.path = path

    def take(self, one: Wire[Value]) -> Value | None:
        """Take a field out and return its value; with a problem noted, what is returned means nothing."""
        value = self.left.pop(one.key, None)
        if value is None or (one.empty and value == ""):
            if one.required:
                self.note(one.key, "is missing.")
            return one.default
        try:
            return one.read(value)
        except ParametersError as problem:
            for inner in problem.fields:
                self.note(f"{one.key}.{inner.path}", inner.reason)
        except WrongValueError as problem:
            self.note(f"{one.key}{problem.where}", problem.reason)
        return one.default

    def note(self, path: str, reason: str) -> None:
        """Note that a field is wrong."""
        self.problems.append(FieldProblem(f"{self.path}{path}", reason))


def read_fields(kind: type[Record], reading: Reading) -> dict[str, Any]:
    """Take a record's fields out of what is being read; return them by the names of the dataclass."""
    left = reading.left  # most are absent from most: those are not looked at twice
    return {name: reading.take(one) if one.required or one.key in left else one.default for name, one in _wires(kind)}


def _wires(kind: type[Any]) -> tuple[tuple[str, Wire[Any]], ...]:
    """Return a record's fields that are on the wire: name and how it looks there. Looked up once each."""
    found = _KNOWN.get(kind)
    if found is None:
        found = _KNOWN[kind] = tuple((one.name, one.metadata[_WIRE]) for one in fields(kind) if _WIRE in one.metadata)
    return found


def settled(kind: Callable[..., Record], values: dict[str, Any], reading: Reading) -> Record:
    """Return the record of the values.

    Raises:
        ParametersError: something was noted.
    """
    if reading.problems:
        raise ParametersError(tuple(reading.problems))
    return kind(**values)


def nested(kind: type[Record]) -> Reader[Record]:
    """Return a reader of a record inside another; an empty list is an empty object, as PHP writes one."""

    def read(value: Json) -> Record:
        reading = Reading(object_of(value), [])
        values = read_fields(kind, reading)
        return settled(kind, {**values, "extra": reading.left}, reading)

    return Reader(read, or_empty_list(schema_of(kind)))


def object_of(value: Json) -> JsonObject:
    """Return a JSON object; an empty list is an empty one, as PHP writes it.

    Raises:
        WrongValueError: it is neither.
    """
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise WrongValueError(f"has to be an object, not {kind_of(value)}.")
    return value


def schema_of(*kinds: type[Any]) -> JsonObject:
    """Return the JSON Schema (2020-12) of an object that holds these records: what is needed, and every default."""
    wires = [one.metadata[_WIRE] for kind in kinds for one in fields(kind) if _WIRE in one.metadata]
    needed_keys: list[Json] = [one.key for one in wires if one.required]
    return {"type": "object", "properties": {one.key: _property(one) for one in wires}, "required": needed_keys}


def or_empty_list(schema: JsonObject) -> JsonObject:
    """Return the schema of an object that PHP writes as a list when it is empty."""
    return {"anyOf": [schema, {"type": "array", "maxItems": 0}]}


def _property(one: Wire[Any]) -> Json:
    if one.required:
        return one.read.schema
    taken: list[Json] = [one.read.schema, {"type": "null"}]
    if one.empty:
        taken.append({"const": ""})
    return {"anyOf": taken, "default": _json_of(one.default)}


def written(record: Any) -> JsonObject:
    """Return a record as JSON: every key, then those that are not known here."""
    values = ((one.key, getattr(record, name)) for name, one in _wires(type(record)))
    found = {key: value if type(value) in _PLAIN else _json_of(value) for key, value in values}
    return {**found, **getattr(record, "extra", {})}


def _json_of(value: Any) -> Json:
    if isinstance(value, Identifier):
        return value.sent
    if isinstance(value, Moment):
        return value.text
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str):  # of a word, the text
        return str(value)
    as_json = getattr(value, "as_json", None)
    if as_json is not None:
        found: Json = as_json()
        return found
    result: Json = value
    return result
