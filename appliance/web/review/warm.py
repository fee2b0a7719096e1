"""Reads, after a start, what the list of recordings tells: a month of parts would keep its first reader waiting."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.database import connect
from appliance.errors import ApplianceError
from appliance.vault.facts import part_facts, part_files
from appliance.web.review.sittings import places
from appliance.web.services import of

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

PAUSE_S: Final = 0.004
"""After each part: the recorder and whoever asks for a page come first."""
_NICE: Final = 10
_KEY: Final = "exambox-warm"
_LOG = log.get(__name__)


class Warmer(threading.Thread):
    """Reads the facts of every part once, the newest sittings first, slowly; then it ends."""

    def __init__(self, database: Path, vault_dir: Path, *, pause_s: float = PAUSE_S) -> None:
        super().__init__(name="warm", daemon=True)
        self._database = database
        self._vault_dir = vault_dir
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self.parts = 0

    def stop(self) -> None:
        """End before the end; returns at once."""
        self._stopping.set()

    def run(self) -> None:
        """Read until all is read or `stop`; what cannot be read is left to whoever asks for it."""
        with suppress(OSError):  # on Linux a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            self._read()
        except (ApplianceError, OSError) as problem:
            _LOG.info("recordings are not read ahead", reason=str(problem))

    def _read(self) -> None:
        db = connect(self._database)
        try:
            found = places(db, self._vault_dir)
        finally:
            db.conn.close()
        for place in found:
            for camera in place.cameras:
                for file in part_files(self._vault_dir, place.sitting, camera):
                    if self._stopping.wait(self._pause_s):
                        return
                    with suppress(ApplianceError):
                        part_facts(file)
                    self.parts += 1


def start(app: Flask) -> None:
    """Begin; in the process that serves."""
    box = of(app)
    warmer = Warmer(box.settings.database, box.settings.vault_dir)
    app.extensions[_KEY] = warmer
    warmer.start()


def stop(app: Flask) -> None:
    """End."""
    warmer: Warmer | None = app.extensions.pop(_KEY, None)
    if warmer is not None:
        warmer.stop()
