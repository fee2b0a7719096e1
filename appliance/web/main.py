"""PROCESS web: the dashboard under gunicorn, by HTTP on loopback and, where it is wished, by HTTPS on the network."""

from __future__ import annotations

import gc
import http.client
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gunicorn.http.wsgi
from gunicorn.app.base import BaseApplication

from appliance import log
from appliance.certificates.store import CertificateStore
from appliance.clock import SystemClock
from appliance.errors import ApplianceError
from appliance.ipc.notify import Notifier
from appliance.web.app import create_app
from appliance.web.hub import state as hub_state
from appliance.web.hub import work as hub_work
from appliance.web.lan import runner
from appliance.web.review import warm
from appliance.web.services import of
from appliance.web.serving import ServerContext, worker_class

if TYPE_CHECKING:
    from flask import Flask

    from appliance.config import Settings

GRACEFUL_SECONDS = 5
KEEPALIVE_SECONDS = 5
MAX_CONNECTIONS = 600
DESCRIPTORS = 4096
HUB_KEEPALIVE_SECONDS = 20
HUB_CONNECTIONS = 6000
"""A hub's boxes report every 5 s, each over a connection of its own that stays."""
HUB_DESCRIPTORS = 16384
SWITCH_SECONDS = 0.001
"""So long a thread computes before another has its turn. Python's own 5 ms would make each of the many short waits of a
call (for the database, for the next thread) five times as long while others compute: measured, a third fewer calls."""
_LOOPBACK = {"localhost": "127.0.0.1"}
_LOG = log.get(__name__)


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with settings of ours and none from files, environment or command line."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application, inside the worker: no thread or database is carried over a fork."""
        return create_app(self._settings, SystemClock())


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings for this box (pure)."""
    host = _LOOPBACK.get(settings.web.host, settings.web.host)
    lan = settings.web.lan
    return {
        "bind": [
            _bound(host, settings.web.port),
            *([_bound(lan_host(settings), settings.web.https_port)] if lan else []),
        ],
        "worker_class": worker_class(settings.web.https_port if lan else None, _context(settings) if lan else None),
        "worker_connections": HUB_CONNECTIONS if settings.is_hub else MAX_CONNECTIONS,
        "sendfile": False,  # not through TLS
        "workers": 1,  # jobs, stream places and throttles of memory live in one process
        "threads": settings.web.threads,
        "keepalive": HUB_KEEPALIVE_SECONDS if settings.is_hub else KEEPALIVE_SECONDS,
        "graceful_timeout": GRACEFUL_SECONDS,
        "timeout": 60,
        "control_socket_disable": True,
        # The worker's heartbeat file must not wait for a disk: this is a memory file system everywhere.
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108  chosen by the kernel's users for this
        # Gunicorn's most: the LMS hands candidates over with a token in the address; a longer one comes by POST.
        "limit_request_line": 8190,
        "limit_request_fields": 60,
        "forwarded_allow_ips": "",
        "accesslog": None,
        "loglevel": "warning",
        "proc_name": "exambox-web",
        "post_worker_init": _worker_ready,
        "worker_exit": _worker_ends,
    }


def _bound(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def lan_host(settings: Settings) -> str:
    """Return the address HTTPS is offered at: the one that is set, else all of the machine's, of both kinds."""
    if settings.web.lan_address:
        return settings.web.lan_address
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104  this is what `web.lan` asks for


def _context(settings: Settings) -> ServerContext:
    return ServerContext(CertificateStore(settings.tls_dir))


def main(settings: Settings) -> None:
    """Serve the dashboard until SIGTERM. HTTPS that lacks its certificate is said, and waited for."""
    log.configure(settings.log, "web")
    sys.setswitchinterval(SWITCH_SECONDS)
    if settings.web.lan:
        _say_missing_certificate(settings)
    _have_descriptors(HUB_DESCRIPTORS if settings.is_hub else DESCRIPTORS)
    _hide_server_header()
    log.get(__name__).info("dashboard starts", host=settings.web.host, port=settings.web.port)
    _say_port(settings)
    _keep_watchdog_fed(settings)
    WebServer(settings).run()


def _say_missing_certificate(settings: Settings) -> None:
    """Loopback is served without a certificate too: somebody has to see what is wrong."""
    try:
        CertificateStore(settings.tls_dir).facts()
    except ApplianceError as problem:
        _LOG.error("nothing is offered on the network yet", reason=problem.message, hint=problem.hint)


def _have_descriptors(most: int) -> None:
    """Ask for as many open files as all connections and their work may take."""
    with suppress(OSError, ValueError):  # a sandbox that forbids the call has set the limit itself
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wished = most if hard == resource.RLIM_INFINITY else min(most, hard)
        if soft != resource.RLIM_INFINITY and soft < wished:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wished, hard))


def _say_port(settings: Settings) -> None:
    """Leave the port where `exambox doctor` looks for it; nothing else hangs on it."""
    path = settings.web_port_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{settings.web.port}\n", encoding="ascii")
    except OSError as problem:
        log.get(__name__).warning("the port could not be noted", path=str(path), problem=str(problem))


def _worker_ready(worker: Any) -> None:
    """Leave SIGINT to the parent, which ends us in order; announce the box on its network; read recordings ahead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # what is there now stays; looking through all of it again held every call up for 50 ms (measured)
    if (hub := hub_state.hub_of(worker.wsgi)) is not None:
        hub_work.start(hub, of(worker.wsgi))
        return
    runner.start(worker.wsgi)
    warm.start(worker.wsgi)


def _worker_ends(_server: Any, worker: Any) -> None:
    """Take the announcement back, end the child that decodes pictures."""
    if getattr(worker, "wsgi", None) is not None:
        if (hub := hub_state.hub_of(worker.wsgi)) is not None:
            hub_work.stop(hub, of(worker.wsgi))
            return
        runner.stop(worker.wsgi)
        warm.stop(worker.wsgi)
        of(worker.wsgi).thumbnails.close()


def _keep_watchdog_fed(settings: Settings) -> None:
    """Tell systemd that the dashboard answers, as long as it does."""
    notifier = Notifier()
    every = notifier.watchdog_seconds
    if every is None:
        return
    host = _LOOPBACK.get(settings.web.host, settings.web.host)

    def feed() -> None:
        while True:
            if answers(host, settings.web.port, timeout=every):
                notifier.watchdog()
            time.sleep(every)

    threading.Thread(target=feed, name="watchdog", daemon=True).start()


def answers(host: str, port: int, *, timeout: float) -> bool:
    """Return whether ``/healthz`` answers within ``timeout`` seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _hide_server_header() -> None:
    """Take ``Server:`` out of every answer; gunicorn has no setting for it."""
    response = gunicorn.http.wsgi.Response
    original = response.default_headers

    def without_server(self: Any) -> list[str]:
        return [line for line in original(self) if not line.startswith("Server:")]

    response.default_headers = without_server
