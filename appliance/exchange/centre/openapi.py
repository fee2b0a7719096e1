"""The OpenAPI 3.1 document of the protocol, made of its messages and its table of calls (pure)."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.exchange.centre import bodies, messages
from appliance.exchange.centre.extra_time import ExtraTime
from appliance.exchange.centre.peer_token import ANSWER_HEADER
from appliance.exchange.centre.routes import CALLS, Call

if TYPE_CHECKING:
    from msgspec import Struct

    from appliance.exchange.json_edge import Json, JsonObject

_FIELD: Final = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
"""A field and what a docstring says of it, further lines included."""
_NAMES: Final = re.compile(r"\{(\w+)\}")
_ABOUT: Final = """How a box in an exam room gets its exams from a central service and tells it what happened.

Every request may be sent again: things are known by version, items by key, segments by hash. Unknown keys are
skipped. `body` of a change and of an item is JSON as text, since it is signed or hashed as it is. Times are
microseconds of UTC."""
_SIGNING: Final = """`JWT <token>`: a JWS (RFC 7515) in compact form, `alg` EdDSA with Ed25519 (RFC 8037), with
the claims `iss` (the box), `aud` (`hub:<id>`; in an enrolment `enrol`), `epoch`, `iat` and `exp` (seconds, to
the millisecond; 30 s apart), `jti` (16 random bytes, base64url; taken once), `method`, `path` (with the query,
as sent), `body` (SHA-256 of the request's body, base64url). An enrolment is signed with the key it brings."""
_ANSWERING: Final = """A JWS as of requests, signed by the hub, with the claims `iss` (`hub:<id>`), `iat`, `to`
(the request's `jti`), `status` and `body` (SHA-256 of the answer's body, base64url). It is there whenever the
request's token could be read, also where it was refused as expired, so that a box learns the time."""
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "status", "code", "detail"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "code", "detail", "hint", "field", "reason")},
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def protocol_paths() -> JsonObject:
    """Return ``paths`` of the OpenAPI 3.1 document."""
    paths: JsonObject = {}
    for call in CALLS:
        paths[call.path] = {call.method.lower(): _operation(call)}
    return paths


def protocol_components() -> JsonObject:
    """Return ``components`` of the OpenAPI 3.1 document: the schema of each message, and how requests are signed."""
    kinds = {call.answer for call in CALLS} | {call.request for call in CALLS if call.request}
    kinds_of_bodies = [messages.MediaRequest, ExtraTime, *bodies.Body.__subclasses__()]
    _, schemas = msgspec.json.schema_components(
        [*sorted(kinds, key=lambda kind: kind.__name__), *kinds_of_bodies], ref_template="#/components/schemas/{name}"
    )
    for schema in schemas.values():
        _describe(schema)
    return {
        "schemas": {**schemas, "Problem": _PROBLEM},
        "securitySchemes": {
            "peerToken": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _SIGNING}
        },
        "headers": {
            ANSWER_HEADER: {"description": _ANSWERING, "required": True, "schema": {"type": "string"}},
        },
        "responses": {"Problem": _problem_response()},
    }


def protocol_document(*, version: str, server: str = "") -> JsonObject:
    """Return the OpenAPI 3.1 document of the protocol."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "exambox: box and central service", "version": version, "description": _ABOUT},
        **({"servers": [{"url": server}]} if server else {}),
        "security": [{"peerToken": []}],
        "paths": protocol_paths(),
        "components": protocol_components(),
    }


def _operation(call: Call) -> JsonObject:
    answers: JsonObject = {"200": _answered(call.answer)}
    for status in ("400", "401", "403", "404", "409", "413", "422", "429", "503"):
        answers[status] = {"$ref": "#/components/responses/Problem"}
    operation: JsonObject = {
        "operationId": call.name,
        "summary": call.summary,
        "requestBody": {"required": True, "content": _content(call.request)},
        "responses": answers,
    }
    names: list[Json] = [_parameter(name) for name in _NAMES.findall(call.path)]
    return {**operation, **({"parameters": names} if names else {})}


def _answered(kind: type[Struct]) -> JsonObject:
    return {
        "description": "Done, and durable.",
        "headers": {ANSWER_HEADER: {"$ref": f"#/components/headers/{ANSWER_HEADER}"}},
        "content": _content(kind),
    }


def _content(kind: type[Struct] | None) -> JsonObject:
    if kind is None:
        return {"application/octet-stream": {}}
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}


def _parameter(name: str) -> JsonObject:
    kind: JsonObject = {"type": "string", "minLength": 1, "maxLength": 80}
    if name in {"part", "seq"}:
        kind = {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": kind}


def _problem_response() -> JsonObject:
    return {
        "description": "Refused, nothing was stored: why (RFC 9457).",
        "headers": {ANSWER_HEADER: {"$ref": f"#/components/headers/{ANSWER_HEADER}"}},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _describe(schema: dict[str, Any]) -> None:
    """Move what a docstring says of its fields to the fields."""
    text = inspect.cleandoc(schema.get("description", "")).replace("``", "`")
    about, _, fields = text.partition("\n\nAttributes:\n")
    schema["description"] = " ".join(about.split())
    for found in _FIELD.finditer(fields):
        words = " ".join(found[2].split())
        field = schema["properties"][found[1]]
        form = f" ({field['description']})" if "description" in field else ""
        field["description"] = f"{words[0].upper()}{words[1:].rstrip('.')}{form}."
