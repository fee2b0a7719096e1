"""What the terminal shows once the dashboard answers."""

from __future__ import annotations

import datetime as dt
import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.commands import greeting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_the_greeting_comes_once_when_the_dashboard_answers(
    settings: Settings, db: Database, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed before the dashboard answers; then address and password, once."""
    answers = iter([False, False, True])
    greet = greeting.Greeting(settings, 8499, db, clock, answers=lambda _host, _port: next(answers))
    greet.tick()
    greet.tick()
    assert capsys.readouterr().out == ""
    greet.tick()
    greet.tick()
    shown = capsys.readouterr().out
    assert shown.count("http://127.0.0.1:8499/") == 1
    assert "One-time password" in shown
    assert len(list(db.query("SELECT * FROM one_time_password"))) == 1


def test_a_dashboard_that_does_not_come_is_said_once(
    settings: Settings, db: Database, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """After half a minute without an answer the person is told, once."""
    greet = greeting.Greeting(settings, 8499, db, clock, answers=lambda _host, _port: False)
    greet.tick()
    clock.advance(31)
    greet.tick()
    greet.tick()
    assert capsys.readouterr().err.count("does not answer yet") == 1


def test_a_box_with_accounts_shows_no_password(settings: Settings) -> None:
    """Once there is an account, the greeting asks to sign in with it."""
    text = "\n".join(greeting.greeting_lines(settings, 1, None))
    assert "One-time" not in text
    assert "with your account" in text


@pytest.mark.parametrize("plain", [True, False])
def test_the_frame_is_straight(*, plain: bool) -> None:
    """Every line of the frame is equally long; the plain one is ASCII."""
    lines = greeting.framed(["a", "longer line", ""], plain=plain).strip().split("\n")
    assert len({len(line) for line in lines}) == 1
    assert all(line.isascii() for line in lines) is plain


@pytest.mark.parametrize(("status", "expected"), [(200, True), (302, True), (403, True), (500, False), (503, False)])
def test_a_server_error_is_no_answer(status: int, *, expected: bool) -> None:
    """The dashboard counts as there when it answers with anything but its own failure."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert greeting.web_answers("127.0.0.1", server.server_port) is expected
        thread.join()
    assert greeting.web_answers("127.0.0.1", server.server_port) is False


NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def test_a_box_on_the_network_says_where_it_is_and_what_to_compare(settings: Settings) -> None:
    """Names and addresses people can type, the whole fingerprint, and the page that makes devices trust it."""
    names = names_of(["room-1", "room-1.local", "localhost", "10.0.0.7", "fd00::7", "127.0.0.1"])
    facts = CertificateStore(settings.tls_dir).create("Room", names, NOW)
    lines = greeting.lan_lines(settings)
    text = "\n".join(lines)
    assert "https://room-1.local:8443/" in text
    assert "https://10.0.0.7:8443/" in text
    assert "https://[fd00::7]:8443/" in text
    assert "127.0.0.1" not in text
    assert "https://room-1.local:8443/certificate" in text
    shown = "".join(line[19:] for line in lines if "https" not in line).replace(" ", "")
    assert shown.lower() == facts.ca_sha256


def test_a_certificate_without_usable_names_is_no_obstacle(settings: Settings) -> None:
    """Only loopback is covered: nothing to open from elsewhere, and no failure."""
    CertificateStore(settings.tls_dir).create("Room", names_of(["localhost"]), NOW)
    assert "https://" not in "\n".join(greeting.lan_lines(settings))
