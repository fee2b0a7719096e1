"""The real devices process in a machine whose USB devices are umockdev's."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Self

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database
from appliance.usb.devices_rows import present_at
from appliance.usb.events import UsbEvent, events_of
from appliance.usb.library import described
from appliance.usb.orders import arm
from appliance.usb.state import State, state_of
from tests.support.umock_usb import UsbMachine, exambox_argv
from tests.support.usb_devices import write_device
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[box]
trial = false
[paths]
state = "{folder}/state"
run = "{folder}/run"
[usb]
sweep_seconds = {sweep}
recovery_files = ["{folder}/exambox-usb-open"]
"""


class UsbBox:
    """A provisioned box with the process, in a folder; give it to `with`."""

    def __init__(self, folder: Path, *, sweep: float = 60.0) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=folder, sweep=sweep))
        paths = PathSettings(state=str(folder / "state"), run=str(folder / "run"))
        self.settings = Settings(box=BoxSettings(trial=False), paths=paths)
        self.db = open_box_database(self.settings.database)
        self.machine = UsbMachine()
        self.log = folder / "devices.log"
        self.pid = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        self.machine.__exit__()
        self.db.conn.close()

    def start(self) -> Self:
        """Start the process, and wait until it watches."""
        self.settings.devices_beat.unlink(missing_ok=True)
        self.pid = self.machine.run(exambox_argv("devices", "run", config=self.config), self.log)
        until(self.settings.devices_beat.exists, what=f"the process watches ({self.log})")
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        """End the process, and return how it ended."""
        return self.machine.end(self.pid, number)

    def arms(self) -> Self:
        """Order USB to be armed, and wait until it is."""
        arm(self.db, who="Ida", clock=SystemClock())
        until(lambda: self.state.mode == "armed", what="USB is armed")
        return self

    def plug(self, port: str, name: str) -> int:
        """Plug a device of the library in; return when (the boot's clock)."""
        return self.machine.plug(port, described(name))

    def plug_unseen(self, port: str, name: str) -> None:
        """Have a device there that no event tells of."""
        write_device(self.machine.sys, port, described(name), authorized=self.machine.is_open())

    def stands(self, port: str) -> str:
        """Return the state of the device at a port, ``gone`` where there is none."""
        found = present_at(self.db, port)
        return "gone" if found is None else found.state

    def stands_so(self, port: str, state: str) -> None:
        """Wait until the device at a port stands so."""
        until(lambda: self.stands(port) == state, what=f"{port} is {state} ({self.log})")

    @property
    def state(self) -> State:
        """What the process says of itself."""
        found = state_of(self.db)
        assert found is not None
        return found

    def events(self, kind: str | None = None) -> list[UsbEvent]:
        """Return what happened, the oldest first."""
        found = reversed(events_of(self.db, limit=10_000))
        return [one for one in found if kind is None or one.kind == kind]


def boot_us() -> int:
    """Return the boot's clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
