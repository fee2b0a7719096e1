"""A dashboard that is really served, an LMS beside it, and a candidate's Chromium between them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import connect
from appliance.exchange.exam_parameters import parse_exam
from appliance.sittings.exams import upsert_exam
from appliance.web.app import create_app
from appliance.web.services import of
from tests.support.lms_page import LmsPage
from tests.web.candidate.handed import Lms, Room, a_room

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from appliance.ipc.keyring import KeyringClient

OF_THE_CANDIDATE = {
    "userId", "lastName", "firstName", "language", "sessionId", "sessionUrl", "sessionFinishUrl",
}  # fmt: skip


@dataclass
class Place:
    """The box and the LMS, as a browser sees them."""

    box: str
    page: LmsPage
    lms: Lms
    server: Any

    def room(self, **said: Any) -> Room:
        """Let an invigilator admit to a sitting of the exam."""
        assert self.lms.integration is not None
        exam = {key: value for key, value in self.lms.said(**said).items() if key not in OF_THE_CANDIDATE}
        kept = upsert_exam(self.lms.db, self.lms.integration, parse_exam(exam), clock=self.lms.clock, who="moodle").exam
        found = a_room(self.lms, kept.id)
        found.admit()
        return found

    def come(self, browser: Page, **said: Any) -> None:
        """Go to the course in the LMS and start the exam there."""
        session = str(said.get("sessionId", "s-4711"))
        urls = {"sessionUrl": f"{self.page.address}/quiz?attempt=9", "sessionFinishUrl": f"{self.page.address}/done"}
        self.page.start = f"{self.box}/integration/simple/{self.lms.name}/start/"
        self.page.finish = (
            f"{self.box}/integration/simple/{self.lms.name}/finish/{session}/?redirectUrl={self.page.address}/left"
        )
        self.page.token = self.lms.token(**(urls | said))
        browser.goto(f"{self.page.address}/course")
        browser.get_by_role("button", name="Start the exam").click()


@contextmanager
def served(folder: Path, keyring: KeyringClient | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Place]:
    """Serve a box and an LMS on loopback, as two sites to a browser; both by TLS where it is given."""
    settings = Settings(
        box=BoxSettings(trial=True, room="Hall 1", timezone="Europe/Berlin"),
        paths=PathSettings(state=str(folder / "state"), run=str(folder / "run")),
    )
    clock = SystemClock()
    app = create_app(settings, clock, keyring=keyring)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    if tls:
        server.socket.do_handshake_on_connect = False  # type: ignore[attr-defined]  # in the connection's thread: browsers open some they do not use
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    db = connect(settings.database)
    lms = Lms(app, db, clock, settings).connect()  # type: ignore[arg-type]  # it asks for the time alone
    try:
        with LmsPage(tls) as page:
            yield Place(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", page, lms, server)
    finally:
        server.shutdown()
        thread.join(10)
        db.conn.close()
        of(app).jobs.close()
        of(app).keeper.conn.close()
