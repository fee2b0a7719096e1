"""Clients that send or take slowly, or only hold a connection: honest ones are answered meanwhile."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from appliance.web import serving
from tests.support.waiting import until
from tests.web.attacks.conftest import read_all, running, status_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.attacks.conftest import Server

HASTY_SECONDS = 2  # as `hasty` has it
GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard that waits for nobody longer than two seconds."""
    with running(tmp_path_factory.mktemp("hasty"), hasty=True) as found:
        yield found


def ended_within(connection: socket.socket, seconds: float, drip: bytes) -> bool:
    """Send a byte now and then; whether the other side ends it in time."""
    connection.settimeout(0.3)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            connection.sendall(drip)
            if connection.recv(65536) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "HTTPS"])
@pytest.mark.parametrize(
    "head", [b"Content-Length: 20000\r\n", b"Transfer-Encoding: chunked\r\n"], ids=["length", "chunks"]
)
def test_a_body_that_never_ends_is_ended(hasty: Server, head: bytes, secure: bool) -> None:
    """A byte of the body now and then keeps no place, however it is sent; many at once keep nobody out."""
    request = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    drip = b"1\r\na\r\n" if b"chunked" in head else b"a"
    with ExitStack() as held:
        slow = [
            held.enter_context(closing(hasty.connect(secure=secure, source=f"127.0.0.{20 + n}"))) for n in range(24)
        ]
        for one in slow:
            one.sendall(request + head + b"\r\n" + drip)
        until(lambda: answered_quickly(hasty), 20, "an answer meanwhile")
        assert ended_within(slow[0], 12, drip)


def test_who_takes_nothing_of_an_answer_is_gone(hasty: Server) -> None:
    """A browser that asks for much and reads nothing keeps no thread: others are answered meanwhile."""
    asks = b"GET /static/exambox.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as held:
        for number in range(24):
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.bind((f"127.0.0.{60 + number}", 0))
            deaf.connect(("127.0.0.1", hasty.http))
            held.enter_context(closing(deaf))
            deaf.sendall(asks)
        until(lambda: answered_quickly(hasty), 20, "an answer meanwhile")


def answered_quickly(server: Server) -> bool:
    """Whether an honest request is answered within two seconds."""
    began = time.monotonic()
    return status_lines(server.exchange(GOOD)) == [200] and time.monotonic() - began < 2


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: loc"], ids=["silent", "half a head"])
def test_connections_that_only_wait_cost_nobody_their_place(server: Server, said: bytes) -> None:
    """A hundred connections from the network that say nothing, or half of something: others are answered."""
    with ExitStack() as held:
        for number in range(100):
            try:
                connection = held.enter_context(closing(server.connect(source=f"127.0.0.{2 + number % 4}")))
                connection.sendall(said)
            except OSError:
                continue  # turned away: also an answer
        assert answered_quickly(server)


def test_a_head_that_never_ends_is_ended(hasty: Server) -> None:
    """A byte now and then does not keep a place: the whole head has its time (ten seconds in life), and no more."""
    assert serving.HEAD_SECONDS <= 10
    with closing(hasty.connect(source="127.0.0.9")) as slow:
        slow.settimeout(1)
        began = time.monotonic()
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        ended = False
        while not ended and time.monotonic() - began < 5 * HASTY_SECONDS:
            try:
                slow.sendall(b"X")
                ended = slow.recv(1000) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended
        assert time.monotonic() - began < 3 * HASTY_SECONDS


def test_one_address_does_not_get_every_place(server: Server) -> None:
    """Beyond its share of connections, an address of the network is turned away; others still come in."""
    with ExitStack() as held:
        crowd = [
            held.enter_context(closing(server.connect(source="127.0.0.7")))
            for _ in range(serving.CONNECTIONS_AN_ADDRESS + 20)
        ]

        def turned_away() -> int:
            count = 0
            for one in crowd:
                one.setblocking(False)
                try:
                    count += one.recv(1) == b""
                except BlockingIOError:
                    pass
                except OSError:
                    count += 1
            return count

        until(lambda: turned_away() >= 20, 10, "all beyond the share turned away")
        assert answered_quickly(server)


@pytest.mark.parametrize(
    "said",
    [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\x03"],
    ids=["nothing", "a byte", "half a hello", "plain HTTP", "SSL 2"],
)  # fmt: skip
def test_handshakes_that_are_none_end(hasty: Server, said: bytes) -> None:
    """Whatever comes in place of a handshake ends within seconds, and honest ones are made meanwhile."""
    with closing(socket.create_connection(("127.0.0.1", hasty.https), timeout=20)) as odd:
        odd.sendall(said)
        assert status_lines(hasty.exchange(GOOD, secure=True)) == [404]
        heard = read_all(odd)
    assert (b"put https:// in front" in heard) == (bool(said) and said[:1] != b"\x16")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(server: Server, version: ssl.TLSVersion) -> None:
    """TLS 1.0 and 1.1 find no way in."""
    context = ssl.create_default_context(cafile=str(server.store.ca_file))
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
    with socket.create_connection(("127.0.0.1", server.https), timeout=10) as made, pytest.raises(ssl.SSLError):
        context.wrap_socket(made, server_hostname="localhost")


def test_a_renewed_certificate_is_served_without_a_restart(server: Server) -> None:
    """New handshakes see the new certificate as soon as its files are there."""
    import datetime as dt

    def shown() -> bytes:
        with closing(server.connect(secure=True)) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            return connection.getpeercert(binary_form=True) or b""

    before = shown()
    server.store.renew(server.store.facts().names, dt.datetime.now(dt.UTC))
    assert until(lambda: shown() != before, 5, "the new certificate")


def test_plain_http_is_not_offered_to_the_network(server: Server) -> None:
    """The plain listener is bound to loopback: no address of the network reaches it."""
    from appliance.certificates.host import local_addresses

    for address in local_addresses():
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection((address, server.http), timeout=2)


def test_cookies_are_bound_to_the_encrypted_host(server: Server) -> None:
    """By HTTPS each cookie of a visitor is Secure, HttpOnly and SameSite, and bears the prefix browsers guard."""
    page = server.exchange(
        b"GET /sign-in HTTP/1.1\r\nHost: room-1.local\r\nAccept: text/html\r\nConnection: close\r\n\r\n", secure=True
    )
    cookies = [line for line in page.split(b"\r\n") if line.lower().startswith(b"set-cookie:")]
    assert cookies
    for line in cookies:
        assert b"; Secure" in line
        assert b"HttpOnly" in line
        assert b"SameSite=Strict" in line
        assert line.split(b":", 1)[1].strip().startswith(b"__Host-")
