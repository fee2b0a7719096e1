"""What the machine itself may ask: does it live, is it ready, figures. Nobody else gets an answer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.config import WebSettings
from appliance.errors import UnavailableError
from appliance.web.access import ROLES
from appliance.web.app import create_app
from appliance.web.services import of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture, StandInKeyring

PATHS = ("/healthz", "/readyz", "/metrics")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A supervisor on this machine."""
    return app.test_client()


@pytest.fixture
def lan(settings: Settings, clock: ManualClock, capture: StandInCapture, keyring: StandInKeyring) -> Iterator[Flask]:
    """A dashboard that is offered on the network, with a certificate."""
    wished = msgspec.structs.replace(settings, web=WebSettings(lan=True))
    now = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC)
    CertificateStore(settings.tls_dir).create("Room", names_of(["room-1.local", "localhost"]), now)
    made = create_app(wished, clock, live=capture, keyring=keyring)
    yield made
    of(made).jobs.close()
    of(made).keeper.conn.close()


def checks(client: FlaskClient) -> tuple[int, dict[str, str]]:
    """Return the status and what is said of each part."""
    answer = client.get("/readyz")
    told: dict[str, Any] = answer.get_json()
    assert told["ready"] is (answer.status_code == 200)
    return answer.status_code, told["checks"]


@pytest.mark.parametrize("path", PATHS)
def test_this_machine_gets_an_answer(client: FlaskClient, path: str) -> None:
    """By loopback, unsigned."""
    assert client.get(path).status_code == 200
    assert client.get(path, environ_base={"REMOTE_ADDR": "127.9.9.9"}).status_code == 200
    assert client.get(path, environ_base={"REMOTE_ADDR": "::ffff:127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "asked",
    [
        {"environ_base": {"REMOTE_ADDR": "192.168.1.5"}},
        {"environ_base": {"REMOTE_ADDR": "fd00::5"}},
        {"environ_base": {"REMOTE_ADDR": "1127.0.0.1"}},
        {"environ_base": {"REMOTE_ADDR": "::12"}},
        {"base_url": "https://localhost/"},
        {"headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"headers": {"X-Forwarded-For": "10.0.0.1"}},
        {"headers": {"Forwarded": "for=10.0.0.1"}},
        {"environ_base": {"REMOTE_ADDR": "192.168.1.5"}, "headers": {"X-Forwarded-For": "127.0.0.1"}},
    ],
)
def test_nobody_else_does(client: FlaskClient, path: str, asked: dict[str, Any]) -> None:
    """Not from the network, not by HTTPS, not through a proxy: as if there were no such page."""
    assert client.get(path, **asked).status_code == 404


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", PATHS)
def test_no_role_changes_that(person: Callable[[str], Browser], role: str, path: str) -> None:
    """A signed-in person on the network gets no more than anybody there."""
    signed_in = person(role)
    assert signed_in.get(path, environ_base={"REMOTE_ADDR": "192.168.1.5"}).status_code == 404


def test_a_box_in_order_is_ready(client: FlaskClient) -> None:
    """Every part is said to be well."""
    status, told = checks(client)
    assert status == 200
    assert told == dict.fromkeys(("database", "capture", "cameras", "keyring", "certificate"), "ok")


def test_missing_capture_is_named(client: FlaskClient, capture: StandInCapture) -> None:
    """Without capture nothing is recorded."""
    capture.running = False
    status, told = checks(client)
    assert status == 503
    assert "not running" in told["capture"]
    assert told["cameras"] != "ok"
    assert told["database"] == "ok"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"cameras": []}, ("cameras", "there is no camera")),
        ({"cameras": [{"state": "live"}, {"state": "lost"}]}, ("cameras", "1 of 2")),
        ({"cameras": [{"state": "live"}], "disk": {"stopped": True}}, ("capture", "the disk is full")),
    ],
)
def test_a_capture_that_cannot_record_is_named(
    app: Flask, capture: StandInCapture, monkeypatch: pytest.MonkeyPatch, status: dict[str, Any], says: tuple[str, str]
) -> None:
    """No camera, a lost one, a full disk."""
    monkeypatch.setattr(capture, "status", lambda: status)
    code, told = checks(app.test_client())
    assert code == 503
    assert says[1] in told[says[0]]


def test_a_missing_keyring_is_named(
    client: FlaskClient, keyring: StandInKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the keyring nothing is played back; a locked one is ready."""
    keyring.locked = True
    assert checks(client)[0] == 200

    def refuse() -> None:
        raise UnavailableError("The keyring does not answer.")

    monkeypatch.setattr(keyring, "status", refuse)
    code, told = checks(client)
    assert code == 503
    assert "does not answer" in told["keyring"]


def test_a_database_that_cannot_be_written_is_named(client: FlaskClient, db: Database) -> None:
    """Somebody holds it for longer than a request waits."""
    db.conn.execute("PRAGMA busy_timeout = 0")
    db.conn.execute("BEGIN EXCLUSIVE")
    try:
        code, told = checks(client)
    finally:
        db.conn.execute("ROLLBACK")
    assert code == 503
    assert "cannot be written" in told["database"]
    assert checks(client)[0] == 200


def test_a_missing_damaged_or_ended_certificate_is_named(lan: Flask, settings: Settings, clock: ManualClock) -> None:
    """Where the box is offered on the network, it is not ready without its certificate."""
    client = lan.test_client()
    assert checks(client)[0] == 200
    clock.advance(398 * 24 * 3600)
    assert checks(client)[1]["certificate"] == "the certificate has ended"
    CertificateStore(settings.tls_dir).certificate_file.write_bytes(b"rubbish")
    code, told = checks(client)
    assert code == 503
    assert told["certificate"] == "there is no certificate"


def test_a_living_process_without_its_database_is_not_healthy(client: FlaskClient, db: Database) -> None:
    """The watchdog is not fed by a dashboard that can answer nobody."""
    with db.conn:
        db.conn.execute("ALTER TABLE account RENAME TO gone")
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/healthz").status_code == 500
