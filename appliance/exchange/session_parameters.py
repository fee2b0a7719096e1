"""What the LMS says of a candidate and a session: on the hand-over, at the finish, for a reviewer (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exchange.exam_parameters import ExamParameters, read_exam_fields, reading_of
from appliance.exchange.fields import Identifier, identifier, language, optional_text, required_url, text, url
from appliance.exchange.record import needed, or_empty_list, read_fields, schema_of, settled, wire, written

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json, JsonObject

_MAX: Final = 255
_MAX_EMAIL: Final = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A candidate or a reviewer, as the LMS names them."""

    user_id: Identifier = needed("userId", identifier(_MAX))
    email: str | None = wire("email", optional_text(_MAX_EMAIL))
    last_name: str = wire("lastName", text(_MAX), "")
    first_name: str = wire("firstName", text(_MAX), "")
    third_name: str = wire("thirdName", text(_MAX), "")
    language: str | None = wire("language", language)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParameters:
    """One candidate's attempt: the LMS's name for it, its test page, and where the candidate goes afterwards."""

    session_id: Identifier = needed("sessionId", identifier(_MAX))
    session_url: str = needed("sessionUrl", required_url)
    session_finish_url: str | None = wire("sessionFinishUrl", url)


@dataclass(frozen=True, slots=True)
class StartParameters:
    """All that a start token holds; keys that are not known here are the exam's ``extra``."""

    person: Person
    session: SessionParameters
    exam: ExamParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveParameters:
    """A reviewer whom the LMS sends to a session's recording.

    Attributes:
        return_url: where the reviewer goes afterwards.
        extra: keys that are not known here.
    """

    session_id: Identifier = needed("sessionId", identifier(_MAX))
    return_url: str | None = wire("returnUrl", url)
    person: Person
    extra: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishParameters:
    """What may come with the finish of a session."""

    session_finish_url: str | None = wire("sessionFinishUrl", url)
    extra: JsonObject


def parse_start(parameters: Json) -> StartParameters:
    """Return what a start token's parameters (`Token.parameters`) say.

    Raises:
        ParametersError: names every field that is wrong.
    """
    reading = reading_of(parameters)
    person = read_fields(Person, reading)
    session = read_fields(SessionParameters, reading)
    exam = read_exam_fields(reading)
    return StartParameters(
        settled(Person, person, reading),
        settled(SessionParameters, session, reading),
        settled(ExamParameters, {**exam, "extra": reading.left}, reading),
    )


def actual_start(start: StartParameters) -> JsonObject:
    """Return a hand-over's parameters after defaults: every key, its sender's spelling, unknown keys too."""
    return {**written(start.person), **written(start.session), **written(start.exam)}


def start_schema() -> JsonObject:
    """Return the JSON Schema of a start token's parameters, as they are taken."""
    return schema_of(Person, SessionParameters, ExamParameters)


def finish_schema() -> JsonObject:
    """Return the JSON Schema of a finish's body, as it is taken."""
    return {"anyOf": [or_empty_list(schema_of(FinishParameters)), {"type": "null"}]}


def parse_archive(parameters: Json) -> ArchiveParameters:
    """Return what an archive token's parameters (`Token.parameters`) say.

    Raises:
        ParametersError: names every field that is wrong.
    """
    reading = reading_of(parameters)
    person = read_fields(Person, reading)
    values = read_fields(ArchiveParameters, reading)
    return settled(
        ArchiveParameters, {**values, "person": settled(Person, person, reading), "extra": reading.left}, reading
    )


def parse_finish(body: Json) -> FinishParameters:
    """Return what the body of a finish says; null and an empty list are as an empty object.

    Raises:
        ParametersError: names every field that is wrong.
    """
    reading = reading_of([] if body is None else body)
    values = read_fields(FinishParameters, reading)
    return settled(FinishParameters, {**values, "extra": reading.left}, reading)
