"""Headers, hosts, limits, errors, health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.web.app import MAX_REQUEST_BYTES, create_app
from appliance.web.services import of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture, StandInKeyring


@pytest.mark.parametrize("path", ["/sign-in", "/static/exambox.css", "/no/such/page", "/api/status", "/healthz"])
def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    """Pages, files, errors and JSON alike forbid everything foreign."""
    headers = browser.client.get(path, follow_redirects=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_pages_hold_no_inline_script_or_style_and_nothing_foreign(
    browser: Browser, person: Callable[[str], Browser]
) -> None:
    """What the policy would block is not on any page to begin with."""
    admin = person("administrator")
    pages = [admin.get(path).text for path in ("/live", "/recordings")] + [browser.get("/sign-in").text]
    for page in pages:
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert 'src="http' not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')


def test_a_foreign_host_name_is_refused(browser: Browser) -> None:
    """A page elsewhere cannot reach the box under a name of its own (DNS rebinding)."""
    assert browser.client.get("/healthz", headers={"Host": "evil.example:8480"}).status_code == 400
    for host in ("localhost:8480", "127.0.0.1:8480", "[::1]:8480"):
        assert browser.client.get("/healthz", headers={"Host": host}).status_code == 200, host


def test_a_large_request_is_refused_with_a_page_that_helps(browser: Browser) -> None:
    """A body beyond the limit gets 413 and words."""
    token = browser.token("/first-run")
    response = browser.client.post(
        "/first-run", data={"csrf_token": token, "name": "x" * MAX_REQUEST_BYTES}, headers={"Accept": "text/html"}
    )
    assert response.status_code == 413
    assert "Send less at once" in response.text


def test_errors_are_pages_for_people_and_problem_json_for_scripts(browser: Browser) -> None:
    """The same error is told in the form its reader understands."""
    page = browser.get("/no/such/page")
    assert page.status_code == 404
    assert "There is no such page" in page.text
    script = browser.client.get("/no/such/page")
    assert script.content_type == "application/problem+json"
    assert script.json is not None
    assert script.json["status"] == 404


def test_an_unexpected_error_tells_no_internals(
    app: Flask, person: Callable[[str], Browser], capture: StandInCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is one plain sentence on the page; its words stay in the journal."""
    browser = person("administrator")
    monkeypatch.setattr(capture, "snapshot", lambda _: 1 / 0)
    response = browser.client.get("/live/front/snapshot")
    assert response.status_code == 500
    assert "division" not in response.text
    assert "Something went wrong in the box." in response.text


def test_health_is_for_this_machine_only(browser: Browser) -> None:
    """Supervisors on loopback get an answer; another address sees no such page."""
    assert browser.client.get("/healthz").json == {"ok": True}
    assert browser.client.get("/healthz", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_the_form_key_survives_a_restart(
    settings: Settings, clock: ManualClock, app: Flask, capture: StandInCapture, keyring: StandInKeyring
) -> None:
    """A page that was open while the process restarted can still be sent; the key is for its owner only."""
    again = create_app(settings, clock, live=capture, keyring=keyring)
    of(again).keeper.conn.close()
    assert again.secret_key == app.secret_key
    assert (settings.state_dir / "web" / "form.key").stat().st_mode & 0o777 == 0o600


def test_the_front_door_leads_each_role_to_its_page(person: Callable[[str], Browser]) -> None:
    """A reviewer begins at the queue of reviews, an auditor at the recordings, the others at the live page."""
    assert person("reviewer").get("/").location == "/reviews"
    assert person("auditor").get("/").location == "/recordings"
    assert person("invigilator").get("/").location == "/live"
