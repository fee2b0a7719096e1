"""A real hub over real HTTP: the application of the role, behind werkzeug's server in a thread."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from werkzeug.serving import WSGIRequestHandler, make_server

from appliance.config import BoxSettings, ExamsSettings, PathSettings, Settings
from appliance.database import open_box_database
from appliance.exchange.exam_parameters import parse_exam
from appliance.hub.assigning import assign
from appliance.hub.codes import make_code
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.sittings.exams import upsert_exam
from appliance.web.app import create_app
from appliance.web.hub.state import hub_of
from appliance.web.services import of
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Integration
    from appliance.web.hub.state import Hub

WsgiApp = Any


class _Quiet(WSGIRequestHandler):
    """One connection, many requests; nothing is written to the console."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing."""


@dataclass
class HubServer:
    """A hub and the address it answers at.

    Attributes:
        between: what stands before the application, for faults: it gets the WSGI application and calls it or not.
        asked: path of each request that came.
    """

    settings: Settings
    clock: Clock
    app: Flask
    db: Database
    address: str = ""
    between: Callable[[WsgiApp, dict[str, Any], Any], Iterable[bytes]] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def hub(self) -> Hub:
        """The hub behind the application."""
        found = hub_of(self.app)
        assert found is not None
        return found

    def code(self, room: str = "Hall 2") -> str:
        """Return a one-time code as a person reads it."""
        return str(make_code(self.db, self.hub.keys, room=room, clock=self.clock, who="test").code)

    def lms(self, name: str = "campus") -> tuple[Integration, str]:
        """Add an LMS that is told of everything; return it and its secret."""
        there = {
            one: f"https://lms.example/{one}"
            for one in ("review_url", "schedule_url", "warning_url", "agreement_acceptance_url")
        }
        keys = exchange_key(self.settings)
        return add_integration(
            self.db, name=name, addresses=Addresses(**there), clock=self.clock, who="test", keys=keys
        )

    def exam(self, integration: Integration, name: str, **more: object) -> str:
        """Send an exam as the LMS does; return its id at the hub."""
        body = {**EXAMPLE, "examId": name, "examName": name, **more}
        return upsert_exam(self.db, integration, parse_exam(body), clock=self.clock, who="LMS").exam.id

    def give(self, kind: Any, name: str, *boxes: str) -> None:
        """Assign an exam or a sitting to boxes, and to no others."""
        assign(self.db, kind, name, boxes, clock=self.clock, who="test")

    def look(self) -> None:
        """Have what answers to reports need read now, as the hub does every second."""
        self.hub.publisher.publish(self.db)
        self.hub.reports.look(self.db)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer one request."""
        self.asked.append(environ["PATH_INFO"])
        if self.between is not None:
            return self.between(self.app, environ, start)
        return self.app(environ, start)


@contextmanager
def serving_hub(folder: Path, clock: Clock, *, tls: ssl.SSLContext | None = None, **exams: Any) -> Iterator[HubServer]:
    """Serve a hub whose state is in a folder, until the end of the block."""
    settings = Settings(
        box=BoxSettings(trial=True, role="hub", room="North campus"),
        paths=PathSettings(state=str(folder / "hub"), run=str(folder / "hub-run")),
        exams=replace(ExamsSettings(), **exams),
    )
    app = create_app(settings, clock)
    served = HubServer(settings, clock, app, open_box_database(settings.database))
    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=_Quiet, ssl_context=tls)
    served.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        served.db.conn.close()
        of(app).jobs.close()
        of(app).keeper.conn.close()
