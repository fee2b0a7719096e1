"""Whoever tries doors leaves a line in the journal: what was refused, where and from where, and no name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.web.conftest import Browser


def test_refusals_are_told(app: Flask, person: Callable[[str], Browser], account: Callable[[str, str], None]) -> None:
    """A role too low, a missing token, a foreign page, a forged host, a wrong password and a throttled one."""
    browser = person("reviewer")
    account("Ada", "administrator")
    with capture_logs() as lines:
        browser.get("/admin/users")
        browser.client.post("/sign-out")
        browser.client.get("/api/status", headers={"Sec-Fetch-Site": "cross-site"})
        browser.client.get("/account", headers={"Host": "evil.example"})
        guesser = app.test_client()
        visitor = type(browser)(guesser)
        for _ in range(6):
            visitor.sign_in("Ada", "Wrong-1234!")
    told = [(line["status"], line["code"]) for line in lines if line["event"] == "request refused"]
    assert told[:4] == [(403, "forbidden"), (400, "form.stale"), (403, "http.403"), (400, "http.400")]
    assert told[4:] == [(403, "sign_in.refused")] * 5 + [(429, "sign_in.throttled")]
    assert all(line["address"] == "127.0.0.1" for line in lines if line["event"] == "request refused")
    assert lines[0]["account"] is not None
    assert not any(name in str(lines) for name in ("Ada", "Reviewer", "Wrong-1234!"))
