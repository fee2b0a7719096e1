"""Small duties: sittings that act by themselves, and forgetting what is of no use any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.diagnosis.result import Examined
from appliance.diagnosis.room import missing_in_room
from appliance.outbox.pruning import prune
from appliance.usb.agents.store import forget_told
from appliance.usb.events import forget_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

_DAY_US: Final = 24 * 3600 * SECOND_US
USB_DAYS: Final = 90
"""What was plugged in is kept for so long; what made a warning, and the log, are kept as long as those."""
PRUNING_US: Final = 3600 * SECOND_US
ROOM_US: Final = 10 * SECOND_US


class Every:
    """Does something at a steady pace, whatever changes between.

    Args:
        name: for the journal.
        every_us: how long after a round the next is due.
        act: the round.
        clock: when it is due.
        db: closed at the end.
    """

    longest_s = 60.0

    def __init__(self, name: str, every_us: int, act: Callable[[], object], clock: Clock, db: Database) -> None:
        self.name = name
        self._every_us = every_us
        self._act = act
        self._clock = clock
        self._db = db
        self._due_mono_us = clock.mono_us()

    def due_us(self, now_us: int) -> int:
        """Return when the next round is due."""
        return now_us + self._due_mono_us - self._clock.mono_us()

    def run(self) -> None:
        """Do a round if it is due."""
        if self._clock.mono_us() >= self._due_mono_us:
            self._act()
            self._due_mono_us = self._clock.mono_us() + self._every_us

    def close(self) -> None:
        """End."""
        self._db.conn.close()


class RoomLook:
    """Looks at the room of a sitting that the box leads itself, at most every ten seconds."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._examined = Examined(settings, clock, privileged=False)
        self._clock = clock
        self._seen: dict[str, tuple[int, dict[str, str]]] = {}

    def __call__(self, db: Database, sitting: str) -> dict[str, str]:
        """Return what is missing in the room, each thing with what is wrong with it."""
        now_us = self._clock.mono_us()
        looked_us, missing = self._seen.get(sitting, (-ROOM_US, {}))
        if now_us - looked_us >= ROOM_US:
            missing = missing_in_room(self._examined, db, sitting)
            self._seen = {sitting: (now_us, missing)} | {
                name: one for name, one in self._seen.items() if name != sitting and now_us - one[0] < ROOM_US
            }
        return missing


def forget_old(db: Database, settings: Settings, clock: Clock) -> int:
    """Forget what has had its time; return how many rows.

    Settled deliveries, what workstations told, USB events on which no warning rests, tokens that could not be used
    again anyway.
    """
    now_us = clock.wall_us()
    before_us = now_us - settings.sync.keep_days * _DAY_US
    gone = 0
    while True:
        some = prune(db, before_us=before_us)
        gone += some
        if not some:
            break
    gone += forget_told(db, before_us=before_us)
    with write(db):
        gone += forget_events(db, before_us=now_us - USB_DAYS * _DAY_US)
        gone += db.conn.execute("DELETE FROM seen_token WHERE until_us < ?", (now_us,)).rowcount
    return gone
