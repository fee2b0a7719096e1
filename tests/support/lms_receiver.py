"""An LMS's end of deliveries: a real HTTP server on loopback that records what arrives and answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from appliance.exchange.token import check_token, token_of_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from appliance.exchange.token import Token


@dataclass(frozen=True)
class Arrived:
    """One request, whole."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        return self.headers.get("idempotency-key", "")

    @property
    def value(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)

    def token(self, secret: str, now_us: int) -> Token:
        """Check its token as an LMS would."""
        return check_token(token_of_header(self.headers.get("authorization")), [secret], now_us=now_us)


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        status: of HTTP; 0 closes the connection without a word.
        promised: the Content-Length stated, where it is not the body's: more cuts the answer in its middle.
        wait: held back until this is set.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None
    wait: threading.Event | None = None


class LmsReceiver:
    """Records requests in the order of their arrival; ``answer`` decides what each gets.

    Attributes:
        arrived: every request that was read whole.
        accepted: those that were answered with a success in full.
        most_at_once: the largest number of requests that were open at one time.
    """

    def __init__(self, answer: Callable[[Arrived], Reply] | None = None, *, port: int = 0) -> None:
        self.arrived: list[Arrived] = []
        self.accepted: list[Arrived] = []
        self.most_at_once = 0
        self.answer = answer or (lambda _: Reply())
        self._at_once = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                """A client that went away is no error of the test."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Read a request, record it, answer it."""
        stated = int(handler.headers.get("Content-Length", "0"))
        body = handler.rfile.read(stated)
        if len(body) < stated:  # cut on its way: no request
            handler.close_connection = True
            return
        one = Arrived(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body)
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.arrived.append(one)
            reply = self.answer(one)
        try:
            if reply.wait is not None:
                reply.wait.wait(30)
            self._reply(handler, one, reply)
        finally:
            with self._lock:
                self._at_once -= 1

    def _reply(self, handler: BaseHTTPRequestHandler, one: Arrived, reply: Reply) -> None:
        whole = reply.promised is None
        if reply.status and whole and 200 <= reply.status < 300:
            with self._lock:
                self.accepted.append(one)
        if not reply.status:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(reply.body) if reply.promised is None else reply.promised))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)
        if not whole:
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)

    def first_arrivals(self) -> list[Arrived]:
        """Return the accepted requests as a receiver that knows repetitions by their key counts them."""
        seen: dict[str, Arrived] = {}
        for one in self.accepted:
            seen.setdefault(one.key, one)
        return list(seen.values())

    def repeated(self) -> Counter[str]:
        """Return how often each key was accepted beyond the first time."""
        counts = Counter(one.key for one in self.accepted)
        return Counter({key: count - 1 for key, count in counts.items() if count > 1})
