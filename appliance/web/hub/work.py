"""The hub's own thread: publishes, looks and writes reports down, whether boxes speak or not."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.database import connect

if TYPE_CHECKING:
    from appliance.web.hub.state import Hub
    from appliance.web.services import Services

EVERY_SECONDS = 0.5


def start(hub: Hub, box: Services) -> None:
    """Begin the thread in the process that serves."""
    threading.Thread(target=_work, args=(hub, box), name="hub", daemon=True).start()


def stop(hub: Hub, box: Services) -> None:
    """Write down what was reported last."""
    box.stopping.set()
    with suppress(sqlite3.Error):
        db = connect(box.settings.database)
        hub.tend(db, flush=True)
        db.conn.close()


def _work(hub: Hub, box: Services) -> None:
    db = connect(box.settings.database)
    while not box.stopping.wait(EVERY_SECONDS):
        hub.tend(db)
    db.conn.close()
