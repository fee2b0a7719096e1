"""Writes down what happened to devices, and tells the room: events, the log, warnings. In the caller's transaction.

The same device at the same port is one event and one warning for a while; and a flood of ever new devices makes no
more warnings than people can read: then one warning says that there is a flood, and every event is still a row.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.exams.records import Warning as Flag
from appliance.sittings.seat_finding import session_at
from appliance.sittings.warnings import note_warning
from appliance.usb.events import UsbEvent, note_event, repeat_event
from appliance.usb.words import kind_of, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.devices.rules import Rules
    from appliance.usb.devices_rows import DeviceState
    from appliance.usb.events import EventKind
    from appliance.usb.model import Decision, Device
    from appliance.usb.modes import ModeNow

BURST: Final = 20
"""So many new warnings at once are told one by one; after that one every `REFILL_US`, and the flood."""
REFILL_US: Final = 3 * SECOND_US
MOST_REMEMBERED: Final = 4096
_WHO: Final = "box"
_STORM: Final = "storm"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a device.

    Attributes:
        kind: what.
        device: to which, as far as it is known.
        decision: what was decided of it.
        state: as the kernel was told; None where it is gone.
        problem: why the kernel could not be told, in words.
        times: how often in a row.
        warns: whether people in the room are to be told while USB is armed, with a sitting or without.
        at_us: when (wall).
    """

    kind: EventKind
    device: Device
    decision: Decision
    at_us: int
    state: DeviceState | None = None
    problem: str = ""
    times: int = 1
    warns: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What a repeat has in common with the first."""
        return self.kind, self.device.port, self.device.hash or self.device.id


@dataclass(frozen=True, slots=True)
class _Known:
    """An event of late: its row and its warning, and when it last happened."""

    event: int
    last_us: int
    warning: Flag | None = None


@dataclass(slots=True)
class Memory:
    """What is remembered from one transaction to the next: write into a `draft`, and keep it once that is committed.

    Attributes:
        known: events of late, by what a repeat has in common with them.
        left: warnings that may be told one by one at once, as of ``refilled_us`` (wall).
    """

    known: dict[tuple[str, str, str], _Known] = field(default_factory=dict)
    left: int = BURST
    refilled_us: int = 0

    def draft(self) -> Memory:
        """Return a copy to write into."""
        kept = self.known
        if len(kept) > MOST_REMEMBERED:
            kept = dict(sorted(kept.items(), key=lambda item: item[1].last_us)[-MOST_REMEMBERED // 2 :])
        return Memory(dict(kept), self.left, self.refilled_us)

    def take(self, now_us: int) -> bool:
        """Return whether one more warning may be told now (a bucket that fills with time)."""
        if self.refilled_us > now_us or now_us - self.refilled_us >= REFILL_US:
            self.left = min(BURST, self.left + max(1, (now_us - self.refilled_us) // REFILL_US))
            self.refilled_us = now_us
        if self.left == 0:
            return False
        self.left -= 1
        return True


class Teller:
    """Writes down happenings.

    Args:
        db: the box's database.
        clock: dates entries of the log.
        repeat_us: for how long the same is a repeat.
    """

    def __init__(self, db: Database, clock: Clock, *, repeat_us: int) -> None:
        self._db = db
        self._clock = clock
        self._repeat_us = repeat_us

    def tell(self, memory: Memory, rules: Rules, mode: ModeNow, peers: Mapping[str, str], one: Happening) -> None:
        """Write one happening down in the open transaction, and into ``memory`` what is to be remembered of it."""
        known = memory.known.get(one.key)
        if known is not None and 0 <= one.at_us - known.last_us < self._repeat_us:
            repeat_event(self._db, known.event, last_us=one.at_us, times=one.times)
            if known.warning is not None:
                self._prolong(known.warning, one.at_us)
            memory.known[one.key] = replace(known, last_us=one.at_us)
            return
        place = rules.place(one.device.port, peers)
        sitting, session = self._whose(rules, mode, place.seat)
        warning: Flag | None = None
        number: int | None = None
        if one.warns and mode.enforces:
            if memory.take(one.at_us):
                warning = _flag(f"usb-{secrets.token_hex(8)}", session, one.at_us)
                subject = _subject(one, place.label or one.device.port, place.seat)
                number = self._warn(warning, sitting, place.seat, subject)
            else:
                self._flood(memory, mode, sitting, one)
        event = note_event(
            self._db,
            UsbEvent(
                at_us=one.at_us,
                kind=one.kind,
                port=one.device.port,
                hash=one.device.hash,
                times=one.times,
                last_us=one.at_us,
                mode=mode.mode,
                verdict=one.decision.verdict,
                rule=one.decision.rule,
                why=one.problem or one.decision.why,
                device=one.device,
                sitting=sitting,
                seat=place.seat,
                warning=number,
            ),
        )
        if number is not None or (one.problem and not one.warns):
            self._log(one, sitting, number)
        memory.known[one.key] = _Known(event, one.at_us, warning)

    def _whose(self, rules: Rules, mode: ModeNow, seat: str) -> tuple[str, str]:
        """Return the sitting a happening belongs to, and the session of whoever sits at that seat."""
        begun = rules.begun()
        if seat:
            for sitting in begun:
                session = session_at(self._db, sitting, seat)
                if session:
                    return sitting, session
        return mode.sitting or (begun[0] if begun else ""), ""

    def _warn(self, warning: Flag, sitting: str, seat: str, subject: Mapping[str, str]) -> int:
        kept = note_warning(self._db, warning, clock=self._clock, sitting=sitting, seat=seat, subject=subject)
        return kept.number

    def _prolong(self, warning: Flag, end_us: int) -> None:
        longer = _flag(warning.id, warning.session, warning.start_us, end_us)
        note_warning(self._db, longer, clock=self._clock)

    def _flood(self, memory: Memory, mode: ModeNow, sitting: str, one: Happening) -> None:
        """Say once that more comes than is told one by one, and prolong that while it lasts."""
        key = (_STORM, "", sitting)
        known = memory.known.get(key)
        if known is not None and known.warning is not None and one.at_us - known.last_us < self._repeat_us:
            repeat_event(self._db, known.event, last_us=one.at_us)
            if one.at_us - known.last_us >= SECOND_US:  # not a write more for each of a thousand a second
                self._prolong(known.warning, one.at_us)
                memory.known[key] = replace(known, last_us=one.at_us)
            return
        warning = _flag(f"usb-{secrets.token_hex(8)}", "", one.at_us)
        subject = {"what": _STORM, "name": "", "port": one.device.port, "verdict": one.decision.verdict}
        number = self._warn(warning, sitting, "", subject)
        event = note_event(
            self._db,
            UsbEvent(
                at_us=one.at_us,
                kind="storm",
                port=one.device.port,
                last_us=one.at_us,
                mode=mode.mode,
                verdict=one.decision.verdict,
                sitting=sitting,
                warning=number,
            ),
        )
        memory.known[key] = _Known(event, one.at_us, warning)

    def _log(self, one: Happening, sitting: str, warning: int | None) -> None:
        action = "usb.device_failed" if one.problem else "usb.device_kept_out"
        if one.kind == "changed":
            action = "usb.device_changed"
        detail = {
            "port": one.device.port,
            "id": one.device.id,
            "hash": one.device.hash,
            "verdict": one.decision.verdict,
            "rule": one.decision.rule,
            "state": one.state or "gone",
        }
        detail |= {"sitting": sitting} if sitting else {}
        number = {} if warning is None else {"warning": warning}
        personal = {"device": name_of(one.device), "serial": one.device.serial}
        auditlog.append(
            self._db,
            action,
            clock=self._clock,
            who=_WHO,
            detail=detail | number,
            personal={name: value for name, value in personal.items() if value},
        )


def _flag(id: str, session: str, start_us: int, end_us: int | None = None) -> Flag:  # noqa: A002  the model's word
    return Flag(id=id, session=session, kind="forbidden_device", start_us=start_us, end_us=end_us or start_us)


def _subject(one: Happening, port: str, seat: str) -> dict[str, str]:
    """Return what a warning is about (`sittings.warning_rows.StoredWarning`)."""
    said = {
        "what": kind_of(one.device),
        "name": name_of(one.device),
        "port": port,
        "verdict": one.decision.verdict,
        "state": one.state or "gone",
        "rule": one.decision.rule,
        "hash": one.device.hash,
        "seat": seat,
        "event": one.kind,
    }
    return {name: value for name, value in said.items() if value}
