"""The capture process: recovery, cameras, live socket, housekeeping."""

from __future__ import annotations

import signal
import sqlite3
import threading
from typing import TYPE_CHECKING

from appliance import log
from appliance.capture.inquiries import Inquiries
from appliance.capture.live_server import LiveServer
from appliance.capture.recovery import Recovery
from appliance.capture.supervisor import Supervisor
from appliance.clock import SystemClock
from appliance.database import open_box_database
from appliance.errors import ApplianceError
from appliance.ipc.notify import Notifier
from appliance.vault.housekeeping import housekeep

if TYPE_CHECKING:
    from appliance.clock import Clock
    from appliance.config import Settings

HOUSEKEEPING_SECONDS = 20.0


class Housekeeper:
    """Runs retention and watches the disk beside the cameras, in a thread with a connection of its own."""

    def __init__(self, settings: Settings, clock: Clock, supervisor: Supervisor) -> None:
        self._settings = settings
        self._clock = clock
        self._supervisor = supervisor
        self._stop = threading.Event()
        self._log = log.get(__name__)
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step in hand."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._once()
            except (ApplianceError, sqlite3.Error, OSError) as problem:
                self._log.error("housekeeping could not be done", problem=str(problem))
            self._stop.wait(HOUSEKEEPING_SECONDS)

    def _once(self) -> None:
        db = open_box_database(self._settings.database)
        try:
            while not self._stop.is_set():
                report = housekeep(db, self._settings.vault_dir, self._settings.vault, self._clock)
                self._supervisor.take_housekeeping(report.as_dict())
                self._stop.wait(HOUSEKEEPING_SECONDS)
        finally:
            db.conn.close()


def main(settings: Settings) -> None:
    """Record until told to end (SIGTERM or SIGINT).

    Raises:
        ApplianceError: the database, the keys' folder or the socket cannot be used.
    """
    clock = SystemClock()
    log.configure(settings.log, "capture")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings.vault_dir.mkdir(parents=True, exist_ok=True)
    db = open_box_database(settings.database)
    notifier = Notifier()
    recovery = Recovery(settings, db, clock)
    supervisor = Supervisor(settings, db, clock, recovery)
    recovery.begin()
    server = LiveServer(settings.live_socket, supervisor, Inquiries(settings), max_viewers=settings.capture.max_viewers)
    housekeeper = Housekeeper(settings, clock, supervisor)
    server.start()
    housekeeper.start()
    supervisor.facts.entry("box.started", {})
    notifier.ready("cameras are being started")
    while not stop.is_set():
        supervisor.tick()
        notifier.watchdog()
    notifier.stopping()
    server.stop()
    housekeeper.stop()
    supervisor.facts.entry("box.stopped", {})
    supervisor.close()
    db.conn.close()
