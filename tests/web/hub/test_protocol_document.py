"""The protocol against its own OpenAPI document, with whatever schemathesis thinks of; each call is rightly signed."""

from __future__ import annotations

import io
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from appliance.exchange.centre.openapi import protocol_document
from appliance.exchange.centre.peer_token import new_jti, sign_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask
    from schemathesis import APIOperation, Case

    from appliance.clock import ManualClock
    from tests.support.hub_box import HubBox

EXAMPLES = 40
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
]  # fmt: skip
REACHED = {"POST /api/centre/v1/report/", "POST /api/centre/v1/pull/", "POST /api/centre/v1/push/"}


class Signing:
    """Stands before the application and signs whatever comes, as one box."""

    def __init__(self, app: Flask, box: HubBox) -> None:
        self._app, self._box = app, box

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Read the body, sign the request, pass it on."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        path = environ.get("RAW_URI") or environ["REQUEST_URI"]
        token = sign_request(
            self._box.private, box=self._box.box, epoch=self._box.epoch, audience=self._box.hub,
            method=environ["REQUEST_METHOD"], path=path, body=body, now_us=self._box.clock.wall_us(),
            jti=new_jti(os.urandom(16)),
        )  # fmt: skip
        signed = {**environ, "wsgi.input": io.BytesIO(body), "HTTP_AUTHORIZATION": f"JWT {token}"}
        return self._app.wsgi_app(signed, start_response)


def cases(operation: APIOperation[Any, Any, Any], box: HubBox) -> st.SearchStrategy[Case]:
    """Return requests as described and wrong ones; reports are made this box's."""
    made = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

    def own(case: Case) -> Case:
        if isinstance(case.body, dict) and "machine" in case.body and "code" not in case.body:
            case.body = case.body | {"box": box.box, "epoch": box.epoch}
        return case

    return made.map(own)


@pytest.mark.timeout(180)
def test_every_call_does_what_its_description_says(
    app: Flask, new_box: Callable[..., HubBox], clock: ManualClock
) -> None:
    """No fault, and no status, type or shape that is not described."""
    box = new_box()
    schema = schemathesis.openapi.from_dict(protocol_document(version="1"))
    schema.app = Signing(app, box)
    seen: dict[str, Counter[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        counted = seen[f"{operation.method.upper()} {operation.path}"] = Counter()

        def attempt(case: Case) -> None:
            response = case.call(headers={"Host": "localhost"})
            case.validate_response(response, checks=CHECKS)
            counted[response.status_code] += 1  # noqa: B023  called before the loop goes on
            clock.advance(5)  # refusals are counted; time forgives them

        quiet = [
            hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much,
            hypothesis.HealthCheck.data_too_large,
        ]  # fmt: skip
        hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=quiet
        )(hypothesis.given(cases(operation, box))(attempt))()
    assert len(seen) == 6
    for name in REACHED:
        assert any(status < 300 for status in seen[name]), (name, seen[name])
