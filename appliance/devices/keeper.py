"""Keeps USB as it is to be: what the kernel tells and what the database says, turned into what is let in and told.

One thread drives it (`main.py`): `look` for news in the database and of the time, `handle` for events, `sweep` to find
what no event told, `finish` for devices that have been opened meanwhile.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance import auditlog, log
from appliance.clock import SECOND_US
from appliance.database import ChangeWatch, write
from appliance.devices.enforcing import able_to_enforce
from appliance.devices.judging import Judge
from appliance.devices.ledger import Change, Ledger
from appliance.devices.rules import read_rules
from appliance.devices.telling import Happening, Teller
from appliance.usb.book import fold
from appliance.usb.orders import end_due
from appliance.usb.seen import propose
from appliance.usb.state import State, keep_state, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.devices.enforcing import Able, Enforcer
    from appliance.devices.guard import SystemParts
    from appliance.devices.rules import Rules
    from appliance.devices.signing import Signer
    from appliance.usb.book import PortNews
    from appliance.usb.devices_rows import Present
    from appliance.usb.model import Device
    from appliance.usb.modes import ModeNow
    from appliance.usb.sysfs import UsbBus
    from appliance.usb.watching import Batch

EARLY_US: Final = 2 * SECOND_US
"""The event of what a sweep saw first comes within this; what has none by then was missed."""
_WHO: Final = "box"
_LOG = log.get(__name__)


class Keeper:
    """Keeps USB as it is to be.

    Args:
        settings: the box's.
        db: its database.
        clock: times and dates.
        bus: USB in sysfs.
        enforcer: tells the kernel.
        parts: finds what the system hangs on.
        signer: signs the policy for workstations.
        recovery: whether at this boot somebody asked for USB to be opened.
    """

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        *,
        bus: UsbBus,
        enforcer: Enforcer,
        parts: SystemParts,
        signer: Signer,
        recovery: bool = False,
    ) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._bus = bus
        self._enforcer = enforcer
        self._signer = signer
        self._recovery = recovery
        self._watch = ChangeWatch(db)
        self._judge = Judge(clock, bus, enforcer, parts)
        self._ledger = Ledger(db, clock, Teller(db, clock, repeat_us=settings.usb.repeat_seconds * SECOND_US))
        self._early: dict[str, tuple[str, int]] = {}
        self._deadlines: dict[int, int] = {}
        self._peers: dict[str, str] = {}
        self._missed = self._overruns = 0
        self._problem = ""
        self._state = state_of(db)
        self._able = able_to_enforce(settings, bus)
        self._rules = read_rules(db, ZoneInfo(settings.box.timezone))
        self._mode = self._rules.mode_at(clock.wall_us())

    @property
    def is_written(self) -> bool:
        """Whether all that happened is written down."""
        return self._ledger.is_written

    @property
    def mode(self) -> ModeNow:
        """The mode that is carried out."""
        return self._mode

    @property
    def able(self) -> Able:
        """Whether devices can be kept out here."""
        return self._able

    def start(self) -> None:
        """Take over: close first where USB is to be armed, then judge all that is there.

        At the first start of all, what is there is proposed as belonging to the room. Where the former process was
        killed while armed, and nothing asks for that any more, USB is opened now.
        """
        if self._able:
            self._enforcer.mend()
        was_armed = self._state is not None and self._state.mode != "maintenance"
        if self._mode.enforces or was_armed:
            self._set_controllers()
        if self._state is None:
            self._propose()
        self._enter(reopens=was_armed and not self._mode.enforces, entering=self._mode.enforces and not was_armed)

    def look(self) -> None:
        """Go by what the database and the time say now; it costs microseconds where nothing is new."""
        now_us, fresh = self._clock.wall_us(), self._rules
        try:
            if self._watch.changed():
                fresh = read_rules(self._db, fresh.zone)
            over = self._over(fresh, now_us)
            if over:
                end_due(self._db, over, clock=self._clock)
                fresh = read_rules(self._db, fresh.zone)
        except sqlite3.Error as problem:
            _trouble(problem)
        self._ledger.try_again()
        mode = fresh.mode_at(now_us)
        if fresh == self._rules and mode == self._mode:
            return
        was, old, self._rules, self._mode = self._mode, self._rules, fresh, mode
        if mode.enforces != was.enforces:
            self._set_controllers()
        if mode != was or fresh.judges != old.judges:
            self._enter(reopens=was.enforces and not mode.enforces, entering=mode.enforces and not was.enforces)
        else:
            self._say()

    def handle(self, batch: Batch) -> None:
        """Judge what events told of; what they did not tell is found by a sweep at once."""
        changes = []
        for news in fold(batch.events):
            if news.port.startswith("usb"):
                self._controller_came(news.port)
            else:
                changes.append(self._settle(news.port, news=news, again=self._is_news(news)))
        self._enter_changes(changes)
        if batch.missed:
            self._overruns += 1
            _LOG.warning("the kernel's USB events came faster than they were read; every port is looked at")
            self.sweep()

    def sweep(self) -> None:
        """Compare what is plugged in with what is known, and the kernel's state with what it is to be."""
        now_us = self._clock.mono_us()
        self._able = able_to_enforce(self._settings, self._bus)
        if self._mode.enforces:
            self._set_controllers()
        changes: list[Change | None] = [*self._missed_ones(now_us)]
        for port in self._ports():
            before = self._ledger.known.get(port)
            change = self._settle(port)
            changes.append(change)
            after = before if change is None else change.after
            if _identity(before) != _identity(after):
                self._early[port] = (_identity(after), now_us)
        self._enter_changes(changes)
        self._peers = self._bus.peers()
        self._say()

    def finish(self) -> None:
        """See to what has been opened meanwhile: whether it is in, and still what it was."""
        changes: list[Change | None] = []
        for port, told in self._enforcer.opened().items():
            known = self._ledger.known.get(port)
            if known is not None and told.problem:
                changes.append(self._judge.failed(known, told))
            else:
                changes.append(self._settle(port))
        self._enter_changes(changes)

    def _over(self, rules: Rules, now_us: int) -> list[int]:
        """Return orders that are over: by the wall clock, or by the time that has passed, should that be set back."""
        mono_us = self._clock.mono_us()
        timed = {one.id: one.until_us - now_us for one in rules.orders if one.until_us is not None}
        self._deadlines = {one: self._deadlines.get(one, mono_us + left_us) for one, left_us in timed.items()}
        late = {one for one, deadline_us in self._deadlines.items() if mono_us >= deadline_us}
        return sorted(late | set(rules.over(now_us)))

    def _settle(
        self,
        port: str,
        *,
        news: PortNews | None = None,
        again: bool = False,
        reopens: bool = False,
        entering: bool = False,
    ) -> Change | None:
        return self._judge.settle(
            port,
            self._ledger.known.get(port),
            self._rules,
            self._mode,
            self._able,
            news=news,
            again=again,
            reopens=reopens,
            entering=entering,
        )

    def _enter_changes(self, changes: Iterable[Change | None]) -> None:
        real = [change for change in changes if change is not None]
        self._ledger.enter(real, self._rules, self._mode, self._peers)

    def _ports(self) -> Iterable[str]:
        return dict.fromkeys((*self._bus.ports(), *self._ledger.known))

    def _is_news(self, news: PortNews) -> bool:
        """Whether a device came anew, and a sweep has not seen it already."""
        early = self._early.pop(news.port, None) if news.again else None
        if early is None or self._clock.mono_us() - early[1] >= EARLY_US:
            return news.again
        return early[0] != _name(self._bus.read(news.port))

    def _enter(self, *, reopens: bool, entering: bool) -> None:
        """Judge all that is there anew, and say what is now."""
        self._judge.guard(enforces=self._mode.enforces)
        self._enter_changes([self._settle(port, reopens=reopens, entering=entering) for port in self._ports()])
        self._peers = self._bus.peers()
        self._say()
        try:
            self._signer.sign(self._rules.policy, self._mode.mode)
        except sqlite3.Error as problem:
            _trouble(problem)

    def _set_controllers(self) -> None:
        if self._able:
            self._problem = self._enforcer.set_controllers(open=not self._mode.enforces)

    def _controller_came(self, name: str) -> None:
        if self._able and self._mode.enforces:
            self._problem = self._enforcer.set_controller(name, open=False) or self._problem

    def _propose(self) -> None:
        here = [device for port in self._bus.ports() if (device := self._bus.read(port)) is not None]
        try:
            with write(self._db):
                if propose(self._db, here, clock=self._clock):
                    detail = {"devices": [{"id": one.id, "hash": one.hash, "port": one.port} for one in here]}
                    auditlog.append(self._db, "usb.proposed", clock=self._clock, who=_WHO, detail=detail)
            self._rules = read_rules(self._db, self._rules.zone)
        except sqlite3.Error as problem:
            _trouble(problem)

    def _missed_ones(self, now_us: int) -> list[Change]:
        """Return what an earlier sweep saw and no event has told since."""
        found = []
        for port in [port for port, (_, seen_us) in self._early.items() if now_us - seen_us >= EARLY_US]:
            del self._early[port]
            self._missed += 1
            _LOG.warning("a USB event was missed, the sweep found it", port=port)
            known = self._ledger.known.get(port)
            if known is not None:
                happened = Happening(
                    kind="missed",
                    device=known.device,
                    decision=known.decision,
                    at_us=self._clock.wall_us(),
                    state=known.state,
                )
                found.append(Change(port, known, (happened,)))
        return found

    def _say(self) -> None:
        """Write the state down where it is new, and a changed mode in the log."""
        mode, before = self._mode, self._state
        state = State(
            at_us=self._clock.wall_us(),
            mode=mode.mode,
            why=mode.why,
            sitting=mode.sitting,
            order=mode.order,
            until_us=mode.until_us,
            enforced=bool(self._able) and not self._problem,
            not_enforced=self._able.why,
            problem=self._able.words or self._problem,
            unconfirmed=self._rules.unconfirmed,
            policy=self._rules.policy.version,
            controllers=self._enforcer.controllers(),
            guarded=tuple(sorted(self._judge.guarded)),
            peers=self._peers,
            recovery=self._recovery,
            missed=self._missed,
            overruns=self._overruns,
        )
        if before is not None and msgspec.structs.replace(before, at_us=state.at_us) == state:
            return
        try:
            with write(self._db):
                keep_state(self._db, state)
                if before is None or _logged(before) != _logged(state):
                    detail = _logged(state) | ({} if before is None else {"before": before.mode})
                    auditlog.append(self._db, "usb.mode_changed", clock=self._clock, who=_WHO, detail=detail)
        except sqlite3.Error as problem:
            _trouble(problem)
            return
        self._state = state


def _logged(state: State) -> dict[str, Any]:
    found: dict[str, Any] = {"mode": state.mode, "why": state.why, "enforced": state.enforced}
    return found | {name: value for name in ("sitting", "order") if (value := getattr(state, name))}


def _identity(one: Present | None) -> str:
    return _name(None if one is None else one.device)


def _name(device: Device | None) -> str:
    return "" if device is None else device.hash or device.id


def _trouble(problem: sqlite3.Error) -> None:
    _LOG.error("the database cannot be used for USB at present; it is tried again", problem=str(problem))
