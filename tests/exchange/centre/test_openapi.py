"""The protocol's document is whole, and another central service can be built by it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from appliance.exchange.centre.openapi import protocol_document
from appliance.exchange.centre.routes import CALLS, SEGMENT
from tests.exchange.centre.test_messages import MESSAGES
from tests.exchange.centre.values import change, grant

DOCUMENT: Any = protocol_document(version="0.1.0", server="https://hub.example")


def refs(value: Any) -> set[str]:
    """Return every reference in a JSON value."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(refs(one) for one in value.values()))
    return set().union(*(refs(one) for one in value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere() -> None:
    """Nothing is referred to that is not in the document."""
    for ref in refs(DOCUMENT):
        found = DOCUMENT
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_every_call_has_its_messages() -> None:
    """Each call of the table is in the document with its method, body, answer and the signature of the answer."""
    assert len(DOCUMENT["paths"]) == len(CALLS) == 6
    for call in CALLS:
        operation = DOCUMENT["paths"][call.path][call.method.lower()]
        assert operation["operationId"] == call.name
        assert call.answer.__name__ in json.dumps(operation["responses"]["200"])
        assert "X-Exambox-Answer" in json.dumps(operation["responses"]["200"])
        assert {"400", "401", "403", "413", "503"} <= set(operation["responses"])
    segment = DOCUMENT["paths"]["/api/centre/v1/media/{request}/{part}/{seq}"]["put"]
    assert [one["name"] for one in segment["parameters"]] == ["request", "part", "seq"]


def validator(name: str) -> Any:
    """Return what checks a value against one message's schema in the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.parametrize("message", [*MESSAGES, change(), grant()], ids=lambda one: type(one).__name__)
def test_what_we_send_fits_the_document(message: msgspec.Struct) -> None:
    """Each message of ours is valid by its published schema, and one that lacks a field or breaks a form is not."""
    raw = msgspec.to_builtins(message)
    check = validator(type(message).__name__)
    check.validate(raw)
    for broken in ({**raw, next(iter(raw)): None}, {**raw, next(iter(raw)): "\n"}):
        assert not check.is_valid(broken)


def test_fields_are_described_where_they_stand() -> None:
    """What the code says of a field stands at the field, not in a heap above it."""
    schema = DOCUMENT["components"]["schemas"]["Change"]
    assert "Attributes" not in schema["description"]
    assert schema["properties"]["at_us"]["description"].startswith("When it was changed (UTC")
    assert "  " not in schema["description"]


def test_an_address_is_filled_in_and_quoted() -> None:
    """What stands in an address cannot become another address."""
    assert SEGMENT.at(request="a/../b?", part=1, seq=2) == "/api/centre/v1/media/a%2F..%2Fb%3F/1/2"
