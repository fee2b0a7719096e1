"""A dashboard over a real database and vault; only capture and keyring are stood in for."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from appliance.errors import CameraError, LockedError, NotFoundError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.keyring import KeyringClient
from appliance.ipc.live import LiveClient
from appliance.vault import crypto
from appliance.web.account import accounts, passwords
from appliance.web.app import create_app
from appliance.web.services import of
from tests.vault.recorded import DEVICE, PRIVATE, recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings

PASSWORD = "Quiet-Room-42!"
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class StandInCapture(LiveClient):
    """Capture as the dashboard sees it, without a process."""

    def __init__(self) -> None:
        self.running = True
        self.messages: list[tuple[bytes, bytes]] = [(b"J", b'{"ok":true,"codecs":"avc1"}'), (b"I", b"init")]
        self.closed = 0
        self.tried: list[tuple[dict[str, Any], bytes | None]] = []
        self.asked: list[tuple[dict[str, Any], str, bytes | None]] = []
        self.failing = ""
        self.usb: list[str] = []
        self.found: list[dict[str, Any]] = []
        self.offered: list[dict[str, Any]] = []
        self.hold = threading.Event()
        """While cleared, a relay stays open after the prepared messages."""
        self.hold.set()

    def status(self) -> dict[str, Any]:
        """Say that one camera is live."""
        self._check()
        return {"ok": True, "cameras": [{"camera": "front", "state": "live"}]}

    def snapshot(self, camera: str) -> bytes:
        """Give a picture of the one camera."""
        self._check()
        if camera != "front":
            raise NotFoundError("There is no such camera.")
        return b"\xff\xd8picture"

    def uncovered(self, camera: str) -> bytes:
        """Give the picture of the one camera without masks."""
        self._check()
        if camera != "front":
            raise NotFoundError("There is no such camera.")
        return b"\xff\xd8uncovered"

    def probe(self, camera: dict[str, Any], sealed: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Say what a camera is asked for in `tried`, and answer as `works` says."""
        self._check()
        self.tried.append((camera, sealed))
        if self.failing:
            raise CameraError("It does not work.", reason=self.failing, hint="As the command line says it.")
        return {"ok": True, "codec": "h264", "codecs": "avc1.42C01E", "width": 1920, "height": 1080, "fps": 25.0,
                "audio": ["aac", 48000, 1] if camera.get("audio") else None, "masked": bool(camera.get("masks")),
                "seconds_milli": 812}, b"\xff\xd8tried"  # fmt: skip

    def devices(self) -> list[str]:
        """Name the USB cameras."""
        self._check()
        return self.usb

    def discover(self) -> list[dict[str, Any]]:
        """Name the cameras on the network."""
        self._check()
        return self.found

    def streams(self, target: dict[str, Any], camera: str, sealed: bytes | None) -> dict[str, Any]:
        """Offer a device's streams."""
        self._check()
        self.asked.append((target, camera, sealed))
        if self.failing:
            raise CameraError("It does not work.", reason=self.failing, hint="As the command line says it.")
        return {"ok": True, "maker": "Maker", "model": "Model", "streams": self.offered}

    def relay(self, camera: str) -> Generator[bytes]:
        """Give the prepared messages, packed."""
        self._check()
        if camera != "front":
            raise NotFoundError("There is no such camera.")
        try:
            for kind, payload in self.messages:
                yield framing.pack(kind, payload)
            while not self.hold.wait(0.02):
                yield b""
        finally:
            self.closed += 1

    def _check(self) -> None:
        if not self.running:
            raise UnavailableError("The capture process is not running.", hint="Start it.")


@dataclass
class StandInKeyring(KeyringClient):
    """The keyring as the dashboard sees it: really unwraps, with the key the test recordings are sealed to."""

    locked: bool = False
    used: list[tuple[str, str]] = field(default_factory=list)

    def status(self) -> Any:
        """Say whether it is locked."""
        return {"locked": self.locked, "unlocks_itself": True, "protected": False, "idle_lock_us": None,
                "key_ids": [] if self.locked else [recipient().key_id]}  # fmt: skip

    def unlock(self, passphrase: str | None, person: str = "") -> None:
        """Unlock with the one passphrase."""
        if passphrase != "right":
            raise LockedError("The passphrase is wrong.")
        self.locked = False

    def lock(self, person: str = "") -> None:
        """Lock."""
        self.locked = True

    def part_key(self, **asked: Any) -> bytes:
        """Unwrap, and remember for whom."""
        if self.locked:
            raise LockedError("The review key is locked.")
        self.used.append((asked["person"], asked["purpose"]))
        binding = crypto.PartBinding(
            box=asked["box"], sitting=asked["sitting"], camera=asked["camera"], part=asked["part"],
            part_id=asked["part_id"],
        )  # fmt: skip
        return crypto.unwrap(asked["suite"], PRIVATE, binding.info(), asked["wrapped"])

    def sign_export(self, manifest: bytes, person: str = "") -> bytes:
        """Sign as the device."""
        from appliance.vault.format import export_message

        return DEVICE.sign(export_message(manifest))


@dataclass
class Browser:
    """A person's browser: keeps cookies, sends the form token of the page it saw last."""

    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        """Ask for a page as a browser does."""
        return self.client.get(path, headers={"Accept": "text/html", **options.pop("headers", {})}, **options)

    def token(self, path: str = "/sign-in") -> str:
        """Return the form token of a page."""
        found = _TOKEN.search(self.get(path, follow_redirects=True).text)
        assert found, f"no form token on {path}"
        return found[1]

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Send a form of the page at the same path."""
        return self.client.post(path, data={"csrf_token": self.token(path), **fields}, headers={"Accept": "text/html"})

    def call(self, path: str, **fields: str) -> TestResponse:
        """Post as the page's scripts do."""
        headers = {"X-CSRFToken": self.token("/"), "Accept": "application/json"}
        return self.client.post(path, data=fields, headers=headers)

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Sign in."""
        return self.submit("/sign-in", name=name, password=password)


@pytest.fixture(autouse=True)
def _cheap_hashing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory everywhere but where hashing itself is tested."""
    if request.path.name != "test_passwords.py":
        monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def capture() -> StandInCapture:
    """Capture, running."""
    return StandInCapture()


@pytest.fixture
def keyring() -> StandInKeyring:
    """The keyring, unlocked."""
    return StandInKeyring()


@pytest.fixture
def app(settings: Settings, clock: ManualClock, capture: StandInCapture, keyring: StandInKeyring) -> Iterator[Flask]:
    """The dashboard."""
    made = create_app(settings, clock, live=capture, keyring=keyring)
    yield made
    of(made).jobs.close()
    of(made).keeper.conn.close()


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Somebody who is not signed in."""
    return Browser(app.test_client())


@pytest.fixture
def account(db: Database, clock: ManualClock) -> Callable[[str, str], None]:
    """Create an account with the usual password."""

    def create(name: str, role: str) -> None:
        accounts.create_account(db, name, role, PASSWORD, clock=clock, who="test")

    return create


@pytest.fixture
def person(app: Flask, account: Callable[[str, str], None]) -> Callable[[str], Browser]:
    """Sign somebody of a role in and return their browser."""

    def signed_in(role: str) -> Browser:
        account(role.title(), role)
        browser = Browser(app.test_client())
        assert browser.sign_in(role.title()).status_code == 302
        return browser

    return signed_in
