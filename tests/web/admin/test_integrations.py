"""The pages of integrations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.secrets import good_secrets
from appliance.integrations.store import add_integration, find_integration, list_stored
from tests.support.lms_receiver import Arrived, LmsReceiver, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from tests.web.conftest import Browser

    Person = Callable[[str], Browser]

ADDRESS = "https://lms.example/review"
HOUR_US = 3600 * SECOND_US


@pytest.fixture
def ada(person: Person) -> Browser:
    """An administrator."""
    return person("administrator")


@pytest.fixture
def moodle(db: Database, clock: ManualClock, settings: Settings) -> Integration:
    """An integration with one address."""
    return add_integration(
        db, name="moodle", addresses=Addresses(review_url=ADDRESS), clock=clock, who="t", keys=exchange_key(settings)
    )[0]


def secrets(db: Database, made: Integration, clock: ManualClock, settings: Settings) -> list[str]:
    """Return the secrets that are good now."""
    keys = exchange_key(settings)
    return [one.text for one in good_secrets(db, made.id, now_us=clock.wall_us(), keys=keys)]


def test_an_empty_box_says_what_an_integration_is_and_offers_one(ada: Browser) -> None:
    """The first thing to do is on the page."""
    page = ada.get("/admin/integrations").text
    assert "No LMS is connected yet" in page
    assert "/admin/integrations/add" in page


def test_adding_shows_the_secret_this_once(ada: Browser, db: Database, clock: ManualClock, settings: Settings) -> None:
    """With the addresses to paste; no later page has it."""
    page = ada.submit("/admin/integrations/add", name="moodle", review_url=ADDRESS)
    made = find_integration(db, "moodle")
    (secret,) = secrets(db, made, clock, settings)
    assert page.status_code == 200
    assert page.text.count(secret) == 1
    assert f"http://localhost/api/v2/integration/simple/{made.name}/exams/" in page.text
    assert "good on this machine alone" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    for path in ("/admin/integrations", f"/admin/integrations/{made.id}"):
        later = ada.get(path).text
        assert "moodle" in later
        assert secret not in later


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "a b"}, "letters, digits, dots"),
        ({"name": "x", "review_url": "ftp://x"}, "begin with https://"),
        ({"name": "x", "warning_url": "https://" + "a" * 2000}, "2,000 characters"),
    ],
)
def test_what_is_entered_wrongly_is_said_beside_its_field(
    ada: Browser, db: Database, fields: dict[str, str], words: str
) -> None:
    """What was typed stays, and nothing is stored."""
    page = ada.submit("/admin/integrations/add", **fields)
    assert page.status_code == 422
    assert words in page.text
    assert "field-bad" in page.text
    assert list_stored(db) == []


def test_a_name_in_use_is_refused(ada: Browser, moodle: Integration) -> None:
    """With what to do instead."""
    page = ada.submit("/admin/integrations/add", name=moodle.name)
    assert page.status_code == 409
    assert "Choose another name." in page.text


def test_addresses_are_changed_and_a_stale_form_does_not_overwrite(
    ada: Browser, db: Database, moodle: Integration
) -> None:
    """The second of two who edit at once is told."""
    where = f"/admin/integrations/{moodle.id}/addresses"
    version = re.search(r'name="version" type="hidden" value="(\d+)"', ada.get(where).text)
    assert version
    first = ada.submit(where, review_url="https://a.example/", version=version[1])
    assert first.status_code == 302
    second = ada.submit(where, review_url="https://b.example/", version=version[1])
    assert second.status_code == 409
    assert find_integration(db, "moodle").review_url == "https://a.example/"


def test_another_secret_with_an_overlap_and_its_early_end(
    ada: Browser, db: Database, clock: ManualClock, settings: Settings, moodle: Integration
) -> None:
    """The new one is shown once; the former is good until it is ended."""
    page = f"/admin/integrations/{moodle.id}"
    (former,) = secrets(db, moodle, clock, settings)
    said = ada.call(f"{page}/rotate", overlap="1")
    new = secrets(db, moodle, clock, settings)[0]
    assert new in said.text
    assert former not in said.text
    assert secrets(db, moodle, clock, settings) == [new, former]
    assert "End the former now" in ada.get(page).text
    assert ada.call(f"{page}/end-former").status_code == 302
    assert secrets(db, moodle, clock, settings) == [new]
    assert ada.call(f"{page}/rotate", overlap="9999").status_code == 422


def test_off_on_away_and_back(ada: Browser, db: Database, moodle: Integration) -> None:
    """Each is one button, and each can be undone where one looks for it."""
    page = f"/admin/integrations/{moodle.id}"
    ada.call(f"{page}/deactivate")
    assert "Switch on" in ada.get(page).text
    ada.call(f"{page}/activate")
    assert "Switch on" not in ada.get(page).text
    ada.call(f"{page}/remove")
    assert ada.get(page).status_code == 404
    assert f"{page}/restore" in ada.get("/admin/integrations").text
    ada.call(f"{page}/restore")
    assert find_integration(db, "moodle") == moodle


def test_the_trial_shows_each_answer_without_secrets(
    ada: Browser, db: Database, clock: ManualClock, settings: Settings
) -> None:
    """Status, text and what it means; markup of the LMS's is text."""

    def answer(asked: Arrived) -> Reply:
        said = f"<script>alert(1)</script> {asked.headers['authorization']}"
        return Reply(401, said.encode()) if asked.path == "/r" else Reply(200, b"")

    with LmsReceiver(answer) as lms:
        addresses = Addresses(review_url=f"{lms.url}/r", warning_url=f"{lms.url}/w")
        made, secret = add_integration(
            db, name="m", addresses=addresses, clock=clock, who="t", keys=exchange_key(settings)
        )
        page = ada.call(f"/admin/integrations/{made.id}/test").text
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "Status 401" in page
    assert "accepted" in page
    assert secret not in page
    assert "JWT eyJ" not in page
    assert len(lms.arrived) == 2
    for one in lms.arrived:
        one.token(secret, clock.wall_us())


def test_the_last_refused_call_is_on_its_page(app: Flask, ada: Browser, moodle: Integration) -> None:
    """Why, in words, and from where."""
    path = f"/api/v2/integration/simple/{moodle.name}/exams/"
    app.test_client().post(path, data=b"{}", headers={"Authorization": "JWT a.b.c"})
    page = ada.get(f"/admin/integrations/{moodle.id}").text
    assert "The last refused call:" in page
    assert "127.0.0.1" in page
    assert "refused" in ada.get("/admin/integrations").text


def test_a_centre_manager_reads_and_changes_nothing(person: Person, moodle: Integration) -> None:
    """No button, and no way past the buttons."""
    manager = person("centre_manager")
    page = manager.get(f"/admin/integrations/{moodle.id}")
    assert page.status_code == 200
    for button in ("/rotate", "/remove", "/test", "/addresses"):
        assert f"{moodle.id}{button}" not in page.text
    assert manager.get("/admin/integrations/add").status_code == 403
    assert manager.call(f"/admin/integrations/{moodle.id}/test").status_code == 403
