"""A box whose USB is watched: a fake kernel, a sitting with candidates at seats, and what people are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.config import UsbSettings
from appliance.database import open_box_database
from appliance.devices.enforcing import Enforcer
from appliance.devices.guard import SystemParts
from appliance.devices.keeper import Keeper
from appliance.devices.signing import Signer
from appliance.sittings.warnings import warnings_of
from appliance.usb.devices_rows import Present, present_at
from appliance.usb.events import UsbEvent, events_of
from appliance.usb.library import described
from appliance.usb.state import State, state_of
from appliance.vault.keys import init_keys
from tests.devices.fake_kernel import FakeKernel
from tests.sittings.a_sitting import Room as SittingRoom
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings
    from appliance.sittings.warnings import StoredWarning

STICK, OTHER_STICK = "stick-sandisk-ultra-fit", "stick-kingston-datatraveler"
KEYBOARD, CAMERA, HUB = "keyboard-matias-ergo-pro", "camera-logitech-c920", "hub-genesys"


class Room:
    """The box, its kernel and the process, driven by hand.

    Candidate 1 sits at "seat 1" once the sitting runs.
    """

    def __init__(self, settings: Settings, tmp_path: Path, **usb: Any) -> None:
        chosen = UsbSettings(**{"enforce": "always", "recovery_files": ()} | usb)
        self.settings = msgspec.structs.replace(settings, usb=chosen)
        self.db = open_box_database(self.settings.database)
        self.sittings = SittingRoom(self.db, self.settings, "1", "2")
        self.clock = self.sittings.clock
        self.clock.step(-30 * 24 * 3600)  # long before the sitting: nothing arms by itself
        self.kernel = FakeKernel(tmp_path / "sys", self.clock)
        self.system = tmp_path / "system"
        init_keys(self.settings, passphrase=None, clock=self.clock)
        self.make()

    def make(self, *, recovery: bool = False) -> None:
        """Make the process anew, as after it was killed; `Keeper.start` is the test's."""
        self.own = open_box_database(self.settings.database)
        self.enforcer = Enforcer(self.kernel.bus, lambda: None)
        self.keeper = Keeper(
            self.settings,
            self.own,
            self.clock,
            bus=self.kernel.bus,
            enforcer=self.enforcer,
            parts=SystemParts(self.settings.state_dir, self.system),
            signer=Signer(self.own, self.settings.keys_dir, self.clock),
            recovery=recovery,
        )

    def start(self) -> None:
        """Start the process."""
        self.keeper.start()
        self.opened()

    def restart(self) -> None:
        """Kill the process and start it again."""
        self.enforcer.close()
        self.own.conn.close()
        self.make()
        self.start()

    def round(self) -> None:
        """Let the process do one round, and wait until what it opens is open."""
        self.keeper.look()
        self.keeper.handle(self.kernel.batch())
        self.opened()

    def sweep(self) -> None:
        """Let it sweep, and wait until what it opens is open."""
        self.keeper.sweep()
        self.opened()

    def opened(self) -> None:
        """Wait until what is being opened is open."""
        until(lambda: not self.enforcer.is_opening, what="opening devices")
        self.keeper.finish()

    def plug(self, port: str, name: str, **how: bool) -> None:
        """Plug a device of the library in, and let the process see it."""
        self.kernel.plug(port, described(name), **how)
        self.round()

    def unplug(self, port: str, **how: bool) -> None:
        """Take it out, and let the process see it."""
        self.kernel.unplug(port, **how)
        self.round()

    def the_day_comes(self) -> None:
        """Set the clock to the planned start."""
        self.clock.step(30 * 24 * 3600)

    def begins(self) -> None:
        """The sitting's readiness check begins, and the process sees it."""
        self.sittings.does("check_readiness")
        self.round()

    def at(self, port: str) -> Present:
        """Return what the database says is at a port."""
        found = present_at(self.db, port)
        assert found is not None
        return found

    def stands(self, port: str) -> str:
        """Return the state of the device at a port, ``gone`` where there is none."""
        found = present_at(self.db, port)
        return "gone" if found is None else found.state

    @property
    def state(self) -> State:
        """What the process says of itself."""
        found = state_of(self.db)
        assert found is not None
        return found

    @property
    def warnings(self) -> list[StoredWarning]:
        """What people were told in the sitting."""
        return warnings_of(self.db, sitting=self.sittings.sitting)

    def events(self, kind: str | None = None) -> list[UsbEvent]:
        """Return what happened, the oldest first."""
        found = reversed(events_of(self.db, limit=5000))
        return [one for one in found if kind is None or one.kind == kind]

    def actions(self) -> list[str]:
        """Return the log's actions about USB, in order."""
        rows = self.db.conn.execute("SELECT body FROM log_entry ORDER BY seq").fetchall()
        found = [json.loads(row[0])["action"] for row in rows]
        return [one for one in found if one.startswith("usb.")]

    def close(self) -> None:
        """End."""
        self.enforcer.close()
        self.own.conn.close()
        self.db.conn.close()
