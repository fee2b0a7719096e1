"""PROCESS devices: judges what is plugged in, enforces through the kernel, tells the room.

One loop: events as soon as they come, news in the database ten times a second, a sweep every few seconds. It ends
without opening anything: a controller that was closed stays closed until the next start, but for a trial box, after
which no process would come.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.clock import SECOND_US, SystemClock
from appliance.database import open_box_database
from appliance.devices.enforcing import Enforcer
from appliance.devices.guard import SystemParts
from appliance.devices.keeper import Keeper
from appliance.devices.recovery import recover
from appliance.devices.signing import Signer
from appliance.ipc.beat import write_beat
from appliance.ipc.notify import Notifier
from appliance.usb.sysfs import SYSFS, UsbBus
from appliance.usb.watching import Batch, Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

LOOK_S: Final = 0.1
BEAT_US: Final = 2 * SECOND_US
_LOG = log.get(__name__)


def main(settings: Settings, *, sysfs: Path = SYSFS) -> None:
    """Watch until told to end (SIGTERM or SIGINT).

    Raises:
        ApplianceError: the database cannot be used.
        OSError: the kernel's events cannot be listened to any more; whoever started the process starts it anew.
    """
    clock, stop = SystemClock(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    db = open_box_database(settings.database)
    asked = recover(db, settings.usb.recovery_files, clock=clock)
    bus = UsbBus(sysfs)
    watcher = _watcher(clock) if bus.exists else None
    enforcer = Enforcer(bus, (lambda: None) if watcher is None else watcher.wake)
    keeper = Keeper(
        settings,
        db,
        clock,
        bus=bus,
        enforcer=enforcer,
        parts=SystemParts(settings.state_dir),
        signer=Signer(db, settings.keys_dir, clock),
        recovery=asked,
    )
    try:
        keeper.start()
        able, mode = keeper.able, keeper.mode.mode
        _LOG.info("USB is watched", mode=mode, enforced=bool(able), why_not=able.words or None)
        _run(settings, keeper, watcher, clock, stop)
        if settings.box.trial and keeper.able:
            enforcer.set_controllers(open=True)
    finally:
        _end(settings, db, watcher, enforcer)


def _run(settings: Settings, keeper: Keeper, watcher: Watcher | None, clock: Clock, stop: threading.Event) -> None:
    notifier = Notifier()
    notifier.ready("watching USB" if watcher is not None else "this machine has no USB")
    sweep_us = round(settings.usb.sweep_seconds * SECOND_US)
    began_us = swept_us = clock.mono_us()
    beat_us = 0
    while not stop.is_set():
        batch = Batch()
        if watcher is None:
            stop.wait(LOOK_S)
        else:
            batch = watcher.take(LOOK_S)
        keeper.look()
        keeper.handle(batch)
        keeper.finish()
        now_us = clock.mono_us()
        if now_us - swept_us >= sweep_us:
            keeper.sweep()
            swept_us = clock.mono_us()
        if now_us - beat_us >= BEAT_US:
            beat_us = now_us
            notifier.watchdog()
            _say_alive(settings, keeper, clock, began_us)
    notifier.stopping()


def _watcher(clock: Clock) -> Watcher | None:
    """Return what reads the kernel's events; without it the sweep finds what is plugged in, a little later."""
    try:
        return Watcher(clock)
    except OSError as problem:
        _LOG.error("the kernel's USB events cannot be heard; USB is only swept", problem=str(problem))
        return None


def _say_alive(settings: Settings, keeper: Keeper, clock: Clock, began_us: int) -> None:
    try:
        done = {"watching": True, "writing": keeper.is_written}
        write_beat(settings.devices_beat, clock, began_us=began_us, duties=done)
    except OSError as problem:
        _LOG.warning("it could not be noted that this process is alive", problem=str(problem))


def _end(settings: Settings, db: Database, watcher: Watcher | None, enforcer: Enforcer) -> None:
    if watcher is not None:
        watcher.close()
    enforcer.close()
    db.conn.close()
    settings.devices_beat.unlink(missing_ok=True)
