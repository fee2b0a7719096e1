"""Who may use which view of a hub, written down apart from the code; what a hub does not have answers 404."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.web import access
from appliance.web.help.topics import TOPICS
from tests.web.gate_table import EXPECTED, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.support.hub_box import HubBox
    from tests.web.conftest import Browser

EVERYONE = {"administrator", "centre_manager", "invigilator", "reviewer", "auditor"}
MANAGERS = {"administrator", "centre_manager"}
OF_A_HUB: dict[str, set[str]] = {
    "hub.rooms": EVERYONE,
    "hub.box": EVERYONE,
    "hub.box_edit": MANAGERS,
    "hub.box_revoke": MANAGERS,
    "hub.box_extend": MANAGERS,
    "hub.media_ask": MANAGERS,
    "hub.media_withdraw": MANAGERS,
    "hub.code": MANAGERS,
    "hub.code_withdraw": MANAGERS,
    "hub.exams": MANAGERS,
    "hub.exam": MANAGERS,
    "hub.exam_assign": MANAGERS,
    "hub.sitting_assign": MANAGERS,
    "hub.extra_time": MANAGERS,
    "hub.extra_time_withdraw": MANAGERS,
    "hub.results": {"administrator", "centre_manager", "reviewer", "auditor"},
    # A hub's own, at an address a box has too.
    "sittings.day": MANAGERS,
}
PROTOCOL = {
    # Boxes': by their signed token alone, see test_joining.py.
    "centre.enrol_box",
    "centre.report",
    "centre.pull_changes",
    "centre.push_items",
    "centre.offer_media",
    "centre.put_segment",
    "centre.document",
}
PAGES = {
    "/rooms": "hub.rooms",
    "/rooms/box-1f2e3d4c": "hub.box",
    "/rooms/code": "hub.code",
    "/rooms/exams": "hub.exams",
    "/results": "hub.results",
}
GONE = ("/room", "/recordings", "/admin/cameras", "/admin/keys", "/admin/storage", "/admin/holds", "/api/live")


def test_every_view_of_a_hub_is_in_the_table(app: Flask) -> None:
    """A new view without a row fails here; those a hub shares with a box are open to whom they are there."""
    for endpoint in app.view_functions:
        if endpoint.rpartition(".")[2] == "static":
            continue
        roles = access.roles_of(app, endpoint)
        if endpoint in OF_A_HUB:
            assert roles == OF_A_HUB[endpoint], endpoint
        elif endpoint in PROTOCOL or endpoint in PUBLIC:
            assert roles is None, endpoint
        else:
            assert roles == EXPECTED[endpoint], endpoint
    assert set(app.view_functions) >= set(OF_A_HUB) | PROTOCOL


def test_every_page_of_a_hub_has_its_topic(app: Flask) -> None:
    """Each page that is a hub's alone is explained, and no topic is about one that is not there."""
    explained = {page for topic in TOPICS for page in topic.pages if page.startswith("hub.")}
    there = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("hub.") and "GET" in (rule.methods or ()) and rule.endpoint != "hub.static"
    }
    assert explained == there


@pytest.mark.parametrize("role", sorted(EVERYONE))
def test_pages_open_for_their_roles_alone(
    person: Callable[[str], Browser], new_box: Callable[..., HubBox], role: str
) -> None:
    """Each page is shown to the roles of the table and refused to the others; its first page is the rooms'."""
    new_box().report()
    browser = person(role)
    assert browser.get("/").location == "/rooms"
    for path, endpoint in PAGES.items():
        status = browser.get(path).status_code
        assert status == (200 if role in OF_A_HUB[endpoint] else 403), path


def test_what_is_about_a_room_is_not_there(person: Callable[[str], Browser]) -> None:
    """A hub has no cameras, recordings, keys or holds of its own: their addresses answer 404."""
    browser = person("administrator")
    for path in GONE:
        assert browser.get(path).status_code == 404, path
    page = browser.get("/admin").text
    assert "/admin/integrations" in page
    assert "/admin/cameras" not in page


def test_nobody_without_a_session_sees_a_page(
    app: Flask, browser: Browser, account: Callable[[str, str], None]
) -> None:
    """Who is not signed in is led to the sign-in, or refused."""
    account("Ada", "administrator")
    for path in PAGES:
        assert browser.get(path).location.startswith("/sign-in")
        assert app.test_client().get(path).status_code == 401
