"""One thread that looks at the room for everybody who follows it: the database, capture, the keyring.

It runs while an answer lasts and rests otherwise. Sessions are looked at with the same eye: an answer whose session
has ended is ended within a second.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from appliance import log
from appliance.clock import SECOND_US
from appliance.database import ChangeWatch, connect
from appliance.errors import ApplianceError
from appliance.web.account import sessions
from appliance.web.room.events import EventLog
from appliance.web.room.status import room_facts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.web.account.sessions import Person
    from appliance.web.services import Services

TICK_SECONDS = 0.25
LOOK_US = SECOND_US
"""Capture is asked this often; at once where a row changed, which it does when a camera's state does."""
REVIEW_US = 5 * SECOND_US
"""Sessions are looked at this often for their age alone; at once where a row changed."""
REST_SECONDS = 10.0
FRESH_SECONDS = 0.5
_LOG = log.get(__name__)


class RoomWatch:
    """Watches the room for the process's lasting answers.

    Attributes:
        log: what was seen, as events.
    """

    def __init__(self, box: Services) -> None:
        self._box = box
        self.log = EventLog()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._looked = time.monotonic() - FRESH_SECONDS
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Watch from now on, until nobody follows any more."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="room watch", daemon=True)
                self._thread.start()

    def look_now(self) -> None:
        """Look once, for an answer that is wanted at once; a look of a moment ago by anybody will do."""
        with self._looking:
            if time.monotonic() - self._looked < FRESH_SECONDS:
                return
            db = connect(self._box.settings.database)
            try:
                self._tell(db)
            finally:
                db.conn.close()

    def _run(self) -> None:
        box = self._box
        db = connect(box.settings.database)
        eye = Eye(db)
        idle = 0.0
        try:
            while not box.stopping.is_set():
                idle = 0.0 if box.lasting.open() else idle + TICK_SECONDS
                if idle > REST_SECONDS and self._rest():
                    return
                self._once(db, eye)
                box.stopping.wait(TICK_SECONDS)
        finally:
            db.conn.close()

    def _once(self, db: Database, eye: Eye) -> None:
        try:
            look, review = eye.wants(self._box.clock.mono_us())
            if review:
                self._box.lasting.review(lambda person: self._session_end(db, person))
            if look:
                with self._looking:
                    self._tell(db)
        except (ApplianceError, sqlite3.Error) as problem:
            _LOG.error("the room cannot be looked at; it is tried again", problem=str(problem))

    def _rest(self) -> bool:
        with self._lock:
            if self._box.lasting.open():
                return False
            self._thread = None
            return True

    def _session_end(self, db: Database, person: Person) -> int | None:
        return sessions.session_end(db, person, clock=self._box.clock, settings=self._box.settings.web)

    def _tell(self, db: Database) -> None:
        """Look and tell, one at a time: what was seen earlier is never told later."""
        news = self.log.tell(room_facts(self._box, db))
        self._looked = time.monotonic()
        if news:
            for answer in self._box.lasting.open():
                answer.wake.set()


class Eye:
    """Decides when to look again (pure but for ``PRAGMA data_version``)."""

    def __init__(self, db: Database) -> None:
        self._changes = ChangeWatch(db)
        self._looked_us: int | None = None
        self._reviewed_us: int | None = None

    def wants(self, now_us: int) -> tuple[bool, bool]:
        """Return whether to look at the room, and whether to look at the sessions."""
        changed = self._changes.changed()
        look = changed or self._looked_us is None or now_us - self._looked_us >= LOOK_US
        review = changed or self._reviewed_us is None or now_us - self._reviewed_us >= REVIEW_US
        self._looked_us = now_us if look else self._looked_us
        self._reviewed_us = now_us if review else self._reviewed_us
        return look, review
