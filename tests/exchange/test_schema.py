"""What is said to be taken is what is taken."""

from __future__ import annotations

import dataclasses
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.exam_parameters import ExamParameters, actual, exam_schema, parse_exam
from appliance.exchange.record import ParametersError
from appliance.exchange.session_parameters import actual_start, finish_schema, parse_finish, parse_start, start_schema
from tests.exchange.values import EXAMPLE, JSON_VALUES, SESSION

EXAM = jsonschema_rs.Draft202012Validator(exam_schema())
START = jsonschema_rs.Draft202012Validator(start_schema())
FINISH = jsonschema_rs.Draft202012Validator(finish_schema())


def test_the_schemas_are_schemas() -> None:
    """Each is JSON Schema of the draft that OpenAPI 3.1 uses."""
    for schema in (exam_schema(), start_schema(), finish_schema()):
        assert jsonschema_rs.meta.is_valid(schema)


def test_examples_and_answers_are_valid() -> None:
    """What is asked and answered in the guide's example fits the schema."""
    EXAM.validate(EXAMPLE)
    EXAM.validate(actual(parse_exam(EXAMPLE)))
    START.validate({**EXAMPLE, **SESSION})
    START.validate(actual_start(parse_start({**EXAMPLE, **SESSION})))


def test_every_parameter_is_described_with_its_default() -> None:
    """Each field is a property, and a body of all stated defaults reads as one without any."""
    schema: Any = exam_schema()
    assert len(schema["properties"]) == len(dataclasses.fields(ExamParameters)) - 1
    needed = {name: EXAMPLE[name] for name in schema["required"]}
    defaults = {name: one["default"] for name, one in schema["properties"].items() if name not in needed}
    assert parse_exam({**needed, **defaults}) == parse_exam(needed)


@given(st.dictionaries(st.sampled_from(sorted(actual(parse_exam(EXAMPLE)))), JSON_VALUES, max_size=3))
def test_what_is_taken_is_said_to_be_taken(change: dict[str, Any]) -> None:
    """No exam that is taken is invalid by the schema."""
    body = {**EXAMPLE, **change}
    try:
        parse_exam(body)
    except ParametersError:
        return
    EXAM.validate(body)


@given(JSON_VALUES | st.fixed_dictionaries({"sessionFinishUrl": JSON_VALUES | st.just("https://lms/x")}))
def test_a_finish_that_is_taken_is_said_to_be_taken(body: Any) -> None:
    """No finish that is taken is invalid by the schema."""
    try:
        parse_finish(body)
    except ParametersError:
        return
    FINISH.validate(body)


@pytest.mark.parametrize(
    "change",
    [
        {"examId": ""}, {"examId": 1.5}, {"examName": "x" * 501}, {"duration": "x"}, {"duration": -1},
        {"schedule": 1}, {"proctoring": "maybe"}, {"proctoring": ""}, {"identification": "id"},
        {"userAgreementUrl": "ftp://x"}, {"desktopAppAllowedProcesses": [1]}, {"rules": {"allow_voices": 1}},
        {"rules": [1]}, {"scoreConfig": {"phone": 11}}, {"scoreConfig": {"cheater_level": 101}},
        {"visibleWarnings": {"warning_phone": "x"}}, {"preliminaryCheck": {"photo_url": None}},
        {"biometricIdentification": {"enabled": "x"}}, {"startDate": 5},
    ],
)  # fmt: skip
def test_types_ranges_and_words_are_said(change: dict[str, Any]) -> None:
    """The schema refuses wrong types, ranges, lengths and words, as the reader does."""
    body = {**EXAMPLE, **change}
    assert not EXAM.is_valid(body)
    with pytest.raises(ParametersError):
        parse_exam(body)
