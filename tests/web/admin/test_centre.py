"""The page of the central service: join it at a real hub, see how it stands, sticks both ways, leave."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from appliance.centre.store import centre_of
from appliance.database import write
from appliance.hub.sticks import export_changes, import_items
from appliance.outbox import CENTRE, put
from appliance.sittings.exams import list_exams
from appliance.vault.keys import init_keys, load_box_id
from tests.support.a_centre import ACentre
from tests.support.hub_server import serving_hub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.support.hub_server import HubServer
    from tests.web.conftest import Browser

PAGE = "/admin/centre"


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock, settings: Settings) -> Iterator[HubServer]:
    """A hub beside the box."""
    init_keys(settings, passphrase=None, clock=clock)
    with serving_hub(tmp_path / "there", clock) as served:
        yield served


def send(admin: Browser, path: str, **fields: str) -> TestResponse:
    """Send a form of the page."""
    data = {"csrf_token": admin.token(PAGE), **fields}
    return admin.client.post(path, data=data, headers={"Accept": "text/html"})


def join(admin: Browser, server: HubServer, **changes: str) -> int:
    """Join as the page's form does; return the status."""
    fields = {"code": server.code(), "address": server.address} | changes
    return send(admin, f"{PAGE}/join", **fields).status_code


def test_a_box_joins_from_the_page_and_leaves_again(
    person: Callable[[str], Browser], db: Database, server: HubServer
) -> None:
    """Before, the page says what a centre is for; joined it shows name, address and clock; left it asks anew."""
    admin = person("administrator")
    assert "This box belongs to no central service" in admin.get(PAGE).text
    assert join(admin, server) == 303
    page = admin.get(PAGE).text
    assert "North campus" in page
    assert server.address in page
    assert "offset to the central service not measured yet" in page
    assert "Hall 2" in page
    assert centre_of(db) is not None
    assert send(admin, f"{PAGE}/leave").status_code == 303
    assert centre_of(db) is None


def test_what_is_wrong_is_said_and_nothing_is_stored(
    person: Callable[[str], Browser], db: Database, server: HubServer
) -> None:
    """A wrong code, a wrong address, a hub that is not there, no code: each is named."""
    admin = person("administrator")
    for field, value, words in (
        ("code", "ABCD", "six groups of four"),
        ("address", "hub.example", "https:// with host and port"),
        ("address", "https://127.0.0.1:9", "could not be reached"),
        ("code", "", "Enter the code."),
    ):
        fields = {"code": server.code(), "address": server.address, field: value}
        answer = send(admin, f"{PAGE}/join", **fields)
        assert 400 <= answer.status_code < 600
        assert words in answer.text
        assert centre_of(db) is None


def test_a_stick_both_ways_on_the_page(
    person: Callable[[str], Browser], db: Database, server: HubServer, settings: Settings, clock: ManualClock
) -> None:
    """What waits is given as a file; the centre's file is read, says what became of it, and is listed."""
    admin = person("administrator")
    assert join(admin, server) == 303
    box = load_box_id(settings.keys_dir)
    lms, _ = server.lms()
    server.give("exam", server.exam(lms, "law"), box)
    with write(db):
        put(db, target=CENTRE, stream="s", kind="incident", body={"n": 1}, clock=clock)
    written = send(admin, f"{PAGE}/stick")
    assert written.status_code == 200
    assert written.headers["Content-Disposition"].endswith('.exambox-stick"')
    taken = import_items(server.db, written.data, keys=server.hub.keys, clock=clock, who="cara")
    assert (taken.stored, taken.known) == (1, 0)
    file = export_changes(server.db, box, keys=server.hub.keys, publisher=server.hub.publisher, clock=clock, who="cara")
    token = admin.token(PAGE)
    for again in (False, True):
        sent = {"csrf_token": token, "file": (io.BytesIO(file), "hall-2.exambox-stick")}
        answer = admin.client.post(f"{PAGE}/read-stick", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 303
        page = admin.get(PAGE).text
        assert ("This file was read before" in page) == again
    assert [one.exam_id for one in list_exams(db, now_us=0)] == ["law"]
    assert db.conn.execute("SELECT state FROM delivery WHERE target = 'centre'").fetchall() == [("delivered",)]
    wrong = {"csrf_token": token, "file": (io.BytesIO(b"no stick"), "x")}
    refused = admin.client.post(f"{PAGE}/read-stick", data=wrong, content_type="multipart/form-data")
    assert refused.status_code == 422
    assert "no file of a stick" in refused.text


def test_an_auditor_reads_and_changes_nothing(
    person: Callable[[str], Browser], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Who only reads sees how it stands and what waits with its reason, and no form."""
    init_keys(settings, passphrase=None, clock=clock)
    made = ACentre(db, settings, clock)
    made.tell(made.change("roster", "s1", {"entries": []}, sitting="s1"))
    page = person("auditor").get(PAGE).text
    assert "The sitting s1 has not arrived yet." in page
    assert "cannot be taken over yet" in page
    assert "/admin/centre/join" not in page
    assert "/admin/centre/stick" not in page


def test_a_key_that_ends_soon_and_a_new_epoch_are_said(
    person: Callable[[str], Browser], db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Thirty days before the key's time is over the page says what to do; a new epoch is explained for a week."""
    from appliance.outbox import begin_epoch

    init_keys(settings, passphrase=None, clock=clock)
    ACentre(db, settings, clock)
    clock.advance(340 * 86_400)
    begin_epoch(db, "restored", clock)
    page = person("administrator").get(PAGE).text
    assert "The box&#39;s key ends soon." in page or "The box's key ends soon." in page
    assert "brought back from a backup" in page
