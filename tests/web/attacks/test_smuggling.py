"""Requests whose end two readers could see at different places, and others that no browser sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.attacks.conftest import status_lines

if TYPE_CHECKING:
    from tests.web.attacks.conftest import Server

HEAD = b"Host: localhost\r\nAccept: application/json\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "


def post(headers: bytes, body: bytes = b"") -> bytes:
    """Return a request with a body."""
    return b"POST /sign-in HTTP/1.1\r\n" + HEAD + headers + b"\r\n" + body


@pytest.mark.parametrize(
    "request_",
    [
        post(b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nX" + SMUGGLED),
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", b"0\r\n\r\n" + SMUGGLED),
        post(b"Content-Length: 0\r\nContent-Length: 44\r\n", SMUGGLED),
        post(b"Content-Length: 5, 5\r\n", b"hello"),
        post(b"Content-Length: +5\r\n", b"hello"),
        post(b"Content-Length: -1\r\n", b"hello"),
        post(b"Content-Length: 0x5\r\n", b"hello"),
        post(b"Content-Length: 5 5\r\n", b"hello"),
        post(b"Content-Length : 5\r\n", b"hello"),
        post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        post(b"Transfer-Encoding: identity, chunked\r\nTransfer-Encoding: gzip\r\n", b"0\r\n\r\n"),
        post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"zz\r\nhello\r\n0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"-1\r\nhello\r\n0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhelloGG0\r\n\r\n"),
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded: header\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nBad Name: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nNo-Colon\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"G\x01T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 4000,
    ],
)  # fmt: skip
def test_shapes_of_smuggling_are_refused_and_nothing_behind_them_is_read(server: Server, request_: bytes) -> None:
    """One refusal, then the connection ends: what stands behind is never taken for a request of its own."""
    answer = server.exchange(request_ + b"\r\n\r\n" + GOOD)
    statuses = status_lines(answer)
    assert 200 not in statuses, answer[:300]
    assert len(statuses) <= 1
    assert all(400 <= status < 600 for status in statuses)
    assert 500 not in statuses
    assert b"gunicorn" not in answer.lower()
    assert status_lines(server.exchange(GOOD)) == [200]


@pytest.mark.parametrize(
    "header", [b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil"]
)
def test_forwarding_headers_change_nothing(server: Server, header: bytes) -> None:
    """There is no proxy: no address or host is taken from what a client says of one."""
    answer = server.exchange(b"GET /forgotten HTTP/1.1\r\n" + HEAD + header + b"\r\nConnection: close\r\n\r\n")
    assert b"evil" not in answer


def test_an_absolute_address_is_answered_for_this_box_alone(server: Server) -> None:
    """A request line that names another host gets nothing of that host: the Host header is what counts."""
    line = b"GET http://evil.example/healthz HTTP/1.1\r\n"
    assert 200 not in status_lines(server.exchange(line + b"Host: evil.example\r\n\r\n"))
    assert b"evil" not in server.exchange(line + b"Host: localhost\r\nConnection: close\r\n\r\n")


def test_upgrades_are_not_taken(server: Server) -> None:
    """The dashboard speaks neither WebSocket nor HTTP/2; a request for one is an ordinary one."""
    upgrade = (
        b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    )
    assert 101 not in status_lines(server.exchange(b"GET /live HTTP/1.1\r\n" + HEAD + upgrade + b"\r\n"))
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert 200 not in status_lines(server.exchange(preface))


def test_bodies_have_a_limit(server: Server) -> None:
    """A body larger than any form is refused, whether its length is stated or not."""
    stated = post(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n", b"a" * 40_000)
    assert status_lines(server.exchange(stated))[:1] in ([413], [400], [])
    chunk = b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
    unstated = post(
        b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n", chunk * 40 + b"0\r\n\r\n"
    )
    assert status_lines(server.exchange(unstated))[:1] in ([413], [400])
    assert status_lines(server.exchange(GOOD)) == [200]
