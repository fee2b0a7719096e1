"""The dashboard's process: how gunicorn is set, and that it really serves, hides itself and ends with open streams."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from appliance.config import Settings, WebSettings
from appliance.web.main import WebServer, answers, gunicorn_settings
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("host", "bind"), [("127.0.0.1", "127.0.0.1:1"), ("localhost", "127.0.0.1:1"), ("::1", "[::1]:1")]
)
def test_it_listens_on_loopback_alone(host: str, bind: str) -> None:
    """Whatever is configured, the address is a loopback one; one worker, no control socket, no file settings."""
    chosen = gunicorn_settings(Settings(web=WebSettings(host=host, port=1, threads=12)))  # type: ignore[arg-type]
    assert chosen["bind"] == [bind]
    assert (chosen["workers"], chosen["threads"], chosen["control_socket_disable"]) == (1, 12, True)


@pytest.mark.parametrize(
    ("address", "bind"),
    [("", {"[::]:8443", "0.0.0.0:8443"}), ("192.168.1.7", {"192.168.1.7:8443"}), ("fd00::7", {"[fd00::7]:8443"})],
)
def test_the_network_gets_a_listener_of_its_own_that_speaks_tls(address: str, bind: set[str]) -> None:
    """Where it is wished, at all addresses or the one that is set, at another port; loopback stays as it is."""
    chosen = gunicorn_settings(Settings(web=WebSettings(lan=True, lan_address=address)))
    plain, encrypted = chosen["bind"]
    assert plain == "127.0.0.1:8480"
    assert encrypted in bind
    worker = chosen["worker_class"]
    assert worker.https_port == 8443
    assert worker.server_context is not None
    alone = gunicorn_settings(Settings(web=WebSettings()))["worker_class"]
    assert (alone.https_port, alone.server_context) == (None, None)


def test_gunicorn_takes_nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither its variable nor a file in the working folder changes how it serves; no proxy is believed."""
    (tmp_path / "gunicorn.conf.py").write_text("bind = '0.0.0.0:1'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--bind=0.0.0.0:1 --forwarded-allow-ips=*")
    monkeypatch.setattr(sys, "argv", ["exambox", "--bind", "0.0.0.0:1"])
    cfg = WebServer(Settings(web=WebSettings(port=1234))).cfg
    assert cfg.bind == ["127.0.0.1:1234"]
    assert "*" not in cfg.forwarded_allow_ips
    assert not cfg.is_ssl
    assert cfg.http2_cleartext in {"off", None, ""}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The process on a free port; port and process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    environ = {**os.environ, "EXAMBOX_PATHS__STATE": str(tmp_path / "state"), "EXAMBOX_WEB__PORT": str(port)}
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli", "web"], env=environ, stdout=output, stderr=output
        )
    try:
        until(lambda: answers("127.0.0.1", port, timeout=1), 30, "the dashboard's answer")
        yield port, process
    finally:
        process.kill()
        process.wait(10)


def test_it_serves_without_naming_itself_and_ends_when_asked(server: tuple[int, subprocess.Popen[bytes]]) -> None:
    """Answers carry no Server header; SIGTERM ends the process within its grace, with a connection open."""
    port, process = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b'{"ok":true}\n')
    assert response.getheader("Server") is None
    assert response.getheader("Content-Security-Policy")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert not answers("127.0.0.1", port, timeout=0.5)
