"""A real dashboard process with both listeners, to be attacked byte by byte."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Server:
    """Where it listens, and how to talk to it."""

    http: int
    https: int
    store: CertificateStore

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
            connection.sendall(data)
            if not secure:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process for all attacks; that it lives through each of them is part of the test."""
    state = tmp_path_factory.mktemp("attacked")
    store = CertificateStore(state / "tls")
    store.create("Attacked", names_of(["localhost", "127.0.0.1", "room-1.local"]), dt.datetime.now(dt.UTC))
    found = Server(free_port(), free_port(), store)
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
    process = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], cwd=ROOT, env=environ)

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
