"""The pages of retention, holds and deletion certificates."""

from __future__ import annotations

import csv
import io
import threading
from typing import TYPE_CHECKING

import pytest

from appliance import auditlog
from appliance.config import VaultSettings
from appliance.database import connect
from appliance.vault.disk import DiskSpace
from appliance.vault.holdings import Holding
from appliance.vault.holds import get_hold, list_holds, place_hold, release_hold
from appliance.vault.housekeeping import housekeep
from appliance.vault.part_rows import list_parts
from appliance.vault.retention import HOUR_US
from appliance.web.admin.hold_facts import choices
from tests.vault.part_material import NOW_US, make_file, row, store
from tests.web.admin.filled_box import fill, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser

    Person = Callable[[str], Browser]

EXAM = name_of(11)
OLD = name_of(8)


@pytest.fixture
def filled(db: Database, clock: ManualClock) -> Database:
    """A box with twelve sittings, the last four still there."""
    fill(db, clock)
    return db


def test_the_page_says_what_goes_next_and_why_the_rest_stays(filled: Database, person: Person) -> None:
    """Deletions ahead, holds with their reasons, and each camera's rule stand on one page."""
    page = person("reviewer").get("/admin/holds").text
    for words in (
        "Appeal 12/26",
        "Incident at seat 14",
        "3 days after",
        "5 parts of",
        "7 days",
        "Appeals are open for a week",
    ):
        assert words in page, words
    assert "Query of the data officer" not in page, "released holds are shown when asked for"
    assert "Place a legal hold" not in page, "a reviewer reads"
    assert "Query of the data officer" in person("auditor").get("/admin/holds?released=true").text


def test_only_one_sitting_is_shown_where_it_is_asked_for(filled: Database, person: Person) -> None:
    """The link of a recording leads to its own holds."""
    page = person("reviewer").get(f"/admin/holds?sitting={EXAM}").text
    assert "Incident at seat 14" in page
    assert "Appeal 12/26" not in page


def test_a_hold_is_placed_on_one_camera_with_a_reason(filled: Database, person: Person) -> None:
    """Chosen by typing, placed with a reason, shown, and in the log with who and from where."""
    browser = person("centre_manager")
    assert EXAM in browser.get("/admin/holds/place?q=front 12").text
    assert "No sitting fits" in browser.get("/admin/holds/place?q=nothing").text
    form = f"/admin/holds/place?sitting={name_of(10)}"
    assert "5 parts" in browser.get(form).text
    fields = {"sitting": name_of(10), "camera": "rear", "reason": " A court's order, 7 C 12/26 "}
    answer = browser.submit(form.partition("?")[0], **fields)
    assert answer.status_code == 302
    page = browser.get(answer.location).text
    assert "A court&#39;s order, 7 C 12/26" in page
    assert "The hold keeps 5 parts." in page
    made = list_holds(filled)[-1]
    assert (made.sitting, made.camera, made.placed_by) == (name_of(10), "rear", "Centre_Manager")
    entry = list(auditlog.show(filled, action="hold.placed"))[-1]
    assert (entry.who, entry.where) == ("Centre_Manager", "127.0.0.1")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": "  "}, "Give a reason."),
        ({"reason": "x" * 501}, "At most 500 characters."),
        ({"camera": "nobody"}, "Choose one."),
        ({"sitting": OLD[:-1] + "9"}, "There is no recording"),
        ({"sitting": name_of(0)}, "already deleted"),
    ],
)
def test_what_cannot_be_held_is_said_on_the_form(
    filled: Database, person: Person, fields: dict[str, str], words: str
) -> None:
    """No reason, an unknown camera, nothing recorded or everything gone: nothing is placed, the page says why."""
    before = list_holds(filled)
    answer = person("administrator").submit(
        "/admin/holds/place", **{"sitting": name_of(10), "camera": "", "reason": "r", **fields}
    )
    assert answer.status_code in {404, 409, 422}
    assert words in answer.text
    assert list_holds(filled) == before


def test_a_release_says_what_it_lets_go_and_asks_twice(filled: Database, clock: ManualClock, person: Person) -> None:
    """Where retention is over the consequence has to be acknowledged; then it is released, with its reason."""
    browser = person("administrator")
    page = browser.get("/admin/holds/1/release").text
    assert "its retention is over: deleted from" in page
    assert "deleted from" in page
    assert browser.submit("/admin/holds/1/release", reason="Appeal decided").status_code == 422
    assert get_hold(filled, 1).released_us is None
    answer = browser.submit("/admin/holds/1/release", reason="Appeal decided", sure="y")
    assert answer.status_code == 302
    found = get_hold(filled, 1)
    assert (found.released_by, found.release_reason) == ("Administrator", "Appeal decided")
    page = browser.get("/admin/holds/1").text
    assert "Place it again" in page
    assert "Appeal decided" in page
    assert browser.get("/admin/holds/1/release").status_code == 302, "it is released once"


def test_a_mistaken_release_is_made_good(db: Database, settings: Settings, clock: ManualClock, person: Person) -> None:
    """Within the grace the hold is placed again, and housekeeping in between has deleted nothing."""
    part = store(db, row())
    make_file(settings.vault_dir, part)
    hold = place_hold(db, "exam", None, reason="appeal", clock=clock, who="Ada")
    browser = person("administrator")
    assert browser.submit("/admin/holds/1/release", reason="oops", sure="y").status_code == 302
    _keep_house(db, settings, clock)
    token = browser.token("/admin/holds/1")
    again = browser.client.post(f"/admin/holds/{hold.id}/again", data={"csrf_token": token})
    assert again.status_code == 302
    assert [(one.reason, one.placed_by) for one in list_holds(db)] == [("appeal", "Administrator")]
    clock.advance(601)
    _keep_house(db, settings, clock)
    assert [one.state for one in list_parts(db)] == ["closed"]
    twice = browser.client.post("/admin/holds/2/again", data={"csrf_token": token})
    assert twice.status_code == 302
    assert len(list_holds(db)) == 1, "one that stands is not placed a second time"


def test_placed_again_too_late_is_said_plainly(
    db: Database, settings: Settings, clock: ManualClock, person: Person
) -> None:
    """After the grace everything is gone; nobody is given a hold that keeps nothing."""
    make_file(settings.vault_dir, store(db, row()))
    hold = place_hold(db, "exam", None, reason="appeal", clock=clock, who="Ada")
    release_hold(db, hold.id, reason="over", clock=clock, who="Ada")
    clock.advance(601)
    _keep_house(db, settings, clock)
    browser = person("administrator")
    token = browser.token("/admin/holds")
    answer = browser.client.post("/admin/holds/1/again", data={"csrf_token": token}, headers={"Accept": "text/html"})
    assert answer.status_code == 409
    assert "Nothing of exam is left to keep" in answer.text
    assert list_holds(db) == []


def test_holds_placed_while_housekeeping_deletes_keep_what_their_page_says(
    db: Database, settings: Settings, clock: ManualClock, person: Person
) -> None:
    """Forms against a housekeeping thread: each page's numbers are what is there and gone in the end."""
    sittings = [f"s-{number}" for number in range(5)]
    for sitting in sittings:
        for number in range(1, 9):
            make_file(settings.vault_dir, store(db, row(number, sitting=sitting)))
    browser = person("administrator")
    token = browser.token("/admin/holds")
    stop = threading.Event()

    def keep() -> None:
        own = connect(settings.database)
        while not stop.is_set() and _keep_house(own, settings, clock):
            pass
        own.conn.close()

    thread = threading.Thread(target=keep)
    thread.start()
    told: dict[str, tuple[int, str]] = {}
    try:
        for sitting in sittings:
            fields = {"csrf_token": token, "sitting": sitting, "camera": "", "reason": "race"}
            answer = browser.client.post("/admin/holds/place", data=fields, headers={"Accept": "text/html"})
            told[sitting] = (answer.status_code, answer.text)
    finally:
        thread.join(60)
        stop.set()
    assert not thread.is_alive()
    gone_before = {
        line.detail["sitting"]: line.detail["parts_already_gone"] for line in auditlog.show(db, action="hold.placed")
    }
    for sitting, (status, text) in told.items():
        left = [part for part in list_parts(db, sitting) if part.state == "closed"]
        if status == 302:
            assert len(left) == 8 - gone_before[sitting]
        else:
            assert status == 409
            assert "already deleted" in text
            assert left == []


def test_certificates_are_found_and_taken_away(filled: Database, person: Person) -> None:
    """Listed newest first with a link to their entry, narrowed, and the same as CSV and JSON."""
    browser = person("auditor")
    page = browser.get("/admin/holds/certificates")
    assert "160 certificates" in page.text
    assert "keys destroyed" in page.text
    narrowed = f"sitting={name_of(2)}&camera=front"
    found = browser.get(f"/admin/holds/certificates.json?{narrowed}").json
    assert found["left_out"] == 0
    assert len(found["certificates"]) == 5
    assert {one["camera"] for one in found["certificates"]} == {"front"}
    text = browser.get(f"/admin/holds/certificates.csv?{narrowed}").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [int(one["entry"]) for one in rows] == [one["entry"] for one in found["certificates"]]
    assert rows[0]["deleted"].endswith("Z")
    entry = found["certificates"][0]["entry"]
    assert f"entry={entry}" in browser.get(f"/admin/holds/certificates?{narrowed}").text
    assert "No certificate fits" in browser.get("/admin/holds/certificates?sitting=nothing").text
    assert browser.get("/admin/holds/certificates?from=yesterday").status_code == 422


def test_a_person_without_the_log_sees_no_link_to_it(filled: Database, person: Person) -> None:
    """A reviewer reads certificates; the log itself is not theirs."""
    page = person("reviewer").get("/admin/holds/certificates").text
    assert "/admin/log?" not in page
    assert "Entry " in page


def test_choices_put_first_what_can_still_be_held() -> None:
    """What runs stands first, what is gone last, and words match names of cameras too."""

    def holding(sitting: str, parts: int, started: int) -> Holding:
        return Holding(sitting, "c1", parts, parts, started, started, 0, 0, 0 if parts else 3, 0)

    rows = [holding("old", 2, NOW_US - HOUR_US), holding("gone", 0, NOW_US), holding("new", 1, NOW_US - 1)]
    found = choices(rows, frozenset({"now"}), frozenset({"old"}), {"c1": "Front"}, "")
    assert [one.sitting for one in found] == ["now", "new", "old", "gone"]
    assert [one.held for one in found] == [False, False, True, False]
    assert [one.sitting for one in choices(rows, frozenset(), frozenset(), {"c1": "Front"}, "FRONT new")] == ["new"]


def test_markup_in_a_reason_stays_text(filled: Database, clock: ManualClock, person: Person) -> None:
    """What people type is shown, never run."""
    bad = "<script>alert(1)</script>"
    hold = place_hold(filled, name_of(10), None, reason=bad, clock=clock, who="<b>Eve</b>")
    browser = person("administrator")
    for path in ("/admin/holds", f"/admin/holds/{hold.id}", f"/admin/holds/{hold.id}/release", "/admin/log?group=hold"):
        text = browser.get(path).text
        assert bad not in text
        assert "<b>Eve</b>" not in text


def test_a_hold_that_is_not_there_is_a_404(filled: Database, person: Person) -> None:
    """Numbers that were never given lead nowhere."""
    browser = person("administrator")
    assert browser.get("/admin/holds/99").status_code == 404
    assert browser.get("/admin/holds/99/release").status_code == 404


def _keep_house(db: Database, settings: Settings, clock: ManualClock) -> int:
    report = housekeep(
        db, settings.vault_dir, VaultSettings(), clock, measure=lambda _folder: DiskSpace(1000, 500), trusted=True
    )
    return len(report.certificates)
