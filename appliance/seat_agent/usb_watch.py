"""What is plugged into the workstation: judged by the box's policy, kept out where this user may, told.

Events only say that it is time to look; what counts is what sysfs says then. So a missed event costs a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.clock import SECOND_US
from appliance.usb.agents.bodies import UsbSeen, write_body
from appliance.usb.book import is_changed
from appliance.usb.enforcement import plan
from appliance.usb.engine import Circumstances, decide
from appliance.usb.sysfs import SysfsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.clock import Clock
    from appliance.seat_agent.policy import PolicyKeeper
    from appliance.seat_agent.spool import Spool
    from appliance.usb.agents.bodies import Change, Enforced
    from appliance.usb.book import PortNews
    from appliance.usb.enforcement import Plan
    from appliance.usb.model import Decision, Device, Mode
    from appliance.usb.sysfs import UsbBus

REPEAT_US: Final = 5 * SECOND_US
"""The same news of the same device at the same port is told once in this time: a plug that is shaken floods nobody."""
_MAX_PROBLEM: Final = 300


@dataclass(frozen=True, slots=True)
class _There:
    """A device that is plugged in, as it was last looked at."""

    device: Device
    decision: Decision
    state: Enforced
    mode: Mode
    problem: str = ""


class UsbWatch:
    """Looks at USB again and again; for one thread.

    Args:
        bus: sysfs.
        policy: what devices are judged by.
        own: hashes of the workstation's own devices.
        spool: what is to be told goes there.
        clock: local time for conditions of rules.
        without_box_us: how long the box was not heard of.
        may_enforce: False: judge and tell only.
    """

    def __init__(
        self,
        bus: UsbBus,
        policy: PolicyKeeper,
        own: frozenset[str],
        spool: Spool,
        clock: Clock,
        *,
        without_box_us: Callable[[], int],
        may_enforce: bool = True,
    ) -> None:
        self._bus, self._policy, self._own, self._spool, self._clock = bus, policy, own, spool, clock
        self._without_box_us = without_box_us
        self._may_enforce = may_enforce
        self._there: dict[str, _There] = {}
        self._gone: dict[str, tuple[Device, int]] = {}
        self._told: dict[tuple[str, str, str], int] = {}
        self._began = False
        self._tells = 0
        self.mode: Mode = "maintenance"
        self.troubles: dict[str, str] = {}

    @property
    def enforces(self) -> bool:
        """Whether devices that are not allowed are kept out here while the box is armed."""
        return self._may_enforce and not self.troubles

    @property
    def devices(self) -> int:
        """How many devices are plugged in."""
        return len(self._there)

    @property
    def out(self) -> int:
        """How many of them are kept out."""
        return sum(one.state in {"out", "rejected"} for one in self._there.values())

    def look(self, news: Sequence[PortNews] = ()) -> bool:
        """Compare what is plugged in with what was, judge, keep out and tell; return whether something was told."""
        before = self._tells
        self._set_mode()
        came_again = {one.port for one in news if one.again}
        ports = self._bus.ports()
        for one in news:
            if one.port not in ports:
                self._glimpsed(one)
        for port in ports:
            device = self._bus.read(port)
            if device is not None:
                self._look_at(device, came_again=port in came_again)
        for port in [port for port in self._there if port not in ports]:
            self._note_gone(port)
        self._began = True
        return self._tells != before

    def _set_mode(self) -> None:
        """Close or open the controllers as the box's mode asks; say what hinders."""
        mode = self._policy.mode(without_box_us=self._without_box_us())
        self.mode = mode
        self.troubles = {}
        if not self._bus.exists:
            self.troubles["no_usb"] = "This machine has no USB."
            return
        if not self._may_enforce:
            self.troubles["never"] = "It was started to watch only."
            return
        for controller in self._bus.controllers():
            wanted = mode == "maintenance"
            if self._bus.is_open(controller) == wanted:
                if not self._bus.may_write(controller):
                    self.troubles["rights"] = "This user may not tell the kernel about USB."
                continue
            try:
                self._bus.set_open(controller, open=wanted)
            except SysfsError as problem:
                self.troubles[problem.reason if problem.reason != "gone" else "failed"] = problem.message

    def _look_at(self, device: Device, *, came_again: bool) -> None:
        known = self._there.get(device.port)
        decision = self._decision(device)
        now = self._applied(device, decision)
        if now is None:
            return
        self._there[device.port] = now
        if known is None or known.device.hash != device.hash or came_again:
            if not self._began and device.hash in self._own:
                return  # the workstation's own, there since before the agent began
            self._tell(self._change(device, known), now)
        elif (known.decision, known.state, known.mode) != (now.decision, now.state, now.mode):
            self._tell("judged", now)

    def _change(self, device: Device, known: _There | None) -> Change:
        if not self._began:
            return "judged"
        if known is not None:
            return "changed" if is_changed(known.device, device, apart_us=0) else "plugged"
        gone = self._gone.pop(device.port, None)
        if gone is not None and is_changed(gone[0], device, apart_us=max(1, self._clock.mono_us() - gone[1])):
            return "changed"
        return "plugged"

    def _decision(self, device: Device) -> Decision:
        at = datetime.fromtimestamp(self._clock.wall_us() / SECOND_US, UTC).astimezone()
        return decide(self._policy.policy, device, Circumstances(mode=self.mode, at=at, confirmed=self._own))

    def _applied(self, device: Device, decision: Decision) -> _There | None:
        """Tell the kernel what was decided; None where the device is gone meanwhile."""
        port = device.port
        is_in = self._bus.is_in(port)
        if not self.enforces or is_in is None:
            return _There(device, decision, "noted", self.mode)
        todo = plan(
            decision, enforces=self.mode != "maintenance", is_in=is_in,
            interfaces=self._bus.interfaces_in(port) if is_in else None,
        )  # fmt: skip
        try:
            self._do(port, todo)
        except SysfsError as problem:
            if problem.reason == "gone":
                return None
            return _There(device, decision, "failed", self.mode, problem.message[:_MAX_PROBLEM])
        return _There(device, decision, todo.state, self.mode)

    def _do(self, port: str, todo: Plan) -> None:
        match todo.step:
            case "take_in":
                self._bus.take_in(port)
            case "take_in_partly":
                self._bus.take_in_partly(port, todo.interfaces)
            case "take_out":
                self._bus.take_out(port)
            case "drop":
                self._bus.drop(port)
            case "nothing":
                pass

    def _note_gone(self, port: str) -> None:
        gone = self._there.pop(port)
        self._gone[port] = (gone.device, self._clock.mono_us())
        if gone.state != "rejected":  # that one was dropped by us: it is still in its place
            self._tell("unplugged", gone)

    def _glimpsed(self, news: PortNews) -> None:
        """Tell of devices that were gone before they could be read: their event named them."""
        for glimpse in news.came:
            device = glimpse.as_device(news.port)
            known = self._there.get(news.port)
            if known is None or not glimpse.is_of(known.device):
                kept_out = self.enforces and self.mode != "maintenance"
                state: Enforced = "out" if kept_out else "noted"
                self._tell("plugged", _There(device, self._decision(device), state, self.mode))

    def _tell(self, change: Change, there: _There) -> None:
        now = self._clock.mono_us()
        key = (there.device.port, there.device.hash or there.device.id, f"{change} {there.state} {there.mode}")
        if now - self._told.get(key, now - REPEAT_US) < REPEAT_US:
            return
        self._told = {one: at for one, at in self._told.items() if now - at < REPEAT_US} | {key: now}
        seen = UsbSeen(
            change=change, device=there.device, decision=there.decision, state=there.state, mode=there.mode,
            policy_version=self._policy.version, problem=there.problem,
        )  # fmt: skip
        self._spool.add("usb", write_body(seen))
        self._tells += 1
