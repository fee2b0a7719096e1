"""The OpenAPI 3.1 document of the API that an LMS calls, made from what reads and writes its bodies."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.exchange.enums import Conclusion, ScheduleEvent, SessionStatus, WarningType
from appliance.exchange.exam_parameters import exam_schema
from appliance.exchange.json_edge import BODY
from appliance.exchange.problem import CONTENT_TYPE as PROBLEM_TYPE
from appliance.exchange.session_parameters import finish_schema, start_schema
from appliance.web.api.paths import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.json_edge import Json, JsonObject

_REFUSALS: Final = {
    "400": "The parameters, the JSON or the request itself are wrong; `errors` names each field and why."
    " Nothing was stored.",
    "401": "No token, or one that is not good: not signed with this integration's secret, ended, of the future, or"
    " used before.",
    "403": "The integration is switched off on the box.",
    "404": "There is no such integration, or none of its sessions is called so.",
    "405": "The address does not take this method.",
    "413": f"The body is longer than {BODY.size} bytes.",
    "415": "The body is stated to be something else than JSON.",
    "422": "What was sent cannot be used.",
    "429": "Too many calls; `Retry-After` says in how many seconds the next is taken.",
    "503": "The box is busy, or cannot open its secrets; `Retry-After` says when to try again.",
}
_TEXT: Final[JsonObject] = {"type": "string"}
_NAMED: Final[JsonObject] = {"type": ["string", "integer"]}
_MOMENT: Final[JsonObject] = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL: Final[JsonObject] = {"type": ["string", "null"], "format": "date-time"}
_ADDRESS_OR_NULL: Final[JsonObject] = {"type": ["string", "null"]}


@functools.cache
def build() -> JsonObject:
    """Return the document; the same at each call."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "exambox: the API for an LMS",
            "version": __version__,
            "description": "The proctoring JWT API (“simple integration”). Ids may be texts or whole numbers and are"
            " answered as they were sent. A null is as absent. Keys that are not known are kept and answered. An"
            " address may be called with or without the slash at its end.",
        },
        "security": [{"token": []}],
        "paths": {
            f"{PREFIX}integration/simple/{{name}}/exams/": {"post": _exams()},
            f"{PREFIX}integration/simple/{{name}}/sessions/{{sessionId}}/finish/": {"post": _finish()},
            f"{PREFIX}integration/simple/{{name}}/sessions/{{sessionId}}/status/": {"get": _status()},
            f"{PREFIX}openapi.json": {"get": _document()},
        },
        "webhooks": _webhooks(),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`JWT <token>`: a JWT signed with the integration's secret by HS256, with an `exp`"
                    " soon to come (30 s are usual). One with a `jti` is good once.",
                }
            },
            "schemas": {
                "Exam": exam_schema(),
                "ActualExam": _actual(exam_schema()),
                "StartToken": {
                    **start_schema(),
                    "description": "What the token holds that brings a candidate's browser to"
                    " `/integration/simple/{name}/start/?token=…`.",
                },
                "Finish": finish_schema(),
                "Finished": _object(message={"enum": ["finished", "not_changed"]}),
                "SessionStatus": _object(
                    accountId=_NAMED,
                    sessionId=_NAMED,
                    status=_words(SessionStatus),
                    sessionStart=_MOMENT_OR_NULL,
                    sessionEnd=_MOMENT_OR_NULL,
                ),
                "Problem": _problem(),
                **_messages(),
            },
        },
    }


def _exams() -> JsonObject:
    actual: JsonObject = {"application/json": {"schema": _ref("ActualExam")}}
    return {
        "operationId": "exams",
        "summary": "Create an exam, or change it to what is said now.",
        "description": "An exam is known by `accountId` and `examId`. What is answered is what holds now, defaults"
        " filled in.",
        "parameters": [_name()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Exam")}}},
        "responses": {
            "201": {"description": "It was created.", "content": actual},
            "200": {"description": "It was there; it is now as sent.", "content": actual},
            **_refusals(),
        },
    }


def _finish() -> JsonObject:
    return {
        "operationId": "finish",
        "summary": "Finish a session, or give up one that is booked and has not begun.",
        "parameters": [_name(), _session()],
        "requestBody": {"required": False, "content": {"application/json": {"schema": _ref("Finish")}}},
        "responses": {
            "200": {
                "description": "It is finished; `not_changed`: it was before.",
                "content": {"application/json": {"schema": _ref("Finished")}},
            },
            "409": {"description": "The session's state does not allow it.", "content": _problem_content()},
            **_refusals(),
        },
    }


def _status() -> JsonObject:
    return {
        "operationId": "status",
        "summary": "Say how a session stands.",
        "parameters": [_name(), _session()],
        "responses": {
            "200": {
                "description": "How it stands, and from when to when it lasted.",
                "content": {"application/json": {"schema": _ref("SessionStatus")}},
            },
            **_refusals(),
        },
    }


def _document() -> JsonObject:
    return {
        "operationId": "document",
        "summary": "This document.",
        "security": [],
        "responses": {
            "200": {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}},
            "405": {"description": _REFUSALS["405"], "content": _problem_content()},
            "400": {"description": _REFUSALS["400"], "content": _problem_content()},
        },
    }


def _webhooks() -> JsonObject:
    told = {
        "review": ("Review", "What is known of a session so far; sent again each time more is."),
        "schedule": ("Schedule", "A candidate's time was booked or given up."),
        "warning": ("Warning", "Something was noticed; sent again with the same id where it lasted longer."),
        "agreement": ("Agreement", "The candidate has agreed to the exam's terms."),
    }
    return {
        name: {
            "post": {
                "operationId": f"tell_{name}",
                "summary": words,
                "description": "Sent to the address that is set for it on the box's page of integrations, until it is"
                " accepted.",
                "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(schema)}}},
                "responses": {"2XX": {"description": "Accepted."}},
            }
        }
        for name, (schema, words) in told.items()
    }


def _messages() -> JsonObject:
    session: JsonObject = {"accountId": _NAMED, "sessionId": _NAMED}
    warning: JsonObject = {
        "type": {"type": "string", "examples": [one.value for one in WarningType]},
        "start": _MOMENT,
        "end": _MOMENT,
        "cyber": {"type": "boolean", "description": "true: found by software; false: made or confirmed by a person."},
    }
    number: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": 100}
    return {
        "Review": _object(
            **session,
            archive=_ADDRESS_OR_NULL,
            conclusion=_words(Conclusion),
            comment=_TEXT,
            score=number,
            threshold=_object(attention={"type": "number"}, rejected={"type": "number"}),
            sessionStart=_MOMENT_OR_NULL,
            sessionEnd=_MOMENT_OR_NULL,
            warnings={"type": "array", "items": _object(**warning)},
            warningTitles={"type": "object", "additionalProperties": {"type": "object"}},
            reportUrl=_ADDRESS_OR_NULL,
        ),
        "Schedule": _object(
            **session, event=_words(ScheduleEvent), start=_MOMENT_OR_NULL, cancelDeadline=_MOMENT_OR_NULL
        ),
        "Warning": _object(**session, **warning, id={"type": "integer"}),
        "Agreement": _object(**session, timestamp=_MOMENT),
    }


def _actual(schema: JsonObject) -> JsonObject:
    """Return the schema of an answer: every key is there."""
    properties = schema["properties"]
    names: list[Json] = list(properties) if isinstance(properties, dict) else []
    return {**schema, "required": names}


def _problem() -> JsonObject:
    field = _object(field=_TEXT, reason=_TEXT)
    return {
        **_object(
            type=_TEXT, title=_TEXT, status={"type": "integer"}, code=_TEXT, detail=_TEXT, hint=_TEXT,
            field={**_TEXT, "description": "The first of `errors`; empty where no field is wrong."}, reason=_TEXT,
            errors={"type": "array", "items": field},
        ),
        "description": "Why a call was refused (RFC 9457). `code` is stable, `detail` and `hint` are for people.",
    }  # fmt: skip


def _refusals() -> JsonObject:
    found: JsonObject = {}
    for status, words in _REFUSALS.items():
        one: JsonObject = {"description": words, "content": _problem_content()}
        if status in {"429", "503"}:
            seconds: JsonObject = {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}
            one["headers"] = {"Retry-After": seconds}
        found[status] = one
    return found


def _problem_content() -> JsonObject:
    return {PROBLEM_TYPE: {"schema": _ref("Problem")}}


def _name() -> JsonObject:
    return _parameter("name", "Of the integration, as the box's page of integrations shows it.")


def _session() -> JsonObject:
    return _parameter("sessionId", "As the LMS chose it.")


def _parameter(name: str, words: str) -> JsonObject:
    schema: JsonObject = {"type": "string", "minLength": 1, "maxLength": 255}
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _object(**properties: Json) -> JsonObject:
    names: list[Json] = list(properties)
    return {"type": "object", "properties": properties, "required": names}


def _words(kind: Iterable[str]) -> JsonObject:
    return {"type": "string", "enum": [str(one) for one in kind]}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}
