"""What an LMS says of a candidate's reference photo (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exchange.fields import Reader, flag, optional_text, url
from appliance.exchange.record import (
    FieldProblem,
    ParametersError,
    needed,
    nested,
    object_of,
    or_empty_list,
    schema_of,
    wire,
    written,
)

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json, JsonObject

_MAX_WORD: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PreliminaryCheck:
    """Whether the candidate is compared with a reference photo before the start, and where it is."""

    enabled: bool = needed("enabled", flag)
    photo_url: str | None = wire("photo_url", url)
    extra: JsonObject

    def as_json(self) -> JsonObject:
        """Return every key, then those that are not known here."""
        return written(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BiometricIdentification:
    """Whether and how a candidate's face is compared by software."""

    enabled: bool = wire("enabled", flag, default=False)
    photo_url: str | None = wire("photo_url", url)
    skip_fail: bool = wire("skip_fail", flag, default=False)
    flow: str | None = wire("flow", optional_text(_MAX_WORD))
    theme: str | None = wire("theme", optional_text(_MAX_WORD))
    extra: JsonObject

    def as_json(self) -> JsonObject:
        """Return every key, then those that are not known here."""
        return written(self)


_EMPTY: Final[JsonObject] = {"type": "object", "maxProperties": 0}


def _preliminary_check(value: Json) -> PreliminaryCheck | None:
    if not object_of(value):
        return None
    found = nested(PreliminaryCheck)(value)
    if found.enabled and found.photo_url is None:
        raise ParametersError((FieldProblem("photo_url", "is missing."),))
    return found


def _biometric_identification(value: Json) -> BiometricIdentification | None:
    return nested(BiometricIdentification)(value) if object_of(value) else None


read_preliminary_check: Final = Reader(
    _preliminary_check, or_empty_list({"anyOf": [_EMPTY, schema_of(PreliminaryCheck)]})
)
"""Reads ``preliminaryCheck``; an empty object is as none."""
read_biometric_identification: Final = Reader(
    _biometric_identification, or_empty_list(schema_of(BiometricIdentification))
)
"""Reads ``biometricIdentification``; an empty object is as none."""
