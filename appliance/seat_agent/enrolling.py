"""A workstation joins the box of its room by a one-time code, and leaves it."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.certificates.anchor import der_of
from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.peer_token import ENROL_AUDIENCE
from appliance.exchange.seat.code import check_anchor, parse_code
from appliance.exchange.seat.messages import EnrolAnswer, EnrolRequest
from appliance.exchange.seat.routes import ENROL, agent_id
from appliance.seat_agent.box_caller import BoxCaller, checked_address, fetch_anchor, pem_text
from appliance.seat_agent.home import Enrolment
from appliance.usb.sysfs import UsbBus
from appliance.usb.words import say

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import Clock
    from appliance.seat_agent.home import Home

_FIRST_EPOCH: Final = "enrol"
_MAX_NAME: Final = 64
_MAX_OWN: Final = 200


def enrol(home: Home, address: str, code: str, *, clock: Clock, name: str = "", bus: UsbBus | None = None) -> Enrolment:
    """Join the box that made a code; return what is known of it then. A new code renews it.

    The devices that are plugged in now are taken as the workstation's own.

    Raises:
        BadInputError: address or code does not have its form (SeatCodeError: also where another box answers).
        BoxRefusedError: the box does not take the code.
        BoxCallError: it cannot be reached.
        ApplianceError: the agent's folder cannot be written.
    """
    parsed, address = parse_code(code), checked_address(address)
    anchor = fetch_anchor(address)
    check_anchor(parsed, der_of(anchor))
    home.make()
    key = home.key_or_new()
    public = key.public_key().public_bytes_raw()
    name = (name.strip() or platform.node() or "workstation")[:_MAX_NAME]
    asked = EnrolRequest(
        code=parsed.secret, agent=agent_id(public), name=name, public=public.hex(), version=__version__
    )
    caller = BoxCaller(address, pem_text(anchor), key, clock)
    told = caller.call(ENROL, asked, EnrolAnswer, sender=asked.agent, audience=ENROL_AUDIENCE, epoch=_FIRST_EPOCH)
    enrolment = Enrolment(
        address=address,
        anchor=pem_text(anchor),
        agent=told.agent,
        box=told.box,
        room=told.room,
        seat=told.seat,
        name=name,
        usb_public=told.usb_public,
        expires_us=told.expires_us,
        enrolled_us=told.at_us,
        own=own_devices(bus or UsbBus()),
    )
    home.keep_enrolment(enrolment)
    return enrolment


def leave(home: Home, *, bus: UsbBus | None = None) -> None:
    """Belong to no box any more: USB is opened where this user may, what was kept is removed.

    Raises:
        NotEnrolledError: it belongs to none.
        ApplianceError: a file cannot be removed, or a controller not be opened.
    """
    home.enrolment()
    there = bus or UsbBus()
    for controller in there.controllers():
        if there.is_open(controller) is False:
            there.set_open(controller, open=True)
    for port in there.ports():
        if there.is_in(port) is False:
            there.take_in(port)
    for name in ("agent.json", "agent.key", "spool.db", "spool.db-wal", "spool.db-shm"):
        (home.state / name).unlink(missing_ok=True)


def own_devices(bus: UsbBus) -> dict[str, str]:
    """Return the devices that are plugged in now: hash to words."""
    found = [device for port in bus.ports() if (device := bus.read(port)) is not None]
    return {device.hash: say(device) for device in found[:_MAX_OWN] if device.hash}


def machine_id(root: Path) -> str:
    """Return what tells this computer from another, as a hash: two that report with one key show by it."""
    parts = []
    for name in ("etc/machine-id", "sys/class/dmi/id/product_uuid"):
        try:
            parts.append((root / name).read_bytes()[:100])
        except OSError:
            parts.append(b"")
    return sha256_text(b"exambox workstation\n" + b"\n".join(parts) + os.fsencode(platform.node()))
