"""The support bundle on the dashboard: made, looked at, downloaded, for administrators alone."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from appliance import auditlog
from appliance.vault.keys import init_keys
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture


@pytest.fixture(autouse=True)
def _keys(settings: Settings, clock: ManualClock) -> None:
    init_keys(settings, passphrase=None, clock=clock)


def _made(browser: Browser) -> str:
    """Make a bundle and return its page's address when it is ready."""
    answer = browser.submit("/admin/support")
    assert answer.status_code == 302
    until(lambda: "Look at the files" in browser.get(answer.location).text or None, 30, "the bundle")
    return answer.location


def test_the_page_says_before_what_is_in_it_and_what_not(person: Callable[[str], Browser]) -> None:
    """Also how to do it at the console."""
    page = person("administrator").get("/admin/support").text
    assert "What is in it" in page
    assert "What is not in it" in page
    assert "exambox support-bundle" in page


def test_a_bundle_is_looked_at_and_downloaded(
    person: Callable[[str], Browser], capture: StandInCapture, db: Database
) -> None:
    """Each file is shown as it is sent; making and taking it are in the log, with the same checksum."""
    admin = person("administrator")
    page = _made(admin)
    shown = admin.get(f"{page}/doctor.json").text
    raw = admin.get(f"{page}/download").data
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        names = {name.removeprefix("exambox-support/") for name in packed.namelist()}
        doctor = json.loads(packed.read("exambox-support/doctor.json"))
        everything = "".join(packed.read(name).decode() for name in packed.namelist())
    listed = admin.get(page).text
    assert all(f">{name}</a>" in listed for name in names)
    assert "&#34;name&#34;: &#34;software&#34;" in shown
    assert {"software", "disk", "database", "log"} <= {check["name"] for check in doctor}
    assert "exambox_build_info" in everything
    assert "Administrator" not in everything
    lines = {line.action: line for line in auditlog.show(db, action="support")}
    assert set(lines) == {"support.bundle_made", "support.bundle_downloaded"}
    assert lines["support.bundle_made"].detail == lines["support.bundle_downloaded"].detail
    assert lines["support.bundle_downloaded"].who == "Administrator"


def test_only_files_of_the_bundle_are_shown(person: Callable[[str], Browser]) -> None:
    """No other name, no path, no other kind of job."""
    admin = person("administrator")
    page = _made(admin)
    for name in ("x", "..%2f..%2fdevice.key", "%2e%2e"):
        assert admin.get(f"{page}/{name}").status_code == 404
    assert admin.get("/admin/support/" + "0" * 32).status_code == 404


def test_somebody_elses_bundle_is_not_there(
    person: Callable[[str], Browser], account: Callable[[str, str], None]
) -> None:
    """Another administrator makes their own; other roles make none."""
    admin = person("administrator")
    page = _made(admin)
    account("Zora", "administrator")
    other = type(admin)(admin.client.application.test_client())
    other.sign_in("Zora")
    for path in (page, f"{page}/doctor.json", f"{page}/download"):
        assert other.get(path).status_code == 404
    assert person("auditor").get("/admin/support").status_code == 403
