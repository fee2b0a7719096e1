"""Judges what is at a port, tells the kernel, and says what happened. It reads sysfs and writes no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.devices.enforcing import Told
from appliance.devices.ledger import Change
from appliance.devices.telling import Happening
from appliance.usb.book import is_changed
from appliance.usb.devices_rows import Present
from appliance.usb.enforcement import Plan, plan

if TYPE_CHECKING:
    from appliance.clock import Clock
    from appliance.devices.enforcing import Able, Enforcer
    from appliance.devices.guard import SystemParts
    from appliance.devices.rules import Rules
    from appliance.usb.book import PortNews
    from appliance.usb.devices_rows import DeviceState
    from appliance.usb.events import EventKind
    from appliance.usb.model import Decision, Device
    from appliance.usb.modes import ModeNow
    from appliance.usb.sysfs import UsbBus

_OURS = frozenset({"out", "partly", "rejected", "failed"})
"""States in which it was the box that kept a device out."""


class Judge:
    """Settles one port after another by the rules and the mode it was given last.

    Attributes:
        guarded: ports that are never taken out, as found since the mode was entered.
    """

    def __init__(self, clock: Clock, bus: UsbBus, enforcer: Enforcer, parts: SystemParts) -> None:
        self._clock = clock
        self._bus = bus
        self._enforcer = enforcer
        self._parts = parts
        self._left: dict[str, tuple[Device, int]] = {}
        self.guarded: frozenset[str] = frozenset()

    def guard(self, *, enforces: bool) -> None:
        """Find out what the system hangs on, where something may be taken out."""
        self.guarded = self._parts.ports() if enforces else frozenset()

    def settle(
        self,
        port: str,
        before: Present | None,
        rules: Rules,
        mode: ModeNow,
        able: Able,
        *,
        news: PortNews | None = None,
        again: bool = False,
        reopens: bool = False,
        entering: bool = False,
    ) -> Change | None:
        """Judge what is at a port now and tell the kernel; return what changed, None where nothing did.

        Args:
            port: where.
            before: what is known to be there.
            rules: to go by.
            mode: that is to be carried out.
            able: whether the kernel can be told at all.
            news: what events told of the port, None where none did.
            again: whether the device that is there came anew, though it may be the same.
            reopens: whether what the box has kept out so far is let in again, as it is stood down.
            entering: whether it is from now on that devices are kept out: what is kept out is news then.
        """
        device, now_us = self._bus.read(port), self._clock.wall_us()
        passed = tuple(
            Happening(
                kind="plugged",
                device=one,
                decision=(decided := rules.judge(one, mode, now_us)),
                at_us=now_us,
                times=times,
                warns=decided.verdict != "allow",
            )
            for one, times in _passed(port, device, None if again else before, news)
        )
        if device is None:
            return self._unplugged(port, before, passed, now_us, enforces=mode.enforces)
        decision = rules.judge(device, mode, now_us)
        is_in = bool(self._bus.is_in(port))
        ours = reopens or (before is not None and before.state in _OURS)
        steps = self._plan(device, decision, able, enforces=mode.enforces, is_in=is_in, ours=ours)
        told = self._tell_kernel(port, steps)
        if told.gone:
            return self._unplugged(port, before, passed, now_us, enforces=mode.enforces)
        fresh = again or before is None or before.device.hash != device.hash
        changed = self._is_changed(device, before, again=again)
        after = _present(device, decision, steps, told, before=before, fresh=fresh, now_us=now_us)
        kind = _kind(before, after, fresh=fresh, changed=changed, is_in=is_in, entering=entering)
        if kind is None:
            return Change(port, after, passed) if passed or after != before else None
        times = max((one.times for one in news.came if one.is_of(device)), default=1) if news and fresh else 1
        warns = changed or (decision.verdict != "allow" and port not in self.guarded)
        happened = Happening(
            kind=kind,
            device=device,
            decision=decision,
            at_us=now_us,
            state=after.state,
            problem=told.problem,
            times=times,
            warns=warns,
        )
        return Change(port, after, (*passed, happened))

    def failed(self, known: Present, told: Told) -> Change:
        """Return what changed where a device could not be opened."""
        now_us = self._clock.wall_us()
        after = msgspec.structs.replace(known, state="failed", problem=told.problem, looked_us=now_us)
        happened = Happening(
            kind="failed",
            device=known.device,
            decision=known.decision,
            at_us=now_us,
            state="failed",
            problem=told.problem,
        )
        return Change(known.device.port, after, (happened,) if known.state != "failed" else ())

    def _plan(self, device: Device, decision: Decision, able: Able, *, enforces: bool, is_in: bool, ours: bool) -> Plan:
        if not able or not (enforces or ours):
            return Plan("nothing", "noted")
        if enforces and decision.verdict != "allow" and is_in:
            self.guarded |= self._parts.ports()
        return plan(
            decision,
            enforces=enforces,
            is_in=is_in,
            interfaces=self._bus.interfaces_in(device.port) if is_in else None,
            guarded=device.port in self.guarded,
        )

    def _tell_kernel(self, port: str, steps: Plan) -> Told:
        if steps.opens:
            self._enforcer.begin_opening(port, steps)
            return Told()
        return self._enforcer.shut(port, steps)

    def _is_changed(self, device: Device, before: Present | None, *, again: bool) -> bool:
        if before is not None:
            return is_changed(before.device, device, apart_us=1 if again else 0)
        gone, gone_us = self._left.pop(device.port, (None, 0))
        return is_changed(gone, device, apart_us=max(1, self._clock.mono_us() - gone_us))

    def _unplugged(
        self, port: str, before: Present | None, passed: tuple[Happening, ...], now_us: int, *, enforces: bool
    ) -> Change | None:
        if before is None:
            return Change(port, None, passed) if passed else None
        if before.state == "rejected" and enforces:
            # The kernel dropped it because it was told to; it is still plugged in, and nobody can see it go.
            return Change(port, before, passed) if passed else None
        self._left[port] = (before.device, self._clock.mono_us())
        gone = Happening(kind="unplugged", device=before.device, decision=before.decision, at_us=now_us)
        return Change(port, None, (*passed, gone))


def _passed(
    port: str, device: Device | None, before: Present | None, news: PortNews | None
) -> list[tuple[Device, int]]:
    """Return the devices that came and are gone again before they could be read, each with how often.

    ``before`` is what was known already, where the events may be of that; None where they are of what came after it.
    """
    known = [one for one in (device, None if before is None else before.device) if one is not None]
    came = () if news is None else news.came
    return [(one.as_device(port), one.times) for one in came if not any(map(one.is_of, known))]


def _present(
    device: Device,
    decision: Decision,
    steps: Plan,
    told: Told,
    *,
    before: Present | None,
    fresh: bool,
    now_us: int,
) -> Present:
    state: DeviceState = "failed" if told.problem else steps.state
    reason = "It stays in: the system's own disk or network hangs on it."
    problem = reason if state == "in" and decision.verdict != "allow" else told.problem
    after = Present(device=device, decision=decision, state=state, problem=problem, since_us=now_us, looked_us=now_us)
    if before is None or fresh:
        return after
    after = msgspec.structs.replace(after, since_us=before.since_us)
    unchanged = msgspec.structs.replace(after, looked_us=before.looked_us)
    return before if unchanged == before else after


def _kind(
    before: Present | None, after: Present, *, fresh: bool, changed: bool, is_in: bool, entering: bool
) -> EventKind | None:
    """Return what happened in one word, None where nothing did that people want to know."""
    if changed:
        return "changed"
    if fresh or before is None:
        return "plugged"
    if after.state == "failed":
        return None if before.state == "failed" else "failed"
    if before.state == after.state == "out" and is_in:
        return "failed"  # somebody else let it in; it is out again
    kept = _stands(before) != _stands(after)
    return "decided" if kept or (entering and after.decision.verdict != "allow") else None


def _stands(one: Present) -> tuple[bool, str]:
    return one.state in {"out", "rejected"}, one.decision.verdict
