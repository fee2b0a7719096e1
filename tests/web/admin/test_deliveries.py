"""The page of deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.ipc.beat import write_beat
from appliance.outbox import get_delivery, lms_target, put
from appliance.outbox.settling import Tried, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser

    Person = Callable[[str], Browser]

ODD = "<b>no & session</b>"


@pytest.fixture
def target(db: Database, settings: Settings, clock: ManualClock) -> str:
    """An integration's target, with one delivery of each fate: 1 delivered, 2 parked and 3 behind it, 4 waiting."""
    addresses = Addresses(review_url="https://lms.example/review")
    made, _ = add_integration(
        db, name="moodle-main", addresses=addresses, clock=clock, who="ann", keys=exchange_key(settings)
    )
    target = lms_target(made.id)
    with write(db):
        for stream in ("a", "b", "b", "c"):
            put(db, target=target, stream=stream, kind="review", body={"sessionId": f"lms-{stream}"}, clock=clock)
    settle(db, [Tried(1, clock.wall_us(), 1, 200, "{}", "says_error")], clock=clock, roll=lambda: 0.0)
    for _ in range(5):
        settle(db, [Tried(2, clock.wall_us(), 1, 422, ODD, "status: 422")], clock=clock, roll=lambda: 0.0)
    settle(db, [Tried(4, clock.wall_us(), 1, None, "", "timeout")], clock=clock, roll=lambda: 0.0)
    return target


def test_the_page_says_how_each_target_stands(
    target: str, person: Person, settings: Settings, clock: ManualClock
) -> None:
    """What waits, what is parked, since when and why; that the process does not run comes first."""
    assert target
    auditor = person("auditor")
    page = auditor.get("/admin/deliveries").text
    for words in ("moodle-main", "waits for you", "of these parked: 1, behind them: 1", "It did not answer in time."):
        assert words in page, words
    assert "The process that delivers does not run." in page
    assert "Try now" not in page, "an auditor reads"
    write_beat(settings.sync_beat, clock, began_us=0, duties={})
    assert "The process that delivers does not run." not in auditor.get("/admin/deliveries").text
    assert 'value="' + target + '"' in person("centre_manager").get("/admin/deliveries").text


@pytest.mark.parametrize(
    ("show_", "ids"),
    [("open", [4, 3, 2]), ("parked", [2]), ("delivered", [1]), ("given-up", []), ("all", [4, 3, 2, 1])],
)
def test_the_list_is_narrowed(target: str, person: Person, show_: str, ids: list[int]) -> None:
    """To what waits, what is parked, what arrived, what was given up; the newest first."""
    page = person("administrator").get(f"/admin/deliveries?show={show_}&target={target}").text
    at = [page.find(f'href="/admin/deliveries/{number}"') for number in ids]
    assert all(place > 0 for place in at)
    assert at == sorted(at)
    assert sum(page.count(f'href="/admin/deliveries/{number}"') for number in range(1, 5)) == len(ids)


def test_a_page_of_many_leads_to_the_older_ones(db: Database, clock: ManualClock, person: Person) -> None:
    """Fifty a page, and none twice or left out."""
    with write(db):
        for n in range(60):
            put(db, target="centre", stream="", kind="register", body={"n": n}, clock=clock)
    admin = person("administrator")
    first = admin.get("/admin/deliveries").text
    assert "before=11" in first
    second = admin.get("/admin/deliveries?before=11").text
    assert [f'href="/admin/deliveries/{n}"' in first for n in (60, 11, 10)] == [True, True, False]
    assert [f'href="/admin/deliveries/{n}"' in second for n in (11, 10, 1)] == [False, True, True]


def test_nothing_to_deliver_is_explained(person: Person) -> None:
    """A new box says what will be here."""
    assert "Nothing waits" in person("administrator").get("/admin/deliveries").text


def test_one_delivery_shows_its_attempts_and_answers_as_text(target: str, person: Person) -> None:
    """Status, why and what the LMS said, never as markup; its key; how many wait behind it."""
    assert target
    page = person("auditor").get("/admin/deliveries/2").text
    assert page.count("Attempt ") == 5
    assert "&lt;b&gt;no &amp; session&lt;/b&gt;" in page
    assert "1 delivery of the same session waits behind it." in page
    assert ":2</code>" in page
    assert "Give it up" not in page.partition("<h2>")[2].partition("</section>")[0]
    assert "Let it go on" not in page.replace("let it go on", "")
    accepted = person("administrator").get("/admin/deliveries/1").text
    assert "Accepted, but the answer&#39;s text speaks of an error." in accepted
    assert "Give it up" not in accepted


def _post(browser: Browser, path: str, **fields: str) -> TestResponse:
    """Send a form with the token of another page."""
    return browser.client.post(
        path, data={"csrf_token": browser.token("/account"), **fields}, headers={"Accept": "text/html"}
    )


def test_people_let_go_on_try_and_give_up(target: str, person: Person, db: Database, clock: ManualClock) -> None:
    """Each by a button, with a reason where something is lost, logged by name."""
    admin = person("administrator")
    assert _post(admin, "/admin/deliveries/2/go-on").status_code == 302
    assert get_delivery(db, 2).state == "waiting"
    assert _post(admin, "/admin/deliveries/4/try").status_code == 302
    assert get_delivery(db, 4).next_try_us == 0
    settle(db, [Tried(4, clock.wall_us(), 1, 500)], clock=clock, roll=lambda: 0.0)
    assert get_delivery(db, 4).next_try_us > clock.wall_us() - SECOND_US
    assert _post(admin, "/admin/deliveries/try", target=target).status_code == 302
    assert get_delivery(db, 4).next_try_us == 0
    refused = _post(admin, "/admin/deliveries/4/discard", reason="")
    assert (refused.status_code, "Give a reason." in refused.text) == (422, True)
    assert _post(admin, "/admin/deliveries/4/discard", reason="a trial").status_code == 302
    assert get_delivery(db, 4).state == "discarded"
    assert _post(admin, "/admin/deliveries/4/discard", reason="again").status_code == 409
    assert _post(admin, "/admin/deliveries/4/go-on").status_code == 409
    assert [line.action for line in show(db, action="delivery") if line.who != "box"] == [
        "delivery.unparked",
        "delivery.discarded",
    ]
    assert "a trial" in admin.get("/admin/deliveries/4").text
