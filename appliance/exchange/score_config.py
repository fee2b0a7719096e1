"""How warnings are weighed: the object ``scoreConfig`` in either of its spellings (pure)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from appliance.exchange.fields import Reader, number
from appliance.exchange.record import Reading, Wire, object_of, or_empty_list, settled

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json, JsonObject

_LEVEL: Final = number(0, 100)
_WEIGHT: Final = number(0, 10)
_CAMEL: Final = {
    "cheater_level": "cheaterLevel",
    "extra_user": "extraUserInFrame",
    "user_replaced": "substitutionUser",
    "absent_user": "noUserInFrame",
    "look_away": "avertEyes",
    "active_window_changed": "changeActiveWindowOnComputer",
    "forbidden_device": "forbiddenDevice",
    "voice": "voiceDetected",
    "phone": "phone",
}
_NAMES: Final = {**{name: name for name in _CAMEL}, **{camel: name for name, camel in _CAMEL.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreConfig:
    """The level from which a session is to be rejected, 0 to 100, and weights of warnings, 0 to 10.

    Attributes:
        spelling: the keys it is answered with, which are the sender's.
        extra: keys that are not known here.
    """

    cheater_level: float = 80
    extra_user: float = 1
    user_replaced: float = 1
    absent_user: float = 2
    look_away: float = 1.5
    active_window_changed: float = 1
    forbidden_device: float = 1
    voice: float = 1
    phone: float = 1
    spelling: tuple[str, ...]
    extra: JsonObject

    def as_json(self) -> JsonObject:
        """Return every value under its sender's key, then those that are not known here."""
        values: JsonObject = {key: getattr(self, _NAMES[key]) for key in self.spelling}
        return {**values, **self.extra}


def _score_config(value: Json) -> ScoreConfig:
    source = object_of(value)
    reading = Reading(source, [])
    values: dict[str, Any] = {name: _take(reading, name, default) for name, default in _DEFAULTS.items()}
    spelling = _spelling(source)
    return settled(ScoreConfig, {**values, "spelling": spelling, "extra": reading.left}, reading)


def _schema() -> JsonObject:
    """Return what is taken: either spelling of each value, null for its default."""
    null: JsonObject = {"type": "null"}
    schemas = {key: _LEVEL.schema if name == "cheater_level" else _WEIGHT.schema for key, name in _NAMES.items()}
    return {"type": "object", "properties": {key: {"anyOf": [one, null]} for key, one in schemas.items()}}


read_score_config: Final = Reader(_score_config, or_empty_list(_schema()))
"""Reads ``scoreConfig``; a value may be given in both spellings if they agree."""


_DEFAULTS: Final = {one.name: one.default for one in fields(ScoreConfig) if one.name in _CAMEL}
_WIRES: Final = {
    name: tuple(Wire(key, _LEVEL if name == "cheater_level" else _WEIGHT, None) for key in dict.fromkeys((name, camel)))
    for name, camel in _CAMEL.items()
}
"""Each value in both spellings, as they are read."""


def _take(reading: Reading, name: str, default: Any) -> float:
    given = [reading.take(one) for one in _WIRES[name] if one.key in reading.left]
    found = [one for one in given if one is not None]
    if len(set(found)) > 1:
        reading.note(_CAMEL[name], f"differs from {name}, which is the same in the other spelling.")
    return found[0] if found else default


def _spelling(source: JsonObject) -> tuple[str, ...]:
    """Return the keys to answer with: those that were sent, for the rest those of the same style."""
    snake = any(key in source for key, camel in _CAMEL.items() if key != camel)
    camel = any(key in source for name, key in _CAMEL.items() if key != name)
    keys: list[str] = []
    for name, other in _CAMEL.items():
        sent = [key for key in dict.fromkeys((name, other)) if key in source]
        keys += sent or [name if snake and not camel else other]
    return tuple(keys)


DEFAULT_SCORE_CONFIG: Final = read_score_config({})
