"""What the hub's process does whether boxes speak or not: publish, look, write reports down, sign the log."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.auditlog import checkpoint
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.hub.reports import FLUSH_EVERY_US, LOOK_EVERY_US

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.hub.publishing import Publisher
    from appliance.hub.reports import Reports
    from appliance.hub.seen_tokens import SeenTokens
    from appliance.vault.device_key import DeviceKey

SIGN_LOG_EVERY_US: Final = 60 * SECOND_US
"""So often the end of the log is signed, where there is something new."""
_LOG = log.get(__name__)


class Keeper:
    """Does what is due; any thread may ask, one does it.

    Args:
        publisher: makes changes of what was noted.
        log_key: signs the log.
        reports: of all boxes.
        tokens: that were seen.
        clock: says what is due.
    """

    def __init__(
        self, publisher: Publisher, reports: Reports, tokens: SeenTokens, clock: Clock, *, log_key: DeviceKey
    ) -> None:
        self._publisher = publisher
        self._log_key = log_key
        self._signed_us: int | None = None
        self._reports = reports
        self._tokens = tokens
        self._clock = clock
        self._busy = threading.Lock()
        self._looked_us: int | None = None
        self._flushed_us = clock.mono_us()

    def is_due(self) -> bool:
        """Return whether there is something to do now."""
        return self._looked_us is None or self._clock.mono_us() - self._looked_us >= LOOK_EVERY_US

    def tend(self, db: Database, *, flush: bool = False) -> None:
        """Do what is due, or nothing where another thread does it; with ``flush`` write reports whatever the time.

        Trouble with the database is logged, not raised: the next time does what this one could not.
        """
        if not self._busy.acquire(blocking=flush):
            return
        try:
            now = self._clock.mono_us()
            if self._looked_us is None:
                self._reports.load(db)
                self._tokens.load(db)
            self._publisher.publish(db)
            self._reports.look(db)
            self._looked_us = now
            if flush or now - self._flushed_us >= FLUSH_EVERY_US:
                self._flushed_us = now
                self._reports.flush(db)
                self._tokens.flush(db)
            if flush or self._signed_us is None or now - self._signed_us >= SIGN_LOG_EVERY_US:
                self._signed_us = now
                checkpoint(db, self._log_key, clock=self._clock)
        except (sqlite3.Error, ApplianceError) as problem:
            self._looked_us = now
            _LOG.error("the hub could not do what was due", reason=str(problem))
        finally:
            self._busy.release()
