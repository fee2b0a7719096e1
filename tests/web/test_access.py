"""Every route is walked with every role; nothing is open by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from appliance.web.access import ROLES, AccessDeclarationError, check_every_view, has_own_forms, public, roles_of
from appliance.web.api.paths import is_machines
from tests.web.gate_table import EXPECTED, PUBLIC, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.web.conftest import Browser


def rules(app: Flask) -> list[tuple[str, str, str]]:
    """Return endpoint, method and a path for every route that is not a static file."""
    with app.test_request_context(base_url="http://localhost/"):
        from flask import url_for

        return [
            (rule.endpoint, method, url_for(rule.endpoint, **{key: VALUES[key] for key in rule.arguments}))
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) & {"GET", "POST"})
            if not rule.endpoint.endswith("static")
        ]


def test_the_table_of_who_may_what_is_complete(app: Flask) -> None:
    """Each view's statement is the one this table expects, and the table knows each view."""
    stated = {endpoint: roles_of(app, endpoint) for endpoint in app.view_functions if not endpoint.endswith("static")}
    assert {name for name, roles in stated.items() if roles is None} == PUBLIC
    assert {name: set(roles) for name, roles in stated.items() if roles is not None} == EXPECTED


def test_nobody_signed_out_passes_any_route(app: Flask, browser: Browser, account: Callable[[str, str], None]) -> None:
    """Without a session every route that is not public refuses: a page leads to sign-in, a script gets 401."""
    account("Ada", "administrator")
    token = browser.token()
    for endpoint, method, path in rules(app):
        if endpoint in PUBLIC:
            continue
        response = browser.client.open(path, method=method, headers={"X-CSRFToken": token})
        assert response.status_code == 401, (endpoint, method)
        assert response.json is not None
        assert response.json["code"] == "session.none"
        if method == "GET":
            page = browser.get(path)
            assert page.status_code == 302, endpoint
            assert page.location.startswith("/sign-in?next="), endpoint


@pytest.mark.parametrize("role", ROLES)
def test_each_role_passes_exactly_its_own_routes(app: Flask, person: Callable[[str], Browser], role: str) -> None:
    """A role is refused with 403 where the table does not name it, and nowhere else."""
    browser = person(role)
    walk = [rule for rule in rules(app) if rule[0] not in PUBLIC | {"account.sign_out"}]
    for endpoint, method, path in walk:
        headers = {"Accept": "application/json"}
        if method == "POST":
            headers["X-CSRFToken"] = browser.token("/")
        refused = browser.client.open(path, method=method, headers=headers).status_code == 403
        assert refused == (role not in EXPECTED[endpoint]), (endpoint, method)


def test_a_post_without_its_form_token_changes_nothing(app: Flask, person: Callable[[str], Browser]) -> None:
    """Every POST is refused without a token, even of a person who may; machines and candidates have other tokens."""
    browser = person("administrator")
    for endpoint, method, path in rules(app):
        if method == "POST" and not is_machines(path):
            response = browser.client.post(path)
            if has_own_forms(app.view_functions[endpoint]):  # tried in tests/web/candidate and tests/web/review
                assert response.status_code in {400, 401, 403, 404}, endpoint
                continue
            assert response.status_code == 400, endpoint
            assert response.json is not None
            assert response.json["code"] == "form.stale"
    assert browser.client.get("/api/status").status_code == 200


def test_a_view_that_states_nothing_stops_the_start() -> None:
    """A view without a statement is an error that names it; with one it passes."""
    app = Flask("t", static_folder=None)
    app.add_url_rule("/open", "open", public(lambda: "x"))
    check_every_view(app)
    app.add_url_rule("/new", "brand_new", lambda: "x")
    with pytest.raises(AccessDeclarationError, match="brand_new"):
        check_every_view(app)
