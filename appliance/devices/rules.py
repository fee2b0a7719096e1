"""All that a decision depends on beside the device: read from the database when it changed, and asked at a moment."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.exams.states import SittingStatus
from appliance.sittings.runs import open_sittings
from appliance.usb.engine import Circumstances, decide
from appliance.usb.model import Decision
from appliance.usb.modes import ModeNow, SittingTimes, counts, mode_of
from appliance.usb.orders import standing
from appliance.usb.policies import policy_in_force
from appliance.usb.ports import place_of, ports
from appliance.usb.seen import awaits_confirmation, confirmed, proposed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlite_utils import Database

    from appliance.usb.model import Device
    from appliance.usb.orders import Order
    from appliance.usb.policies import InForce
    from appliance.usb.ports import Place, Port

NOT_CONFIRMED: Final = Decision(
    verdict="allow",
    rule="not-confirmed",
    why="It was there when the box was first started, and nobody has confirmed that list yet.",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the database says of USB.

    Attributes:
        policy: in force.
        sittings: those that are neither closed nor removed.
        orders: those that nobody has ended.
        confirmed: hashes of devices that belong here; ``proposed`` those nobody has spoken of.
        unconfirmed: whether nobody has confirmed anything of the proposal yet.
        ports: as people named them.
        zone: the room's time zone.
    """

    policy: InForce
    sittings: tuple[SittingTimes, ...]
    orders: tuple[Order, ...]
    confirmed: frozenset[str]
    proposed: frozenset[str]
    unconfirmed: bool
    ports: tuple[Port, ...]
    zone: ZoneInfo

    def mode_at(self, now_us: int) -> ModeNow:
        """Return the mode USB is to be in at a wall time."""
        return mode_of(self.sittings, self.orders, now_us)

    def over(self, now_us: int) -> list[int]:
        """Return the orders whose time, or whose sitting, is over."""
        return [one.id for one in self.orders if not counts(one, self.sittings, now_us)]

    def judge(self, device: Device, mode: ModeNow, now_us: int) -> Decision:
        """Return what is decided of a device now."""
        now = Circumstances(
            mode=mode.mode,
            at=dt.datetime.fromtimestamp(now_us / SECOND_US, self.zone),
            confirmed=self.confirmed,
            let_in=mode.let_in,
        )
        decision = decide(self.policy.policy, device, now)
        wholly_in = decision.verdict == "allow" and decision.interfaces is None
        if not wholly_in and self.unconfirmed and device.hash and device.hash in self.proposed:
            return NOT_CONFIRMED
        return decision

    def place(self, port: str, peers: Mapping[str, str]) -> Place:
        """Return where a port is for people."""
        return place_of(self.ports, port, peers)

    @property
    def judges(self) -> tuple[object, ...]:
        """What of all this a decision depends on, beside the mode."""
        return self.policy, self.confirmed, self.proposed, self.unconfirmed

    def begun(self) -> tuple[str, ...]:
        """Return the sittings that are under way, the soonest first."""
        return tuple(one.id for one in self.sittings if one.begun)


def read_rules(db: Database, zone: ZoneInfo) -> Rules:
    """Return what the database says now."""
    sittings = tuple(
        SittingTimes(
            id=one.id, begun=one.status is not SittingStatus.PLANNED, start_us=one.start_us, lead_us=one.lead_us
        )
        for one in open_sittings(db)
    )
    return Rules(
        policy=policy_in_force(db),
        sittings=sittings,
        orders=standing(db),
        confirmed=confirmed(db),
        proposed=frozenset(one.hash for one in proposed(db)),
        unconfirmed=awaits_confirmation(db),
        ports=ports(db),
        zone=zone,
    )
