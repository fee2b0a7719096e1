"""What the USB pages show: the process's own word, what is plugged in as it is judged, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.ipc.beat import read_beat
from appliance.sittings.usb_times import sitting_times
from appliance.usb import orders, seen
from appliance.usb.devices_rows import present
from appliance.usb.engine import Circumstances
from appliance.usb.modes import ModeNow, mode_of
from appliance.usb.policies import policy_in_force
from appliance.usb.ports import Place, place_of, ports
from appliance.usb.state import State, state_of
from appliance.usb.words import Kind, kind_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.usb.devices_rows import Present
    from appliance.usb.orders import Order
    from appliance.usb.policies import InForce
    from appliance.web.services import Services


@dataclass(frozen=True, slots=True)
class Look:
    """How USB stands.

    Attributes:
        state: what the devices process last said; None where it never ran.
        dead: why the process is not there now, as an error for people; None: it is there.
        now: the mode as it is to be, by sittings and orders.
        policy: the one in force.
        standing: orders nobody has ended.
        circumstances: what a device would be judged by now.
    """

    state: State | None
    dead: ApplianceError | None
    now: ModeNow
    policy: InForce
    standing: tuple[Order, ...]
    circumstances: Circumstances

    @property
    def verdict(self) -> str:
        """Return ``good``, ``warn`` or ``bad``: whether USB does what it is to do."""
        if self.dead is not None or self.policy.problem:
            return "bad"
        if self.state is not None and self.state.not_enforced == "no_usb":
            return "good"
        if self.now.enforces and (self.state is None or not self.state.enforced):
            return "bad"
        if self.now.why == "stood_down":
            return "bad" if self.now.sitting else "warn"
        if self.state is not None and self.state.mode != self.now.mode:
            return "warn"
        return "warn" if self.state is not None and (self.state.unconfirmed or self.state.not_enforced) else "good"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as the pages show it; ``let_in`` is the order that lets it in, None where none does."""

    present: Present
    kind: Kind
    name: str
    place: Place
    depth: int
    guarded: bool
    confirmed: bool
    let_in: Order | None

    @property
    def is_out(self) -> bool:
        """Whether the kernel keeps it out now."""
        return self.present.state in {"out", "rejected"}


def mode_now(db: Database, now_us: int) -> ModeNow:
    """Return the mode USB is to be in now."""
    return mode_of(sitting_times(db), orders.standing(db), now_us)


def looking(db: Database, box: Services) -> Look:
    """Return how USB stands now."""
    now_us = box.clock.wall_us()
    now = mode_now(db, now_us)
    dead: ApplianceError | None = None
    try:
        read_beat(box.settings.devices_beat, box.clock, name="devices")
    except ApplianceError as problem:
        dead = problem
    except PermissionError:
        dead = None
    circumstances = Circumstances(
        mode=now.mode,
        at=datetime.fromtimestamp(now_us / SECOND_US, box.zone),
        confirmed=seen.confirmed(db),
        let_in=now.let_in,
    )
    return Look(
        state=state_of(db),
        dead=dead,
        now=now,
        policy=policy_in_force(db),
        standing=orders.standing(db),
        circumstances=circumstances,
    )


def rows(db: Database, box: Services) -> list[DeviceRow]:
    """Return what is plugged in, in the order of ports, controllers' own hubs left out."""
    look = looking(db, box)
    place = places(db)
    return [_row(one, look, place) for one in present(db) if not one.device.is_root_hub]


def row_of(one: Present, look: Look, db: Database) -> DeviceRow:
    """Return one device as the pages show it."""
    return _row(one, look, places(db))


def _row(one: Present, look: Look, place: Callable[[str], Place]) -> DeviceRow:
    device = one.device
    ours = [one for one in look.standing if one.kind in {"let_in", "export"}]
    here = (device.hash, device.port)
    order = next((one for one in ours if (one.subject.hash, one.subject.port) == here), None)
    return DeviceRow(
        present=one,
        kind=kind_of(device),
        name=name_of(device),
        place=place(device.port),
        depth=device.port.count("."),
        guarded=look.state is not None and device.port in look.state.guarded,
        confirmed=device.hash in look.circumstances.confirmed,
        let_in=order,
    )


def places(db: Database) -> Callable[[str], Place]:
    """Return what says where a port is."""
    known = ports(db)
    state = state_of(db)
    peers = state.peers if state is not None else {}
    return lambda port: place_of(known, port, peers)
