"""Both listeners of a real dashboard process: what is encrypted, with which certificate, and how it ends."""

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
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.web import serving
from appliance.web.main import KEEPALIVE_SECONDS, answers
from appliance.web.serving import BoxWorker, ServerContext, worker_class
from tests.support.waiting import until
from tests.web.attacks.conftest import free_port, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
LAN = "127.0.0.20"
"""Stands for the box's address on its network: loopback as well, but not the address plain HTTP is bound to."""
NAMES = names_of(["room-1.local", "localhost", LAN])
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: room-1.local\r\n\r\n"


def now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


def ask_and_close(connection: socket.socket, first: bytes = b"") -> list[int]:
    """Send something and a last request; return the status of every answer."""
    connection.sendall(first + HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", read_all(connection))]


@dataclass
class Dashboard:
    """A running process."""

    process: subprocess.Popen[bytes]
    http: int
    https: int
    store: CertificateStore

    def context(self) -> ssl.SSLContext:
        """Return what a device that trusts the box checks with."""
        return ssl.create_default_context(cafile=str(self.store.ca_file))

    def tcp(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect to the HTTPS port without a handshake."""
        return socket.create_connection((LAN, self.https), timeout=20, source_address=(source, 0))

    def tls(self, context: ssl.SSLContext | None = None, name: str = "room-1.local") -> ssl.SSLSocket:
        """Connect with a handshake."""
        made = self.tcp()
        try:
            return (context or self.context()).wrap_socket(made, server_hostname=name)
        except BaseException:
            made.close()
            raise


@contextmanager
def dashboard(folder: Path, *, certificate: bool = True) -> Iterator[Dashboard]:
    """Start the process with HTTPS at `LAN`."""
    store = CertificateStore(folder / "tls")
    if certificate:
        store.create("Room 1", NAMES, now())
    http_port, https_port = free_port(), free_port()
    environ = {
        **os.environ, "EXAMBOX_PATHS__STATE": str(folder), "EXAMBOX_WEB__PORT": str(http_port),
        "EXAMBOX_WEB__HTTPS_PORT": str(https_port), "EXAMBOX_WEB__LAN": "true", "EXAMBOX_WEB__LAN_ADDRESS": LAN,
        "EXAMBOX_WEB__ANNOUNCE": "false", "EXAMBOX_WEB__THREADS": "16",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], cwd=ROOT, env=environ)
    try:
        until(lambda: answers("127.0.0.1", http_port, timeout=1), 30, "the dashboard")
        yield Dashboard(process, http_port, https_port, store)
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One process for what does not end it."""
    with dashboard(tmp_path_factory.mktemp("serving")) as running:
        yield running


def test_plain_http_is_on_loopback_alone(box: Dashboard) -> None:
    """At the network's address nobody listens at the plain port, and at loopback nobody at the encrypted one."""
    for address, port in ((LAN, box.http), ("127.0.0.1", box.https)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=5)


def test_plain_http_to_the_https_port_is_told_what_to_do(box: Dashboard) -> None:
    """A browser that left out https:// gets one short answer that says so, whole."""
    connection = http.client.HTTPConnection(LAN, box.https, timeout=10)
    connection.request("GET", "/", headers={"Host": f"room-1.local:{box.https}"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 400
    assert body == b"This port speaks HTTPS: put https:// in front.\n"
    assert int(answer.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_present_tls_is_spoken_with_forward_secrecy(box: Dashboard, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3, with an authenticated cipher, without compression, as HTTP/1.1."""
    context = box.context()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with closing(box.tls(context)) as connection:
        name, _, bits = connection.cipher() or ("", "", 0)
        assert "GCM" in name or "CHACHA20" in name
        assert name.startswith(("ECDHE", "TLS_"))
        assert bits >= 128
        assert connection.compression() is None
        assert connection.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384", "DHE-RSA-AES256-GCM-SHA384"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(box: Dashboard, ciphers: str) -> None:
    """A client that offers nothing better gets no connection."""
    context = box.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError):
        box.tls(context)


def test_a_device_that_does_not_trust_the_box_is_not_talked_into_it(box: Dashboard) -> None:
    """Without the authority, or for another name, a client refuses: the certificate is a real one."""
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        box.tls(ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError, match="room-2"):
        box.tls(name="room-2.local")


def test_a_connection_is_kept_for_the_next_request(box: Dashboard) -> None:
    """Several requests use one handshake; an idle connection is closed after some seconds."""
    with closing(http.client.HTTPSConnection(LAN, box.https, timeout=20, context=box.context())) as connection:
        connection.connect()
        sock = connection.sock
        for _ in range(5):
            connection.request("GET", "/sign-in", headers={"Host": f"room-1.local:{box.https}", "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status in {200, 302}
            assert connection.sock is sock
        began = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - began < KEEPALIVE_SECONDS + 5


def test_several_requests_sent_at_once_are_answered_in_order(box: Dashboard) -> None:
    """Requests in one piece of TLS: each gets its answer."""
    request = b"GET /certificate/exambox-ca.crt HTTP/1.1\r\nHost: room-1.local\r\n\r\n"
    with closing(box.tls()) as connection:
        assert ask_and_close(connection, request * 2) == [200, 200, 404]


def test_a_body_larger_than_a_record_arrives_whole(box: Dashboard) -> None:
    """A form of many kilobytes over TLS, then another request on the same connection."""
    body = b"name=" + b"a" * 30_000
    post = (
        b"POST /sign-in HTTP/1.1\r\nHost: room-1.local\r\nAccept: application/json\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
    with closing(box.tls()) as connection:
        assert ask_and_close(connection, post) == [400, 404]


def test_a_handshake_that_does_not_go_on_ends(box: Dashboard) -> None:
    """Half a ClientHello keeps its place for a few seconds, a byte now and then no longer."""
    with closing(box.tcp("127.0.0.31")) as slow:
        began = time.monotonic()
        slow.sendall(b"\x16\x03\x01\x02\x00\x01")
        slow.settimeout(0.5)
        while time.monotonic() - began < 4 * serving.HANDSHAKE_SECONDS:
            try:
                slow.sendall(b"\x00")
                if slow.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - began < 2 * serving.HANDSHAKE_SECONDS + 2


def test_one_address_has_a_limit_and_gets_its_places_back(box: Dashboard) -> None:
    """Beyond its share of connections an address is turned away; when some have ended, it is let in again."""

    def gone(one: socket.socket) -> bool:
        one.setblocking(False)
        try:
            return one.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    source = "127.0.0.32"
    with ExitStack() as held:
        crowd = [held.enter_context(closing(box.tcp(source))) for _ in range(serving.CONNECTIONS_AN_ADDRESS + 10)]
        until(lambda: sum(map(gone, crowd)) >= 10, 5, "ten turned away")

    def let_in() -> bool:
        try:
            with closing(box.context().wrap_socket(box.tcp(source), server_hostname="room-1.local")) as connection:
                return ask_and_close(connection) == [404]
        except (ssl.SSLError, OSError):
            return False

    until(let_in, 10, "a place for the address")


def test_who_does_not_close_holds_nobody_up(box: Dashboard) -> None:
    """Answered clients that leave their connection open do not delay others, who come in meanwhile."""
    with ExitStack() as held:
        for number in range(12):
            lingering = held.enter_context(closing(box.tcp(f"127.0.0.{40 + number}")))
            lingering.sendall(b"GET / HTTP/1.0\r\n\r\n")
            lingering.recv(100)  # answered, and not closed by us
        began = time.monotonic()
        assert answers("127.0.0.1", box.http, timeout=5)
        assert time.monotonic() - began < 1


def test_slow_heads_of_one_address_leave_threads_for_others(box: Dashboard) -> None:
    """More unfinished requests of one address than there are threads: others are answered at once."""
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(closing(box.tcp("127.0.0.33"))).sendall(b"\x16\x03\x01")
        began = time.monotonic()
        with closing(box.tls()) as connection:
            assert ask_and_close(connection) == [404]
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("header", ["X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "Forwarded: proto=https"])
def test_no_header_makes_plain_http_secure(box: Dashboard, header: str) -> None:
    """What a client says of encryption is not believed."""
    name, _, value = header.partition(": ")
    connection = http.client.HTTPConnection("127.0.0.1", box.http, timeout=10)
    connection.request("GET", "/first-run", headers={"Accept": "text/html", name: value})
    answer = connection.getresponse()
    answer.read()
    assert answer.getheader("Strict-Transport-Security") is None
    assert not [line for line in answer.headers.get_all("Set-Cookie") or [] if "__Host-" in line]


@pytest.mark.parametrize("secure", [True, False], ids=["HTTPS", "HTTP"])
def test_security_headers_are_on_both(box: Dashboard, secure: bool) -> None:
    """The same policy by HTTPS and on loopback, and no server names itself."""
    if secure:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            LAN, box.https, timeout=10, context=box.context()
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", box.http, timeout=10)
    connection.request("GET", "/certificate", headers={"Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Server") is None


def test_a_renewed_certificate_is_used_without_a_restart_and_running_connections_go_on(box: Dashboard) -> None:
    """New handshakes see the new one at once; who is connected stays so; a broken one changes nothing."""

    def shown() -> bytes:
        with closing(box.tls()) as connection:
            return connection.getpeercert(binary_form=True) or b""

    with closing(box.tls()) as kept:
        before = shown()
        box.store.renew(NAMES, now())
        after = shown()
        assert after != before
        assert ask_and_close(kept) == [404]
    whole = box.store.key_file.read_bytes()
    box.store.key_file.write_bytes(b"rubbish")
    try:
        assert shown() == after
    finally:
        box.store.key_file.write_bytes(whole)
    assert shown() == after


def test_it_ends_when_asked_with_connections_open(tmp_path: Path) -> None:
    """Idle, waiting and half-made connections do not hold the process: it ends orderly, within its grace."""
    with dashboard(tmp_path) as box, ExitStack() as held:
        held.enter_context(closing(box.tls()))
        for _ in range(8):
            held.enter_context(closing(box.tcp("127.0.0.34"))).sendall(b"\x16\x03\x01")
        held.enter_context(closing(box.tcp()))
        idle = held.enter_context(closing(box.tls()))
        idle.sendall(HEALTH)
        assert b" 404 " in idle.recv(1000)
        began = time.monotonic()
        box.process.send_signal(signal.SIGTERM)
        assert box.process.wait(20) == 0
        assert time.monotonic() - began < 10


def test_a_box_without_its_certificate_is_reached_on_the_machine_and_waits_for_it(tmp_path: Path) -> None:
    """Somebody has to see what is wrong: loopback answers, the network gets nothing, and a new one is used at once."""
    with dashboard(tmp_path, certificate=False) as box:
        with closing(box.tcp()) as refused:
            assert read_all(refused) == b""
        box.store.create("Room 1", NAMES, now())
        with closing(box.tls()) as connection:
            assert connection.version() == "TLSv1.3"


def test_the_context_follows_the_files(tmp_path: Path) -> None:
    """Nothing, then a certificate, then the same one as long as nothing changes, then the renewed one."""
    store = CertificateStore(tmp_path / "tls")
    found = ServerContext(store)
    assert found.get() is None
    store.create("Room 1", NAMES, now())
    first = found.get()
    assert isinstance(first, ssl.SSLContext)
    assert first.minimum_version == ssl.TLSVersion.TLSv1_2
    assert found.get() is first
    store.renew(NAMES, now())
    second = found.get()
    assert second is not first
    store.certificate_file.unlink()
    assert found.get() is second


@pytest.mark.parametrize(
    ("listens_at", "https_port", "secure"),
    [
        (("127.0.0.1", 8480), 8443, False),
        (("::1", 8480), 8443, False),
        (("127.0.0.1", 8443), 8443, True),
        (("192.168.1.7", 8443), 8443, True),
        (("0.0.0.0", 8443), 8443, True),  # noqa: S104  named, not bound
        (("::", 8443), 8443, True),
        (("192.168.1.7", 8480), 8443, True),
        (("192.168.1.7", 8480), None, True),
        (("127.0.0.1", 8480), None, False),
    ],
)
def test_nothing_but_loopback_is_ever_plain(listens_at: tuple[str, int], https_port: int | None, secure: bool) -> None:
    """Whatever a listener is bound to, off loopback it speaks TLS or nothing."""
    worker: BoxWorker = object.__new__(worker_class(https_port, None))
    assert worker._is_secure(listens_at) is secure
