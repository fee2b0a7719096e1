"""Errors as other machines are told them: one JSON shape that names each field and its reason (pure)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from appliance.exchange.json_edge import JsonError
from appliance.exchange.record import FieldProblem, ParametersError
from appliance.exchange.token import TokenError

if TYPE_CHECKING:
    from appliance.errors import ApplianceError
    from appliance.exchange.json_edge import Json, JsonObject

CONTENT_TYPE: Final = "application/problem+json"


def field_problems(error: ApplianceError) -> tuple[FieldProblem, ...]:
    """Return the fields an error is about; none where it is about no field."""
    match error:
        case ParametersError():
            return error.fields
        case JsonError():
            return (FieldProblem(error.path, error.reason),)
        case TokenError():
            return (FieldProblem("token", error.message),)
        case _:
            field, reason = getattr(error, "field", ""), getattr(error, "reason", error.message)
            return (FieldProblem(field, reason),) if field else ()


def problem_body(error: ApplianceError) -> JsonObject:
    """Return an error as a problem document (RFC 9457).

    ``status`` and ``title`` are HTTP's, ``code`` is stable, ``detail`` and ``hint`` are for people, ``errors``
    lists every field that is wrong with its reason, and ``field`` and ``reason`` repeat the first of them
    (empty where there is none).
    """
    problems = field_problems(error)
    errors: list[Json] = [{"field": one.path, "reason": one.reason} for one in problems]
    return {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "hint": error.hint,
        "field": problems[0].path if problems else "",
        "reason": problems[0].reason if problems else "",
        "errors": errors,
    }
