"""Every JSON endpoint against its own description (OpenAPI), with whatever schemathesis thinks of."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from appliance.exams.timing import SittingTiming
from appliance.sittings.exams import upsert_exam
from appliance.sittings.planning import plan_sitting
from appliance.sittings.values import SittingPlan
from appliance.web import openapi
from appliance.web.account import sessions
from appliance.web.api.paths import is_machines
from appliance.web.asking import speech_of
from appliance.web.review import bookmarks
from appliance.web.sittings.own_exams import own_integration, own_parameters
from tests.support.waiting import until
from tests.vault.recorded import WALL_US, movie
from tests.web.gate_world import World, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from schemathesis import APIOperation, Case
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

EXAMPLES = 40
REFUSED_EXAMPLES = 12  # whatever is asked, one and the same guard refuses it
FORBIDDEN, UNAVAILABLE = 403, 503
# Answers that go on until the viewer leaves have tests of their own.
ENDLESS = ("text/event-stream", "application/vnd.exambox.live")
CHECKS = [
    checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
    checks.response_headers_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def film() -> bytes:
    """Two seconds of H.264."""
    return movie(2)


@pytest.fixture
def world(app: Flask, db: Database, clock: ManualClock, settings: Settings, film: bytes) -> World:
    """A dashboard with a recording, people, a bookmark and a finished export."""
    return furnish(app, db, clock, settings, film)


def operations(app: Flask) -> Iterator[APIOperation[Any, Any, Any]]:
    """Yield what the document describes, but for answers without an end."""
    with app.test_request_context(base_url="http://localhost/"):
        document = openapi.build(app)
    schema = schemathesis.openapi.from_dict(without_tuples(document))
    schema.app = app
    for found in schema.get_all_operations():
        operation = found.ok()
        answers = document["paths"][operation.path][operation.method]["responses"]
        kinds = {kind for answer in answers.values() for kind in answer.get("content", {})}
        if not kinds & set(ENDLESS):
            yield operation


def without_tuples(node: Any) -> Any:
    """Return the document with tuples as lists of any of their kinds: schemathesis 4.32 breaks ``prefixItems``."""
    if isinstance(node, list):
        return [without_tuples(one) for one in node]
    if not isinstance(node, dict):
        return node
    kinds = node.get("prefixItems")
    told = {name: without_tuples(one) for name, one in node.items() if name != "prefixItems"}
    return told | ({"items": {"anyOf": kinds}} if kinds else {})


def known_values(world: World, owner: str) -> dict[str, Any]:
    """Return, for the variable parts of addresses, values that name something that is there."""
    account = world.db.conn.execute("SELECT id FROM account WHERE name = ?", (owner,)).fetchone()[0]
    marking = bookmarks.Marking(WALL_US, None, None, "a note")
    number = bookmarks.add_bookmark(world.db, "exam", marking, account=account, clock=world.clock)
    job = world.job(owner)
    until(lambda: job.state == "done", 10, "the export")
    there = {"sitting": "exam", "camera": "front", "part": 1, "seq": 1, "bookmark": number, "number": job.id}
    return there | {"exam": planned_exam(world)}


def planned_exam(world: World) -> str:
    """Plan a sitting that is called as the recording is; return its exam."""
    now, hour = world.clock.wall_us(), 3_600_000_000
    said = own_parameters(
        code="algebra", name="Algebra", course="", duration_minutes=60, start_us=now, end_us=now + 9 * hour
    )
    integration = own_integration(world.db, clock=world.clock)
    exam = upsert_exam(world.db, integration, said, clock=world.clock, who="test", origin="box").exam.id
    plan = SittingPlan(id="exam", name="Exam", room="Room", exams=(exam,), timing=SittingTiming(start_us=now + hour))
    plan_sitting(world.db, plan, clock=world.clock, who="test")
    return exam


def cases(operation: APIOperation[Any, Any, Any], known: dict[str, Any]) -> st.SearchStrategy[Case]:
    """Return requests as described and requests that are wrong, half of them for something that is there."""
    made = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

    def pointed(drawn: tuple[Case, bool]) -> Case:
        case, there = drawn
        if there:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        return case

    return st.tuples(made, st.booleans()).map(pointed)


def try_all(
    world: World, headers: dict[str, str], cookies: dict[str, str], known: dict[str, Any], examples: int = EXAMPLES
) -> dict[str, int]:
    """Try every operation; return how often each that is for this role answered with success.

    A breach of the description fails, also of those that are for other roles.
    """
    good: dict[str, int] = {}
    of_others: set[str] = set()
    for operation in operations(world.app):
        name = f"{operation.method.upper()} {operation.path}"
        good[name] = 0

        def attempt(case: Case) -> None:
            response = case.call(headers=headers, cookies=cookies)
            expected = CHECKS if response.status_code == UNAVAILABLE else [not_a_server_error, *CHECKS]
            case.validate_response(response, checks=expected)
            good[name] += response.status_code < 300  # noqa: B023  called before the loop goes on
            if response.status_code == FORBIDDEN:
                of_others.add(name)  # noqa: B023  as above

        quiet = [
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.filter_too_much,
            hypothesis.HealthCheck.data_too_large,
        ]
        hypothesis.settings(
            max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=quiet
        )(hypothesis.given(cases(operation, known))(attempt))()
    return {name: count for name, count in good.items() if name not in of_others}


@pytest.mark.timeout(180)
def test_every_endpoint_does_what_its_description_says(world: World) -> None:
    """As an administrator: no fault, no status, type or shape that is not described, whatever is asked."""
    world.account("Ada", "administrator")
    account = world.db.conn.execute("SELECT id FROM account WHERE name = 'Ada'").fetchone()[0]
    token = sessions.open_session(world.db, account, address="127.0.0.1", clock=world.clock)
    browser = world.browser()
    browser.client.set_cookie("exambox_session", token)
    headers = {"X-CSRFToken": browser.token("/account"), "Accept": "application/json", "Host": "localhost"}
    good = try_all(world, headers, {"exambox_session": token}, known_values(world, "Ada"))
    assert sum(count > 0 for count in good.values()) > len(good) // 2, good


@pytest.mark.timeout(180)
def test_nobody_gets_anything_but_a_described_refusal(world: World) -> None:
    """Without a session each endpoint that asks for one refuses, in the described form."""
    world.account("Ada", "administrator")
    known = known_values(world, "Ada")
    good = try_all(world, {"Accept": "application/json", "Host": "localhost"}, {}, known, REFUSED_EXAMPLES)
    assert {name for name, count in good.items() if count} <= {"GET /healthz", "GET /readyz"}


def test_every_json_endpoint_is_described(app: Flask) -> None:
    """A view that answers with JSON, or lies under ``/api/``, says so by ``@speaks``; the LMS's has a document too."""
    silent = []
    for rule in app.url_map.iter_rules():
        if is_machines(rule.rule):
            continue
        view = app.view_functions[rule.endpoint]
        told = str(inspect.get_annotations(inspect.unwrap(view)).get("return", ""))
        if (rule.rule.startswith("/api/") or told.startswith(("dict", "tuple[dict"))) and speech_of(view) is None:
            silent.append(rule.endpoint)
    assert silent == []
