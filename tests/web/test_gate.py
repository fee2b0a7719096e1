"""The gate, generated: all routes, all methods, everybody who may stand before it, own objects and others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.web.access import ROLES
from tests.vault.recorded import movie
from tests.web import gate_owners
from tests.web.gate_table import EXPECTED, PUBLIC
from tests.web.gate_world import METHODS, WITHOUT_A_SESSION, Route, World, asked, furnish, routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

# A route that ends the very session it is walked with.
ENDS_THE_SESSION = "account.sign_out"


@pytest.fixture(scope="module")
def film() -> bytes:
    """Two seconds of H.264."""
    return movie(2)


@pytest.fixture
def world(app: Flask, db: Database, clock: ManualClock, settings: Settings, film: bytes) -> World:
    """A dashboard with a recording of sitting ``exam`` by camera ``front``, and one administrator."""
    return furnish(app, db, clock, settings, film)


def is_open(endpoint: str) -> bool:
    """Whether anybody may use an endpoint."""
    return endpoint in PUBLIC or endpoint.rpartition(".")[2] == "static"


def may(role: str, endpoint: str) -> bool:
    """Whether the table lets a role use an endpoint that is not public."""
    return role in EXPECTED.get(endpoint, ())


def methods_for(route: Route, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the methods a route takes whose endpoint is a wanted one, and those that it does not take at all."""
    return tuple(method for method in METHODS if method not in route.takes or wanted(route.takes[method]))


def test_every_route_is_in_the_table_or_serves_files(app: Flask) -> None:
    """A new route without a row fails here, and the table has no row too many."""
    known = {name for route in routes(app) if not route.is_file for name in route.takes.values()}
    assert known == PUBLIC | set(EXPECTED)
    assert PUBLIC.isdisjoint(EXPECTED)


@pytest.mark.parametrize("kind", WITHOUT_A_SESSION)
def test_no_session_no_entry(world: World, kind: str) -> None:
    """Whoever has no session, or one that counts no more, is refused with 401 by every route that is not public."""
    browser = world.intruder(kind)
    token = browser.token()
    before = world.everything()
    for route in routes(world.app):
        methods = methods_for(route, lambda endpoint: not is_open(endpoint))
        for method, status, code in asked(browser, token, route, methods):
            expected = 401 if method in route.takes else 405
            assert status == expected, (route.path, method, status)
            assert code in {"", "session.none" if expected == 401 else "http.405"}, (route.path, method, code)
    assert world.everything() == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_where_the_table_does_not_name_it(world: World, role: str) -> None:
    """With a session, but not for this role: 403, by every method, and nothing is changed."""
    browser = world.person(role.title(), role)
    token = browser.token()
    before = world.everything()
    for route in routes(world.app):
        methods = methods_for(route, lambda endpoint: not is_open(endpoint) and not may(role, endpoint))
        for method, status, code in asked(browser, token, route, methods):
            expected = 403 if method in route.takes else 405
            assert status == expected, (route.path, method, status)
            assert code in {"", "forbidden" if expected == 403 else "http.405"}, (route.path, method, code)
    assert world.everything() == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_passes_where_the_table_names_it(world: World, role: str) -> None:
    """What a role may do is not refused to it, and nothing falls over."""
    browser = world.person(role.title(), role)
    token = browser.token()
    for route in routes(world.app):
        methods = methods_for(route, lambda endpoint: may(role, endpoint) and endpoint != ENDS_THE_SESSION)
        for method, status, code in asked(browser, token, route, methods):
            if method in route.takes:
                assert code not in {"session.none", "forbidden"}, (route.path, method, status)
                assert status != 405, (route.path, method)
                assert status < 500 or status == 503, (route.path, method, status)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_what_is_public_is_so_for_everybody_and_breaks_for_nobody(world: World, role: str | None) -> None:
    """Public routes and files neither ask who it is nor fall over, whatever the method."""
    browser = world.person(role.title(), role) if role else world.browser()
    token = browser.token()
    for route in routes(world.app):
        for method, status, code in asked(browser, token, route, methods_for(route, is_open)):
            assert status < 500, (route.path, method, status)
            assert code not in {"session.none", "forbidden"}, (route.path, method)
            assert (status == 405) == (method not in route.takes), (route.path, method, status)


def test_asking_safely_changes_nothing(world: World) -> None:
    """GET, HEAD and OPTIONS leave accounts, sessions, wishes, bookmarks, cameras and holds as they are."""
    browser = world.person("Ada", "administrator")
    token = browser.token()
    before = world.everything()
    for route in routes(world.app):
        for _ in asked(browser, token, route, ("GET", "HEAD", "OPTIONS")):
            pass
    after = world.everything()
    changed = {name for name, rows in before.items() if after[name] != rows}
    # Looking at recordings is in the log, as it must be.
    assert changed <= {"log_entry", "log_personal", "sqlite_sequence"}, changed


def test_methods_cannot_be_disguised(world: World) -> None:
    """Neither a header nor a field turns a GET into a POST or a POST into something else."""
    browser = world.person("Ada", "administrator")
    before = world.everything()
    disguise = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"}
    for route in routes(world.app):
        if "POST" in route.takes and "GET" not in route.takes:
            for query in ("", "?_method=POST"):
                with browser.client.get(route.path + query, headers=disguise) as response:
                    assert response.status_code == 405, route.path
    assert world.everything() == before
    assert "TRACE" in METHODS


def test_every_kind_of_own_object_has_its_trial(app: Flask) -> None:
    """A route whose address names something that may be another person's states in `gate_owners` what happens then."""
    owned = {name for route in routes(app) if route.arguments & gate_owners.OWNED for name in route.takes.values()}
    assert owned == set(gate_owners.TRIALS)


@pytest.mark.parametrize("endpoint", sorted(gate_owners.TRIALS))
def test_others_objects_are_out_of_reach(world: World, endpoint: str) -> None:
    """What belongs to somebody else is refused, stays as it was, and its owner still has it."""
    gate_owners.TRIALS[endpoint](world, endpoint)
