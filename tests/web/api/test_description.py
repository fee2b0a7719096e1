"""The API against its own OpenAPI document, with whatever schemathesis thinks of; each call is rightly signed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import hypothesis
import msgspec
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from appliance.web.api import description
from tests.web.api.lms import EXAMPLE, NAME

if TYPE_CHECKING:
    from schemathesis import APIOperation, Case

    from tests.web.api.lms import Lms

EXAMPLES = 60
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
]  # fmt: skip


def cases(operation: APIOperation[Any, Any, Any]) -> st.SearchStrategy[Case]:
    """Return requests as described and wrong ones, half of them of what is there and with times that are times."""
    made = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

    def pointed(drawn: tuple[Case, bool]) -> Case:
        case, there = drawn
        if there and case.path_parameters:
            known = {"name": NAME, "sessionId": "there"}
            case.path_parameters = {name: known[name] for name in case.path_parameters}
        if there and isinstance(case.body, dict) and "startDate" in case.body:
            case.body = case.body | {name: EXAMPLE[name] for name in ("startDate", "endDate")}
        return case

    return st.tuples(made, st.booleans()).map(pointed)


@pytest.mark.timeout(180)
def test_every_call_does_what_its_description_says(lms: Lms) -> None:
    """No fault, and no status, type or shape that is not described; each call is reached with success."""
    lms.arrive("there")
    schema = schemathesis.openapi.from_dict(description.build())
    schema.app = lms.app
    seen: dict[str, Counter[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        counted = seen[f"{operation.method.upper()} {operation.path}"] = Counter()

        def attempt(case: Case) -> None:
            headers = {"Host": "localhost", **lms.headers()}
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)
            counted[response.status_code] += 1  # noqa: B023  called before the loop goes on
            lms.clock.advance(5)  # refusals are counted; time forgives them

        quiet = [
            hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much,
            hypothesis.HealthCheck.data_too_large,
        ]  # fmt: skip
        hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=quiet
        )(hypothesis.given(cases(operation))(attempt))()
    assert len(seen) == 4
    for name, statuses in seen.items():
        assert any(status < 300 for status in statuses), (name, statuses)


def test_the_messages_to_the_lms_are_described_as_they_are_sent() -> None:
    """Each webhook's schema has the keys of what the box sends, all of them needed."""
    from appliance.exams.model import Integration
    from appliance.integrations.samples import samples

    addresses = dict.fromkeys(
        ["review_url", "schedule_url", "warning_url", "agreement_acceptance_url"], "https://lms.example/"
    )
    sent = samples(msgspec.convert({"id": "i", "name": "n", **addresses}, Integration), now_us=1_800_000_000_000_000)
    schemas: Any = description.build()["components"]
    names = {"review_url": "Review", "schedule_url": "Schedule", "warning_url": "Warning",
             "agreement_acceptance_url": "Agreement"}  # fmt: skip
    assert len(sent) == 4
    for one in sent:
        schema = schemas["schemas"][names[one.name]]
        assert list(schema["properties"]) == schema["required"] == list(one.body), one.name
