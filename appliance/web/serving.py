"""Connections under gunicorn: plain HTTP on loopback and HTTPS on the network, in one process.

Nobody holds a place for longer than an honest browser needs.
"""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gunicorn import http, util
from gunicorn.workers.gthread import TConn, ThreadWorker

from appliance import log
from appliance.web.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.certificates.store import CertificateStore

HANDSHAKE_SECONDS: Final = 5.0
HEAD_SECONDS: Final = 10.0
"""A request's line and headers are here by then, or the connection ends."""
BODY_SECONDS: Final = 30.0
"""A request with a body is answered by then, or the connection ends; bodies are small and their answers quick."""
STALL_SECONDS: Final = 30.0
"""A browser that takes nothing of an answer for this long is gone."""
LINGER_SECONDS: Final = 1.0
"""So long a browser may take to read the end of an answer after which the connection closes."""
CONNECTIONS_AN_ADDRESS: Final = 64
"""Of one address on the network; loopback is the box itself and has the rest."""
THREADS_TO_A_SHARE: Final = 24
"""One thread in so many may wait for unfinished requests (or handshakes) of one address; two in any case."""
_OUT_OF_FILES_SECONDS: Final = 0.1
_OWN_ADDRESSES: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_HANDSHAKE: Final = b"\x16"
"""The first byte of TLS (RFC 8446, 5.1)."""
_SPEAK_HTTPS: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 47\r\n\r\n"
    b"This port speaks HTTPS: put https:// in front.\n"
)
_LOG = log.get(__name__)


class ServerContext:
    """The TLS context of the certificate on the disk, made anew when the files change; no restart is needed.

    TLS 1.2 with forward secrecy and authenticated ciphers, and 1.3 (BSI TR-02102-2; Mozilla's "intermediate").
    """

    def __init__(self, store: CertificateStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: object = object()
        self._context: ssl.SSLContext | None = None

    def get(self) -> ssl.SSLContext | None:
        """Return the context, or None while there has been no certificate that can be used."""
        with self._lock:
            files = self._store.pair()
            seen = tuple(map(_stamp, files))
            if seen != self._seen:
                self._seen = seen
                self._renew(*files)
            return self._context

    def _renew(self, certificate: Path, key: Path) -> None:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        made.set_alpn_protocols(["http/1.1"])
        try:
            made.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as problem:
            kept = "the one before is used on" if self._context else "HTTPS waits for one"
            _LOG.error("the certificate cannot be used", path=str(certificate), reason=str(problem), until_then=kept)
            return
        self._context = made


def _stamp(path: Path) -> tuple[Path, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return path, status.st_ino, status.st_size, status.st_mtime_ns


class SecureConfig:
    """Gunicorn's settings, which say of this connection that it is encrypted."""

    is_ssl = True

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cfg, name)


class BoxConn(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A connection with a deadline for each request, and TLS where a context is given."""

    sock: Any
    initialized: bool

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, context: ssl.SSLContext | None) -> None:
        super().__init__(cfg, sock, client, server)
        self._context = context
        self.deadline: float | None = None
        self.on_close: Callable[[], None] | None = None
        self.sends = False

    def init(self) -> None:
        """Begin to read a request; the first time, shake hands.

        Raises:
            StopIteration: gunicorn's way to end a connection quietly: the handshake took too long, or is none.
            OSError: the connection is gone.
        """
        now = time.monotonic()
        self.deadline = now + HEAD_SECONDS
        if self._context is not None and not self.initialized:
            self.deadline = now + HANDSHAKE_SECONDS
            self._shake_hands(self._context)
            self.deadline = time.monotonic() + HEAD_SECONDS
            self.parser = http.get_parser(SecureConfig(self.cfg), self.sock, self.client)
            self.initialized = True
        super().init()
        self.sock.settimeout(STALL_SECONDS)

    def _shake_hands(self, context: ssl.SSLContext) -> None:
        self.sock.settimeout(HANDSHAKE_SECONDS)
        try:
            if self.sock.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
                self.sock.sendall(_SPEAK_HTTPS)
                raise StopIteration
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
            self.sock.do_handshake()
        except TimeoutError as problem:
            raise StopIteration from problem

    def end_overdue(self, now: float) -> None:
        """Let a read that has waited for too long find the end."""
        if self.deadline is not None and now > self.deadline:
            self.deadline = None
            with suppress(OSError):
                # Not SSLSocket.shutdown: it drops the encryption first, and another thread may be about to write.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def take_decrypted(self) -> None:
        """Give the parser what of the next request is decrypted already: waiting for the socket would not see it."""
        waiting = self.sock.pending() if isinstance(self.sock, ssl.SSLSocket) else 0
        if waiting and not self.parser.unreader.buf.getvalue():
            self.parser.unreader.unread(self.sock.recv(waiting))

    def linger(self) -> None:
        """End the connection so that its last answer arrives; waits for the browser for at most `LINGER_SECONDS`."""
        self.deadline = None
        util.close_graceful(self.sock, timeout=LINGER_SECONDS)

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  gunicorn's signature
        """Close at once, and give the address's place back: the thread that accepts for everybody never waits."""
        done, self.on_close = self.on_close, None
        if done is not None:
            done()
        super().close()


class BoxWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves both kinds of listener; idle connections wait without a thread, slow ones end, one address is not all."""

    https_port: ClassVar[int | None] = None
    server_context: ClassVar[ServerContext | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._active: set[BoxConn] = set()
        self._by_address: Counter[str] = Counter()
        self._shares: Shares[BoxConn] = Shares(max(2, self.cfg.threads // THREADS_TO_A_SHARE), _OWN_ADDRESSES)
        self._looked = 0.0

    def accept(self, listener: Any) -> None:
        """Take a connection; it gets a thread when it has something to say."""
        try:
            sock, client = listener.accept()
        except OSError as problem:
            if problem.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                _LOG.error("a connection could not be taken", reason=problem.strerror)
                time.sleep(_OUT_OF_FILES_SECONDS)  # the listener stays readable: without this, a busy loop
            return
        address = str(client[0])
        secure = self._is_secure(listener.getsockname())
        context = self.server_context.get() if secure and self.server_context else None
        crowded = address not in _OWN_ADDRESSES and self._by_address[address] >= CONNECTIONS_AN_ADDRESS
        if crowded or (secure and context is None):
            sock.close()
            return
        self.nr_conns += 1
        self._by_address[address] += 1
        conn = BoxConn(self.cfg, sock, client, listener.getsockname(), context)
        conn.on_close = partial(self._left, address)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _is_secure(self, listens_at: tuple[str, int]) -> bool:
        """Whether a listener speaks TLS: HTTPS's does, and whatever else is not bound to loopback."""
        return listens_at[1] == self.https_port or not ipaddress.ip_address(listens_at[0]).is_loopback

    def _left(self, address: str) -> None:
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Also look for connections that take too long, once a second."""
        super().wait_for_and_dispatch_events(timeout)
        now = time.monotonic()
        if now - self._looked >= 1:
            self._looked = now
            for conn in tuple(self._active):
                conn.end_overdue(now)

    def enqueue_req(self, conn: BoxConn) -> None:
        """Give it a thread, or let it wait while its address already holds its share with unfinished requests."""
        if self._shares.ask(str(conn.client[0]), conn):
            self._start(conn)

    def _start(self, conn: BoxConn) -> None:
        conn.sends = True
        super().enqueue_req(conn)

    def _has_sent(self, conn: BoxConn) -> None:
        """The whole request is here, or will never be: the next of its address may begin. In any thread, once."""
        if conn.sends:
            conn.sends = False
            following = self._shares.done(str(conn.client[0]))
            if following is not None:  # only then the thread that accepts is woken: it has enough to do
                self.method_queue.defer(self._start, following)

    def handle(self, conn: BoxConn) -> Any:
        """Handle one request within its time."""
        self._active.add(conn)
        try:
            kept = super().handle(conn)
            self._has_sent(conn)
            if kept:
                conn.take_decrypted()
            else:
                conn.linger()
            return kept
        finally:
            self._has_sent(conn)
            conn.deadline = None
            self._active.discard(conn)

    def handle_request(self, req: Any, conn: BoxConn) -> Any:
        """The head is here: what has a body must be over soon, an answer may take as long as it likes.

        Raises:
            StopIteration: the browser takes nothing any more.
        """
        has_body = any(name in {"CONTENT-LENGTH", "TRANSFER-ENCODING"} and value != "0" for name, value in req.headers)
        conn.deadline = time.monotonic() + BODY_SECONDS if has_body else None
        if not has_body:
            self._has_sent(conn)
        try:
            return super().handle_request(req, conn)
        except TimeoutError as problem:
            raise StopIteration from problem

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """A broken request gets its short answer; broken TLS gets none."""
        if not isinstance(exc, ssl.SSLError):
            super().handle_error(req, client, addr, exc)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End live streams, which would otherwise hold the worker until its time-out; then stop as gunicorn does."""
        _end_streams(getattr(self, "wsgi", None))
        super().handle_exit(sig, frame)
        self.method_queue.defer(self._end_waiting)

    def _end_waiting(self) -> None:
        for conn in self._shares.drain():
            self.nr_conns -= 1
            conn.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """As `handle_exit`, at once."""
        _end_streams(getattr(self, "wsgi", None))
        super().handle_quit(sig, frame)


def worker_class(https_port: int | None, context: ServerContext | None) -> type[BoxWorker]:
    """Return the worker for a box that offers HTTPS at a port with a context, or plain HTTP alone."""
    return type("BoxWorker", (BoxWorker,), {"https_port": https_port, "server_context": context})


def _end_streams(app: Any) -> None:
    from appliance.web.services import of  # noqa: PLC0415  the application exists only in the worker

    if app is not None:  # asked to end before it was there
        of(app).stopping.set()
