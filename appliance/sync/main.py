"""PROCESS sync: delivers to LMSs, and does what the box does by itself at its time.

The process is a list of duties (`DUTIES`), each in a thread of its own with a connection of its own; this loop wakes
them when the database changes, feeds the watchdog while none hangs, and says that the process is alive.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.centre.epoch_keeping import EpochKeeper
from appliance.centre.machine import machine_of
from appliance.clock import SECOND_US, SystemClock
from appliance.database import ChangeWatch, connect, open_box_database
from appliance.errors import UnavailableError
from appliance.integrations.exchange_key import exchange_key
from appliance.ipc.beat import write_beat
from appliance.ipc.notify import Notifier
from appliance.outbox.calling import Caller, CallRules
from appliance.sittings import automatic
from appliance.sittings.seat_silence import SilenceWatch
from appliance.sync.centre_duty import CentreDuty
from appliance.sync.centre_media import MediaDuty
from appliance.sync.chores import PRUNING_US, Every, RoomLook, forget_old
from appliance.sync.duty import DutyThread
from appliance.sync.lms_delivery import LmsDelivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.sync.duty import Duty

    MakeDuty = Callable[[Settings, Clock, Callable[[], None]], Duty]

LOOK_S: Final = 0.1
"""How often the database is looked at; a delivery leaves within this after its cause."""
BEAT_US: Final = 2 * SECOND_US
SEATS_US: Final = 2 * SECOND_US
"""How often it is looked whether workstations report."""
_LOG = log.get(__name__)


def call_rules(settings: Settings) -> CallRules:
    """Return how this box calls outward."""
    sync = settings.sync
    return CallRules(
        timeout_s=sync.timeout_seconds,
        at_once=sync.at_once,
        loopback=settings.box.trial if sync.loopback is None else sync.loopback,
        ca_file=sync.ca_file,
    )


def _lms(settings: Settings, clock: Clock, wake: Callable[[], None]) -> Duty:
    db = open_box_database(settings.database)
    calls = Caller(call_rules(settings), clock)
    return LmsDelivery(settings, db, clock, calls=calls, keys=exchange_key(settings), wake=wake)


def _sittings(settings: Settings, clock: Clock, _wake: Callable[[], None]) -> Duty:
    db = open_box_database(settings.database)
    look = RoomLook(settings, clock)
    return Every("sittings", SECOND_US, lambda: automatic.tick(db, clock, settings=settings, readiness=look), clock, db)


def _forgetting(settings: Settings, clock: Clock, _wake: Callable[[], None]) -> Duty:
    db = open_box_database(settings.database)
    return Every("forgetting", PRUNING_US, lambda: forget_old(db, settings, clock), clock, db)


def _centre(settings: Settings, clock: Clock, _wake: Callable[[], None]) -> Duty:
    return CentreDuty(settings, open_box_database(settings.database), clock)


def _recordings(settings: Settings, clock: Clock, _wake: Callable[[], None]) -> Duty:
    return MediaDuty(settings, open_box_database(settings.database), clock)


def _seats(settings: Settings, clock: Clock, _wake: Callable[[], None]) -> Duty:
    db = open_box_database(settings.database)
    watch = SilenceWatch(settings.usb.agent_silent_seconds * SECOND_US, clock)
    return Every("seats", SEATS_US, lambda: watch.look(db), clock, db)


DUTIES: Final[dict[str, MakeDuty]] = {
    "deliveries": _lms,
    "sittings": _sittings,
    "forgetting": _forgetting,
    "centre": _centre,
    "recordings": _recordings,
    "seats": _seats,
}
"""What the process does; each is made in its own thread."""


def main(settings: Settings) -> None:
    """Do all duties until told to end (SIGTERM or SIGINT).

    Raises:
        ApplianceError: the database cannot be used, or a duty hangs.
    """
    clock = SystemClock()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _settle_epoch(settings, clock)
    duties = [_thread(name, make, settings, clock) for name, make in DUTIES.items()]
    for duty in duties:
        duty.start()
    notifier = Notifier()
    notifier.ready("delivering")
    _watch(settings, duties, clock, notifier, stop)
    notifier.stopping()
    for duty in duties:
        duty.request_stop()
    for duty in duties:
        duty.stop()
    settings.sync_beat.unlink(missing_ok=True)


def _settle_epoch(settings: Settings, clock: Clock) -> None:
    """Migrate the database before anything reads it, and begin a new epoch where it went back or is a copy."""
    db = open_box_database(settings.database)
    try:
        EpochKeeper(db, settings.state_dir, machine=machine_of(settings), clock=clock).check()
    finally:
        db.conn.close()


def _thread(name: str, make: MakeDuty, settings: Settings, clock: Clock) -> DutyThread:
    return DutyThread(name, lambda wake: make(settings, clock, wake), clock)


def _watch(
    settings: Settings, duties: list[DutyThread], clock: Clock, notifier: Notifier, stop: threading.Event
) -> None:
    """Wake the duties at each change of the database until the end; the watchdog is fed while none hangs."""
    db = connect(settings.database, read_only=True)
    watch = ChangeWatch(db)
    began_us, beat_us = clock.mono_us(), 0
    while not stop.wait(LOOK_S):
        if watch.changed():
            for duty in duties:
                duty.wake()
        if clock.mono_us() - beat_us < BEAT_US:
            continue
        beat_us = clock.mono_us()
        hung = [duty.name for duty in duties if not duty.is_well]
        if hung:  # whoever started this process starts it anew; what was not committed is done again
            raise UnavailableError(f"Duties of this process hang: {', '.join(hung)}.", hint="It is started anew.")
        notifier.watchdog()
        _say_alive(settings, duties, clock, began_us)
    db.conn.close()


def _say_alive(settings: Settings, duties: list[DutyThread], clock: Clock, began_us: int) -> None:
    try:
        done = {duty.name: not duty.is_in_trouble for duty in duties}
        write_beat(settings.sync_beat, clock, began_us=began_us, duties=done)
    except OSError as problem:
        _LOG.warning("it could not be noted that this process is alive", problem=str(problem))
