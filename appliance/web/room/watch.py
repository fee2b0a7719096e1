"""One thread that looks at the room for everybody who follows it: the database, capture, the keyring.

It runs while an answer lasts and rests otherwise. Sessions are looked at with the same eye: an answer whose session
has ended is ended within a second.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from appliance import log
from appliance.cameras.store import list_cameras
from appliance.clock import SECOND_US
from appliance.database import ChangeWatch, connect
from appliance.errors import ApplianceError
from appliance.web.account import sessions
from appliance.web.room.alerts import alerts_fact, open_rows
from appliance.web.room.events import EventLog
from appliance.web.room.photos import Photos
from appliance.web.room.status import room_facts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.web.account.sessions import Person
    from appliance.web.services import Services

TICK_SECONDS = 0.04
"""How often the database is asked whether anything changed, which costs microseconds: an alert is told within this."""
LOOK_US = SECOND_US
"""Capture is asked this often; sooner where a row changed, which it does when a camera's state does."""
CHANGED_TICKS = 6
"""But not again before so many ticks (a quarter of a second), however much is written."""
REVIEW_US = 5 * SECOND_US
"""Sessions are looked at this often for their age alone; at once where a row changed."""
PHOTO_US = 5 * SECOND_US
"""What was found longer ago gets no picture: the room looks otherwise by now."""
REST_SECONDS = 10.0
FRESH_SECONDS = 0.5
_LOG = log.get(__name__)


class RoomWatch:
    """Watches the room for the process's lasting answers.

    Attributes:
        log: what was seen, as events.
        photos: the room as it looked when something was found.
    """

    def __init__(self, box: Services) -> None:
        self._box = box
        self.log = EventLog()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._looked = time.monotonic() - FRESH_SECONDS
        self.photos = Photos(box.live.snapshot)
        self._told_up_to: int | None = None
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
            changed, look, review = eye.wants(self._box.clock.mono_us())
            if changed:
                with self._looking:
                    self._alert(db)
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
        alerts = self._alerts(db)
        if self.log.tell({**room_facts(self._box, db), **alerts}):
            self._wake_all()
        self._looked = time.monotonic()

    def _alert(self, db: Database) -> None:
        """Tell what people have to know at once before anything is asked that takes time."""
        if self.log.tell_some(self._alerts(db)):
            self._wake_all()

    def _alerts(self, db: Database) -> dict[str, Any]:
        now_us = self._box.clock.wall_us()
        rows = open_rows(db, now_us=now_us)
        newest = max((row.number for row in rows), default=0)
        if self._told_up_to is not None:
            for row in rows:
                # A picture says who is where: of a workstation that is silent it would say nothing.
                new = row.number > self._told_up_to and row.kind == "forbidden_device"
                if new and abs(now_us - row.start_us) <= PHOTO_US:
                    self.photos.take(row.number, [one.id for one in list_cameras(db) if one.enabled])
        self._told_up_to = max(self._told_up_to or 0, newest)
        told = alerts_fact(rows)
        for item in told["items"]:
            item["photos"] = self.photos.of(item["number"])
        return {"alerts": told}

    def _wake_all(self) -> None:
        for answer in self._box.lasting.open():
            answer.wake.set()


class Eye:
    """Decides when to look again (pure but for ``PRAGMA data_version``)."""

    def __init__(self, db: Database) -> None:
        self._changes = ChangeWatch(db)
        self._looked_us: int | None = None
        self._reviewed_us: int | None = None
        self._unseen = self._unreviewed = False
        self._rested = CHANGED_TICKS

    def wants(self, now_us: int) -> tuple[bool, bool, bool]:
        """Return whether anything was written, whether to look at the whole room, and whether at the sessions.

        Called once a tick.
        """
        changed = self._changes.changed()
        self._unseen, self._unreviewed = self._unseen or changed, self._unreviewed or changed
        self._rested += 1
        may = self._rested >= CHANGED_TICKS
        look = (may and self._unseen) or _due(self._looked_us, now_us, LOOK_US)
        review = (may and self._unreviewed) or _due(self._reviewed_us, now_us, REVIEW_US)
        if look:
            self._looked_us, self._unseen = now_us, False
        if review:
            self._reviewed_us, self._unreviewed = now_us, False
        if look or review:
            self._rested = 0
        return changed, look, review


def _due(last_us: int | None, now_us: int, every_us: int) -> bool:
    return last_us is None or now_us - last_us >= every_us
