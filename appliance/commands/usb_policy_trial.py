"""What a policy is tried against on the command line: what is plugged in, the library, mode and time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from appliance.clock import SystemClock
from appliance.commands.moments import local
from appliance.errors import BadInputError, NotFoundError
from appliance.usb.engine import Circumstances
from appliance.usb.library import library
from appliance.usb.orders import standing
from appliance.usb.seen import confirmed
from appliance.usb.sysfs import UsbBus

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.usb.model import Device, Mode


def zone_of(settings: Settings) -> ZoneInfo:
    """Return the room's time zone."""
    return ZoneInfo(settings.box.timezone)


def plugged_in() -> tuple[Device, ...]:
    """Return what is plugged in now, as the kernel says it; needs no rights and no running box."""
    bus = UsbBus()
    return tuple(device for port in bus.ports() if (device := bus.read(port)) is not None)


def device_at(port: str) -> Device:
    """Return the device at a port, or the described one of that id.

    Raises:
        NotFoundError: there is none.
    """
    device = UsbBus().read(port)
    if device is not None:
        return device
    known = next((one for one in library() if one.id == port), None)
    if known is not None:
        return known.device
    ports = ", ".join(one.port for one in plugged_in())
    hint = f"There are devices at {ports}." if ports else "Nothing is plugged in at all."
    raise NotFoundError(f"Nothing is plugged in at {port[:64]!r}.", hint=hint)


def circumstances(db: Database, settings: Settings, *, mode: Mode, at: str | None) -> Circumstances:
    """Return a mode and a time, with what people confirmed and let in.

    Raises:
        BadInputError: ``at`` is no time.
    """
    zone = zone_of(settings)
    now_us = SystemClock().wall_us()
    let_in = frozenset(
        (one.subject.hash, one.subject.port)
        for one in standing(db)
        if one.kind in {"let_in", "export"} and (one.until_us is None or one.until_us > now_us)
    )
    moment = local(now_us, zone) if at is None else _moment(at, zone)
    return Circumstances(mode=mode, at=moment, confirmed=confirmed(db), let_in=let_in)


def _moment(at: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as problem:
        raise BadInputError(f"{at!r} is no time.", hint="Write it as 2026-12-01T09:30.") from problem
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
