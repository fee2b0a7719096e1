"""What is plugged in as far as it is known, and what still has to be written down of it.

The kernel is told whether or not the database takes what happened: what it does not take waits here, bounded, and is
written later, in its order.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.devices.telling import Memory
from appliance.usb.devices_rows import forget_present, keep_present, present

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.devices.rules import Rules
    from appliance.devices.telling import Happening, Teller
    from appliance.usb.devices_rows import Present
    from appliance.usb.modes import ModeNow

MOST_WAITING: Final = 10_000
AGAIN_US: Final = SECOND_US
_LOG = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What is plugged in at a port now (None: nothing), and what happened there, in order."""

    port: str
    after: Present | None
    happened: tuple[Happening, ...] = ()


class Ledger:
    """Keeps what is known, and writes it down.

    Args:
        db: the box's database.
        clock: times the next try after trouble.
        teller: writes happenings down.
    """

    def __init__(self, db: Database, clock: Clock, teller: Teller) -> None:
        self._db = db
        self._clock = clock
        self._teller = teller
        self._memory = Memory()
        self._waiting: list[tuple[Change, Rules, ModeNow, Mapping[str, str]]] = []
        self._again_us = 0
        self.known: dict[str, Present] = {one.device.port: one for one in present(db)}
        """What is plugged in, by port, also where it is not written down yet."""

    @property
    def is_written(self) -> bool:
        """Whether all that happened is written down."""
        return not self._waiting

    def enter(self, changes: Iterable[Change], rules: Rules, mode: ModeNow, peers: Mapping[str, str]) -> None:
        """Take changes over, and write them down at once where the database takes them."""
        for change in changes:
            if change.after is None:
                self.known.pop(change.port, None)
            else:
                self.known[change.port] = change.after
            self._waiting.append((change, rules, mode, peers))
        if len(self._waiting) > MOST_WAITING:
            _LOG.error("USB events are given up, the database takes none", lost=len(self._waiting) - MOST_WAITING)
            del self._waiting[:-MOST_WAITING]
        if self._waiting:
            self._write()

    def try_again(self) -> None:
        """Write down what waits, once a second at most."""
        if self._waiting and self._clock.mono_us() >= self._again_us:
            self._write()

    def _write(self) -> None:
        draft = self._memory.draft()
        try:
            with write(self._db):
                for change, rules, mode, peers in self._waiting:
                    if change.after is None:
                        forget_present(self._db, change.port)
                    else:
                        keep_present(self._db, change.after)
                    for one in change.happened:
                        self._teller.tell(draft, rules, mode, peers, one)
        except sqlite3.Error as problem:
            _LOG.error("the database does not take what happened to USB; it is tried again", problem=str(problem))
            self._again_us = self._clock.mono_us() + AGAIN_US
            return
        self._memory = draft
        self._waiting.clear()
