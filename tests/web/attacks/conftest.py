"""A real dashboard process with both listeners, to be attacked byte by byte."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.database import connect, open_box_database
from appliance.web.access import ROLES
from appliance.web.account import sessions
from appliance.web.account.accounts import create_account
from tests.support.waiting import until
from tests.vault.recorded import DEVICE, Recorder, clock_at, movie

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "Quiet-Room-42!"
HOST = "room-1.local"
_TOKEN = re.compile(rb'name="csrf-token" content="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case, several of one name as several pairs."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, empty where there is none."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name.lower()]


@dataclass
class Server:
    """Where it listens, and how to talk to it."""

    http: int
    https: int
    store: CertificateStore
    state: Path

    def visitor(self, role: str = "", *, secure: bool = False) -> Visitor:
        """Return a client: of nobody, or with a new session of the person of a role."""
        visitor = Visitor(self, secure)
        if role:
            visitor.cookies[visitor.prefix + "exambox_session"] = self.session(role)
        return visitor

    def session(self, role: str) -> str:
        """Open a session for the person of a role and return its cookie's value."""
        db = connect(Settings(paths=PathSettings(state=str(self.state))).database)
        try:
            account = db.conn.execute("SELECT id FROM account WHERE role = ?", (role,)).fetchone()[0]
            return sessions.open_session(db, account, address="127.0.0.1", clock=SystemClock())
        finally:
            db.conn.close()

    def connect(self, *, secure: bool = False, source: str = "127.0.0.1") -> socket.socket:
        """Open a connection from an address of this machine."""
        made = socket.create_connection(
            ("127.0.0.1", self.https if secure else self.http), timeout=20, source_address=(source, 0)
        )
        if not secure:
            return made
        context = ssl.create_default_context(cafile=str(self.store.ca_file))
        return context.wrap_socket(made, server_hostname="localhost")

    def exchange(self, data: bytes, *, secure: bool = False, source: str = "127.0.0.1") -> bytes:
        """Send bytes, half-close, return everything that comes back."""
        with closing(self.connect(secure=secure, source=source)) as connection:
            with suppress(OSError):  # a refusal may come, and the end with it, before all is sent
                connection.sendall(data)
                if not secure:
                    connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


@dataclass
class Visitor:
    """A client that does what no browser does: any path, any header, and its own idea of cookies."""

    server: Server
    secure: bool = False
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the dashboard puts before the names of cookies on this connection."""
        return "__Host-" if self.secure else ""

    @property
    def origin(self) -> str:
        """Where the dashboard is."""
        return f"https://{HOST}:{self.server.https}" if self.secure else f"http://localhost:{self.server.http}"

    def ask(
        self, path: str, method: str = "GET", *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Ask for exactly this path; cookies are kept, redirects are not followed."""
        sent = {"Host": self.origin.partition("://")[2], "Accept": "text/html", "Connection": "close"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        with closing(self.server.connect(secure=self.secure)) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            length = "" if body is None else f"Content-Length: {len(body)}\r\n"
            connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}{length}\r\n".encode("latin-1") + (body or b""))
            heard = http.client.HTTPResponse(connection, method=method)
            heard.begin()
            pairs = tuple((name.lower(), value) for name, value in heard.getheaders())
            answer = Answer(heard.status, pairs, heard.read(4_000_000))
        for line in answer.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def token(self, path: str = "/account") -> str:
        """Return the form token of a page."""
        found = _TOKEN.search(self.ask(path).body)
        assert found, f"no form token on {path}"
        return found[1].decode()

    def post(self, path: str, fields: str, *, headers: dict[str, str] | None = None) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask(path, "POST", headers=kind | (headers or {}), body=fields.encode())


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    heard = b""
    while True:
        try:
            piece = connection.recv(65536)
        except (ConnectionResetError, ssl.SSLError, TimeoutError):
            return heard
        if not piece:
            return heard
        heard += piece


def status_lines(answer: bytes) -> list[int]:
    """Return the status of every answer in a stream of bytes."""
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def free_port() -> int:
    """Return a port nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


def _furnish(state: Path) -> None:
    """Put a person of each role and a recording into the box that will be attacked."""
    settings = Settings(paths=PathSettings(state=str(state)))
    db = open_box_database(settings.database)
    for role in ROLES:
        name = role.replace("_", " ").title()
        create_account(db, name, role, PASSWORD, clock=SystemClock(), who="test", email=f"{role}@example.org")
    db.conn.close()
    Recorder(settings.vault_dir, clock_at()).part(movie(1))
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    (settings.keys_dir / "device.pub").write_bytes(DEVICE.public)


# What is short here is long in life, so that slow clients can be tried without waiting for it.
HASTY = (
    "from appliance.web import serving; serving.HANDSHAKE_SECONDS = serving.HEAD_SECONDS = 2.0;"
    " serving.BODY_SECONDS = serving.STALL_SECONDS = 2.0;"
    " from appliance.cli import main; main(['web'])"
)


@contextmanager
def running(state: Path, *, hasty: bool = False) -> Iterator[Server]:
    """Run a dashboard with both listeners; that it lives through everything is part of each test."""
    store = CertificateStore(state / "tls")
    store.create("Attacked", names_of(["localhost", "127.0.0.1", HOST]), dt.datetime.now(dt.UTC))
    found = Server(free_port(), free_port(), store, state)
    _furnish(state)
    environ = {
        **os.environ,
        "EXAMBOX_PATHS__STATE": str(state),
        "EXAMBOX_WEB__PORT": str(found.http),
        "EXAMBOX_WEB__HTTPS_PORT": str(found.https),
        "EXAMBOX_WEB__LAN": "true",
        "EXAMBOX_WEB__LAN_ADDRESS": "127.0.0.1",
        "EXAMBOX_WEB__ANNOUNCE": "false",
        "EXAMBOX_WEB__THREADS": "16",
    }
    program = ["-c", HASTY] if hasty else ["-m", "appliance.cli", "web"]
    process = subprocess.Popen([sys.executable, *program], cwd=ROOT, env=environ)

    def answers() -> bool:
        assert process.poll() is None, "the dashboard ended"
        try:
            return b" 200 " in found.exchange(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        except OSError:
            return False

    until(answers, 30, "the dashboard")
    try:
        yield found
        assert process.poll() is None, "the dashboard did not live through it"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process for all attacks."""
    with running(tmp_path_factory.mktemp("attacked")) as found:
        yield found
