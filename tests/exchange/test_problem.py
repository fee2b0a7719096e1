"""Errors have one shape that names field and reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.exam_parameters import parse_exam
from appliance.exchange.idempotency import parse_delivery_key
from appliance.exchange.json_edge import BODY, parse_object
from appliance.exchange.problem import problem_body
from appliance.exchange.token import token_of_header
from tests.exchange.values import EXAMPLE

KEYS = ["type", "title", "status", "code", "detail", "hint", "field", "reason", "errors"]


def body_of(call: Any, *arguments: Any) -> dict[str, Any]:
    """Return the problem document of what a call raises, as it arrives."""
    with pytest.raises(ApplianceError) as raised:
        call(*arguments)
    body: dict[str, Any] = json.loads(json.dumps(problem_body(raised.value)))
    assert list(body) == KEYS
    assert body["detail"]
    return body


def test_parameters_list_every_field() -> None:
    """All wrong fields are listed with reasons; the first is repeated on top."""
    body = body_of(parse_exam, {**EXAMPLE, "duration": "x", "rules": {"allow_voices": 1}})
    assert (body["status"], body["code"], body["title"]) == (400, "parameters.wrong", "Bad Request")
    assert body["errors"] == [
        {"field": "duration", "reason": "has to be a whole number, not a text."},
        {"field": "rules.allow_voices", "reason": "has to be true or false, not a whole number."},
    ]
    assert (body["field"], body["reason"]) == ("duration", "has to be a whole number, not a text.")
    assert "nothing was stored" in body["hint"]


def test_json_names_its_place() -> None:
    """A body that is no JSON, or too long, is named as such."""
    assert body_of(parse_object, b'{"rules":{"a":1,"a":2}}')["field"] == "rules"
    body = body_of(parse_object, b" " * (BODY.size + 1))
    assert (body["status"], body["field"]) == (413, "body")


def test_a_token_is_a_field_of_its_own() -> None:
    """A refused token answers 401 and says why."""
    body = body_of(token_of_header, None)
    assert (body["status"], body["code"], body["field"]) == (401, "token.refused", "token")


def test_errors_about_no_field_name_none() -> None:
    """Other errors keep the shape, with nothing in the list."""
    body = problem_body(NotFoundError("There is no such session."))
    assert (list(body), body["field"], body["errors"], body["status"]) == (KEYS, "", [], 404)
    assert body_of(parse_delivery_key, "x")["errors"] == []
