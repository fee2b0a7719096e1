"""The health page: one verdict, what to do, and the same as JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.config import AccountsSettings
from appliance.diagnosis.result import Check
from appliance.ipc.beat import write_beat
from appliance.vault.keys import init_keys
from appliance.web.account.mailer import Failure, Mailer, mailer_of
from appliance.web.admin import health_checks, health_words
from appliance.web.admin.health import HealthAnswer
from appliance.web.admin.health_book import HealthBook, Seen
from appliance.web.app import create_app
from appliance.web.services import of
from appliance.web.words import local_words
from tests.support.a_centre import ACentre
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.diagnosis.result import State
    from tests.web.conftest import Browser, StandInCapture


@pytest.fixture(autouse=True)
def _keys(settings: Settings, clock: ManualClock) -> None:
    init_keys(settings, passphrase=None, clock=clock)
    for folder in (settings.vault_dir, settings.run_dir):
        folder.mkdir(parents=True, exist_ok=True)


def _facts(browser: Browser) -> dict[str, Any]:
    answer = browser.client.get("/api/health").json
    msgspec.convert(answer, HealthAnswer)
    assert isinstance(answer, dict)
    return answer


def _by_name(browser: Browser) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in _facts(browser)["checks"]}


@pytest.mark.parametrize(
    ("states", "verdict"),
    [(["ok", "unseen"], "good"), (["ok", "warn"], "warn"), (["warn", "fail"], "bad"), ([], "good")],
)
def test_the_verdict_is_that_of_the_worst(states: list[State], verdict: str) -> None:
    """What cannot be seen from here is no fault."""
    seen = [Seen(Check(str(number), state, "m"), 0, "quick") for number, state in enumerate(states)]
    assert health_words.verdict_of(seen) == verdict


def test_a_lost_camera_makes_the_box_unfit_and_is_told_first(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name, why, and what to do; the page and the JSON say the same."""
    box = of(app)
    write_beat(box.settings.sync_beat, box.clock, began_us=0, duties={})
    write_beat(box.settings.devices_beat, box.clock, began_us=0, duties={})
    admin = person("administrator")
    lost = {"camera": "front", "name": "Front <b>", "state": "lost", "reason": "timeout"}
    monkeypatch.setattr(capture, "status", lambda: {"cameras": [lost]})
    page = admin.get("/admin/health").text
    assert "Not fit: 1 thing must be put right." in page
    assert "Front &lt;b&gt;: lost (it answers too slowly)" in page
    assert "<code>exambox cameras test front</code>" in page
    facts = _facts(admin)
    assert facts["verdict"] == "bad"
    assert [check["name"] for check in facts["checks"] if check["state"] == "fail"] == ["camera front"]


GERMAN = {"Accept-Language": "de"}


def test_numbers_times_and_reasons_are_those_of_the_readers_language(
    app: Flask, clock: ManualClock, person: Callable[[str], Browser], capture: StandInCapture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A German page has a comma in its numbers, the room's time in words, and no raw word of a camera's state."""
    lost = [{"camera": one, "name": one, "state": "lost", "reason": one} for one in ("refused", "unheard_of")]
    monkeypatch.setattr(capture, "status", lambda: {"cameras": lost})
    page = person("administrator").get("/admin/health", headers=GERMAN).text
    said = re.findall(r'class="said">([^<]*)<', page)
    assert any("ausgefallen (die Verbindung wird abgelehnt)" in one for one in said)
    assert not any("(refused)" in one or "unheard_of)" in one for one in said)
    assert any(re.search(r"\d,\d GB", one) for one in said)
    assert not any(re.search(r"\d\.\d GB|\dT\d\d:", one) for one in said)
    assert any(local_words(clock.wall_us(), of(app).zone)[-8:] in one for one in said)


def test_a_key_that_ends_leads_to_where_it_is_renewed(
    app: Flask, clock: ManualClock, db: Database, person: Callable[[str], Browser]
) -> None:
    """The end of the key towards the central service is told in the reader's words and time, with the page to go to."""
    until_us = ACentre(db, of(app).settings, clock).row.valid_until_us
    assert until_us is not None
    clock.advance((until_us - clock.wall_us()) / 1_000_000 - 86_400 * 3)
    page = person("administrator").get("/admin/health", headers=GERMAN).text
    row = page[page.index("Schlüssel für die Zentrale") :]
    assert "nur noch 3 Tage an, bis" in row[:1500]
    assert local_words(until_us, of(app).zone)[-8:] in row[:1500]
    assert "Bitten Sie die Zentrale vorher um einen neuen Code" in row[:1500]
    assert 'href="/admin/centre"' in row[:1500]


def test_a_camera_that_comes_back_is_in_what_changed(
    person: Callable[[str], Browser], capture: StandInCapture, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the change is the time it was seen."""
    admin = person("administrator")
    state = ["lost"]
    monkeypatch.setattr(capture, "status", lambda: {"cameras": [{"camera": "a", "name": "A", "state": state[0]}]})
    _facts(admin)
    clock.advance(10)
    state[0] = "live"
    facts = _facts(admin)
    assert facts["changes"][0] == {"at_us": clock.wall_us(), "name": "camera a", "before": "fail", "after": "ok"}


def test_capture_that_is_gone_is_a_failure_and_the_rest_still_speaks(
    person: Callable[[str], Browser], capture: StandInCapture
) -> None:
    """One dead process hides nothing of the others."""
    admin = person("administrator")
    capture.running = False
    found = _by_name(admin)
    assert found["capture"]["state"] == "fail"
    assert {"disk", "keys", "keyring", "clock", "mail", "web"} <= found.keys()
    assert "does not run" in admin.get("/admin/health").text


def test_database_and_log_are_checked_in_the_background(app: Flask, person: Callable[[str], Browser]) -> None:
    """The first who opens the page has it done; the button does it again."""
    admin = person("administrator")
    admin.get("/admin/health")
    book = health_checks.book_of(app)
    until(lambda: book.taken_us("thorough") is not None or None, 20, "the thorough checks")
    until(lambda: not book.looks_thoroughly or None, 20, "the end of the thorough checks")
    found = _by_name(admin)
    assert (found["database"]["state"], found["log"]["state"]) == ("ok", "ok")
    assert admin.client.post("/admin/health/check", data={"csrf_token": admin.token("/")}).status_code == 302


def test_a_damaged_database_is_found_by_the_thorough_look(
    app: Flask, person: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the check finds is what the page shows."""
    monkeypatch.setattr(
        health_checks, "THOROUGH", (lambda _: [Check("database", "fail", "It is damaged.", "Restore it.")],)
    )
    admin = person("administrator")
    admin.get("/admin/health")
    until(lambda: health_checks.book_of(app).taken_us("thorough"), 20, "the thorough checks")
    assert "It is damaged." in admin.get("/admin/health").text


def test_mail_that_failed_is_told(settings: Settings, clock: ManualClock) -> None:
    """No mail server is fine; one that refuses is not, and one that took a mail is again."""
    assert _mailing(settings, clock, lambda _: None) == "ok"
    with_server = msgspec.structs.replace(
        settings, accounts=AccountsSettings(smtp_host="mail.example", mail_from="box@example.org")
    )

    def failed(mailer: Mailer) -> None:
        mailer.failure = Failure(clock.wall_us(), "The mail server refused.", "")

    def sent(mailer: Mailer) -> None:
        mailer.sent_us = clock.wall_us()

    assert [_mailing(with_server, clock, what) for what in (lambda _: None, failed, sent)] == ["ok", "warn", "ok"]


def _mailing(settings: Settings, clock: ManualClock, happen: Callable[[Mailer], None]) -> str:
    app = create_app(settings, clock)
    try:
        happen(mailer_of(app))
        return next(check.state for check in health_checks.own_checks(app) if check.name == "mail")
    finally:
        of(app).keeper.conn.close()


def test_the_page_fits_its_reader(person: Callable[[str], Browser]) -> None:
    """An auditor sees it and has no button; an invigilator does not see it."""
    auditor = person("auditor")
    page = auditor.get("/admin/health")
    assert page.status_code == 200
    assert "Check everything now" not in page.text
    assert person("invigilator").get("/admin/health").status_code == 403


def test_every_check_has_a_name_for_people(app: Flask) -> None:
    """No check is shown by its bare program name, and each stands in a group."""
    with app.test_request_context():
        names = [check.name for check in health_checks.quick(app)]
        book = HealthBook(of(app).clock)
        book.take([Check(name, "ok", "m") for name in [*names, "database", "log", "retention", "journal"]], "quick")
        for group in health_words.groups_of(book.seen()):
            assert group.title != "Other", [row.seen.check.name for row in group.rows]
            for row in group.rows:
                assert row.title[:1].isupper()
