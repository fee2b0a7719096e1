"""A running dashboard with a closed sitting whose second session is recorded by two cameras, for a browser."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from appliance.clock import SECOND_US, SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database, write
from appliance.web.account import accounts
from appliance.web.app import create_app
from appliance.web.services import of
from tests.sittings.a_box import NINE
from tests.vault.recorded import DEVICE, Recorder, clock_at, movie
from tests.web.conftest import PASSWORD, StandInCapture, StandInKeyring
from tests.web.review.a_review import Reviewed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

LEAD_S, LENGTH_S = 10, 80


class Box:
    """Where the dashboard answers, and what lies behind it."""

    def __init__(self, address: str, reviewed: Reviewed) -> None:
        self.address, self.reviewed = address, reviewed

    def sign_in(self, page: Page, name: str) -> None:
        """Sign somebody in."""
        page.goto(f"{self.address}/sign-in")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.locator("button[type=submit]").first.click()
        page.wait_for_selector("header.top")


@contextmanager
def filmed_box(folder: Path) -> Iterator[Box]:
    """Run it; the session of ``s2`` begins ten seconds into the recording and lasts until its end."""
    settings = Settings(
        box=BoxSettings(trial=True, timezone="Europe/Berlin"),
        paths=PathSettings(state=str(folder / "state"), run=str(folder / "run")),
    )
    db = open_box_database(settings.database)
    reviewed = Reviewed(db, settings, phones=(0.1, 0.4), eyes=0.2)
    reviewed.room.clock.advance(LENGTH_S - LEAD_S)
    reviewed.room.closes()
    _record(settings, reviewed)
    for name, role in (("Ada", "administrator"), ("Rita", "reviewer"), ("Mia", "centre_manager"), ("Bob", "auditor")):
        accounts.create_account(db, name, role, PASSWORD, clock=SystemClock(), who="test")
    app = create_app(settings, SystemClock(), live=StandInCapture(), keyring=StandInKeyring())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Box(f"http://127.0.0.1:{server.server_port}", reviewed)
    finally:
        server.shutdown()
        thread.join(10)
        of(app).jobs.close()
        of(app).keeper.conn.close()
        db.conn.close()


def _record(settings: Settings, reviewed: Reviewed) -> None:
    """Seal two cameras' films around the session, with the rows the box has of them."""
    start, film, sitting = NINE - LEAD_S * SECOND_US, movie(LENGTH_S, size=(160, 120)), reviewed.room.sitting
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    (settings.keys_dir / "device.pub").write_bytes(DEVICE.public)
    for camera in ("front", "back"):
        Recorder(settings.vault_dir, clock_at(start), sitting=sitting, camera=camera).part(film)
    with write(reviewed.db) as db:
        for camera in ("front", "back"):
            db.conn.execute(
                "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, state)"
                " VALUES (?, ?, ?, 1, ?, ?, 'closed')",
                (camera, sitting, camera, start, start + LENGTH_S * SECOND_US),
            )
        db.conn.execute("DELETE FROM recording_wish")
        db.conn.execute(
            "INSERT INTO recording_wish (sitting, wished_us, wished_by, stopped_us) VALUES (?, ?, 'x', ?)",
            (sitting, start, start + LENGTH_S * SECOND_US),
        )
