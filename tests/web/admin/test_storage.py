"""The storage page."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import UnavailableError
from appliance.vault.disk import DiskSpace
from appliance.web.admin import disk_facts
from tests.web.admin.filled_box import GB, Month, fill, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser, StandInCapture

    Person = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def _disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of 500 GB, 180 free, whatever machine the tests run on."""
    monkeypatch.setattr(disk_facts, "read_space", lambda _folder: DiskSpace(500 * GB, 180 * GB))


def _told(capture: StandInCapture, monkeypatch: pytest.MonkeyPatch, **disk: Any) -> None:
    monkeypatch.setattr(capture, "status", lambda: {"ok": True, "cameras": [], "disk": {"state": "ok", **disk}})


def test_an_empty_box_has_a_calm_page(person: Person) -> None:
    """Nothing recorded, nothing foreseen, no error."""
    page = person("administrator").get("/admin/storage")
    assert page.status_code == 200
    assert "Nothing is recorded here" in page.text
    assert "not foreseeable" in page.text


def test_it_says_what_fills_the_disk_and_what_goes_next(db: Database, clock: ManualClock, person: Person) -> None:
    """Recordings, holds, the rest and free space are told as figures; sittings and cameras with what they take."""
    fill(db, clock)
    page = person("auditor").get("/admin/storage").text
    for words in ("180 GB", "of 500 GB", "Recordings a hold alone keeps", "Invigilator&#39;s desk", name_of(11)):
        assert words in page, words
    held = re.search(r"Recordings a hold alone keeps</th><td class=\"number\">([^<]+)", page)
    # The oldest sitting's cameras with 72 h would be gone; the one kept for 168 h would not.
    assert held
    assert held[1] == "24.3 GB"


def test_full_is_told_with_a_date_and_otherwise_that_deletion_keeps_pace(
    db: Database, clock: ManualClock, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same box fills a small disk, and never a large one."""
    fill(db, clock)
    browser = person("administrator")
    monkeypatch.setattr(disk_facts, "read_space", lambda _folder: DiskSpace(200 * GB, 12 * GB))
    assert "the disk is full on" in browser.get("/admin/storage").text
    monkeypatch.setattr(disk_facts, "read_space", lambda _folder: DiskSpace(9000 * GB, 8000 * GB))
    page = browser.get("/admin/storage").text
    assert "the disk does not fill up" in page
    assert "Deletion keeps pace with recording." in page


def test_doubts_failures_and_a_silent_service_are_said(
    person: Person, capture: StandInCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why nothing is deleted stands on the page: the clock, a failing disk, a service that is off, a full disk."""
    browser = person("administrator")
    _told(capture, monkeypatch, clock_doubtful=True, failures=["<b>No</b> room."], stopped=True, state="stop")
    page = browser.get("/admin/storage").text
    assert "The clock is in doubt: nothing is deleted." in page
    assert "&lt;b&gt;No&lt;/b&gt; room." in page
    assert "Recording has stopped: the disk is full." in page

    def silent() -> dict[str, Any]:
        raise UnavailableError("The capture process is not running.")

    monkeypatch.setattr(capture, "status", silent)
    assert "The recording service does not answer." in browser.get("/admin/storage").text


def test_sittings_are_paged(db: Database, clock: ManualClock, person: Person) -> None:
    """Many sittings are shown fifteen at a time; a page beyond the last is the last."""
    fill(db, clock, Month(days=40, kept_days=40, parts=1))
    browser = person("administrator")
    seen = [
        set(re.findall(r"/recordings/(exam-\d\d-a1b2)", browser.get(f"/admin/storage?page={n}").text))
        for n in (1, 2, 3)
    ]
    assert [len(one) for one in seen] == [15, 15, 10]
    assert len(set().union(*seen)) == 40
    assert browser.get("/admin/storage?page=99").status_code == 200
    assert browser.get("/admin/storage?page=0").status_code == 422


def test_a_month_of_eight_cameras_is_fast(db: Database, clock: ManualClock, person: Person) -> None:
    """57,600 parts (30 days, 8 cameras, 240 a day) are looked through in well under a second for each page."""
    fill(db, clock, Month(days=30, cameras=8, parts=240, kept_days=29, bytes=GB))
    browser = person("administrator")
    for path in ("/admin/storage", "/admin/holds", "/admin/holds/place", "/admin/holds/certificates"):
        assert browser.get(path).status_code == 200
        begun = time.process_time()
        assert browser.get(path).status_code == 200
        assert time.process_time() - begun < 1.0, path
