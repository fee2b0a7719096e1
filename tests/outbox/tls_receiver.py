"""An HTTPS server whose certificate is of the box's own kind of authority."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[int, Path, list[bytes]]]:
    """Serve on loopback; yields the port, the authority's certificate, and the bodies that were received."""
    store = CertificateStore(folder / "tls")
    store.create("LMS", names_of(["127.0.0.1", "localhost"]), dt.datetime.now(dt.UTC))
    certificate, key = store.pair()
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that does not trust us goes away."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1]), store.ca_file, received
    finally:
        server.shutdown()
        server.server_close()
