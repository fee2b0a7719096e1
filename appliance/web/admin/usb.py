"""USB: the mode and who decided it, what is plugged in and why it is in or out, what belongs here, places of ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import redirect, render_template, url_for
from msgspec import Meta

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError
from appliance.usb import events, orders, seen
from appliance.usb.devices_rows import present_at
from appliance.usb.engine import explain
from appliance.usb.ports import forget_port, name_port, ports
from appliance.usb.words import say
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, INVIGILATOR, allow
from appliance.web.admin import usb_facts, usb_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.asking import read_form, read_query
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.usb.model import Device
    from appliance.web.account.pages import Answer

ROOM: Final = (ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR)
"""Who may arm, and let one device in for a reason."""
LEADERS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
"""Who may open USB, or let a stick be written to."""
READERS: Final = (*ROOM, AUDITOR)
SECTION: Final = "admin.usb"
PAGE: Final = 50
Reason = Annotated[str, Meta(max_length=orders.MAX_REASON)]
PortName = Annotated[str, Meta(min_length=1, max_length=64)]
Hash = Annotated[str, Meta(min_length=1, max_length=100)]
Label = Annotated[str, Meta(max_length=60)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form or query; a field that is not known here is refused."""


class ReasonForm(Asked, frozen=True):
    """Why something is done."""

    why: Reason = ""


class DeviceForm(Asked, frozen=True):
    """Which device, as it was shown: another one at that port by now is not meant."""

    port: PortName
    hash: Hash
    why: Reason = ""


class ExportForm(DeviceForm, frozen=True):
    """Which stick, and for how many minutes."""

    minutes: Annotated[int, Meta(ge=1, le=30)] = 10


class HashesForm(Asked, frozen=True):
    """Devices that belong here."""

    hash: Annotated[tuple[Hash, ...], Meta(max_length=200)] = ()


class PortForm(Asked, frozen=True):
    """Where a port is, and whose."""

    port: PortName
    label: Label = ""
    seat: Label = ""


class OnePortForm(Asked, frozen=True):
    """A port whose name is taken away."""

    port: PortName


class EventsQuery(Asked, frozen=True):
    """Events of one sitting or of all; ``before`` is the last one that was shown."""

    sitting: Annotated[str, Meta(max_length=60)] = ""
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None


@BLUEPRINT.get("/admin/usb")
@allow(*READERS)
def usb() -> str:
    """Show how USB stands and what is plugged in."""
    return _page()


@BLUEPRINT.post("/admin/usb/arm")
@allow(*ROOM)
def usb_arm() -> Answer:
    """Keep forbidden devices out from now on, sitting or not."""
    orders.arm(database(), who=person().name, clock=services().clock, where=address())
    return _done(_("USB is being armed: what the policy does not allow is kept out."))


@BLUEPRINT.post("/admin/usb/stand-down")
@allow(*LEADERS)
def usb_stand_down() -> Answer:
    """Open USB, also while a sitting runs; it stays open until somebody ends it."""
    asked = read_form(ReasonForm)
    try:
        orders.stand_down(database(), who=person().name, why=asked.why, clock=services().clock, where=address())
    except ApplianceError as problem:
        return _page(problem), problem.status
    return _done(_("USB is open: everything is let in and noted. End it as soon as you can."))


@BLUEPRINT.post("/admin/usb/orders/<int:order>/end")
@allow(*ROOM)
def usb_end_order(order: int) -> Answer:
    """End an order: the mode follows from what is left."""
    ended = orders.end_order(database(), order, who=person().name, clock=services().clock, where=address())
    return _done(usb_words.ended_words(ended.kind))


@BLUEPRINT.post("/admin/usb/let-in")
@allow(*ROOM)
def usb_let_in() -> Answer:
    """Let one device in at its port, for a reason: until the sitting closes, or for twelve hours."""
    asked = read_form(DeviceForm)
    try:
        device = device_here(asked.port, asked.hash)
        now = usb_facts.mode_now(database(), services().clock.wall_us())
        orders.let_in(
            database(), device, words=say(device), who=person().name, why=asked.why, clock=services().clock,
            where=address(), sitting=now.sitting,
        )  # fmt: skip
    except ApplianceError as problem:
        return _page(problem), problem.status
    return _done(_("The device is let in at this port."))


@BLUEPRINT.post("/admin/usb/export")
@allow(*LEADERS)
def usb_export() -> Answer:
    """Let one stick in for some minutes."""
    asked, box = read_form(ExportForm), services()
    until_us = box.clock.wall_us() + asked.minutes * 60 * SECOND_US
    try:
        device = device_here(asked.port, asked.hash)
        orders.export(
            database(), device, words=say(device), who=person().name, why=asked.why, until_us=until_us,
            clock=box.clock, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return _page(problem), problem.status
    words = _n("The stick is let in for %(num)s minute.", "The stick is let in for %(num)s minutes.", asked.minutes)
    return _done(words)


@BLUEPRINT.post("/admin/usb/confirm")
@allow(ADMINISTRATOR)
def usb_confirm() -> Answer:
    """Say which devices belong here; the policy judges all others."""
    asked = read_form(HashesForm)
    try:
        count = seen.confirm(database(), asked.hash, who=person().name, clock=services().clock, where=address())
    except ApplianceError as problem:
        return _page(problem), problem.status
    return _done(_n("%(num)s device belongs here now.", "%(num)s devices belong here now.", count))


@BLUEPRINT.post("/admin/usb/withdraw")
@allow(ADMINISTRATOR)
def usb_withdraw() -> Answer:
    """Take devices off the list of what belongs here."""
    asked = read_form(HashesForm)
    seen.withdraw(database(), asked.hash, who=person().name, clock=services().clock, where=address())
    return _done(_("The policy judges the device from now on. Confirm it again to undo this."))


@BLUEPRINT.post("/admin/usb/ports")
@allow(*LEADERS)
def usb_name_port() -> Answer:
    """Say where a port is, and which seat it belongs to."""
    asked = read_form(PortForm)
    try:
        name_port(
            database(), asked.port, label=asked.label, seat=asked.seat, who=person().name, clock=services().clock,
            where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return _page(problem), problem.status
    return _done(_("The port has its name."))


@BLUEPRINT.post("/admin/usb/ports/forget")
@allow(*LEADERS)
def usb_forget_port() -> Answer:
    """Take a port's name away."""
    known = forget_port(
        database(), read_form(OnePortForm).port, who=person().name, clock=services().clock, where=address()
    )
    return _done(_("The port “%(name)s” has no name any more.", name=known.label or known.seat or known.port))


@BLUEPRINT.get("/admin/usb/devices/<port>")
@allow(*READERS)
def usb_device(port: str) -> str:
    """Show one device that is plugged in: all it says of itself, and each rule's word on it."""
    found = present_at(database(), port[:64])
    if found is None:
        raise NotFoundError("Nothing is plugged in there any more.", hint="Look at the list again.")
    look = usb_facts.looking(database(), services())
    return render_template(
        "admin/usb_device.html",
        one=usb_facts.row_of(found, look, database()),
        steps=explain(look.policy.policy, found.device, look.circumstances),
        words=usb_words,
        section_endpoint=SECTION,
    )


@BLUEPRINT.get("/admin/usb/events")
@allow(*READERS)
def usb_events() -> str:
    """Show what happened, the newest first."""
    asked = read_query(EventsQuery)
    found = events.events_of(database(), sitting=asked.sitting or None, before=asked.before, limit=PAGE + 1)
    return render_template(
        "admin/usb_events.html",
        found=found[:PAGE],
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        asked=asked,
        places=usb_facts.places(database()),
        words=usb_words,
        section_endpoint=SECTION,
    )


def device_here(port: str, of_hash: str) -> Device:
    """Return the device that is plugged in at a port, if it is still the one that was shown."""
    found = present_at(database(), port)
    if found is None or found.device.hash != of_hash:
        raise ConflictError("This device is not plugged in there any more.", hint="Look at the list again.")
    if found.device.is_root_hub:
        raise BadInputError("port: this is the controller itself.", hint="Choose a device that is plugged in.")
    return found.device


def _done(words: str) -> Answer:
    tell_next(words)
    return redirect(url_for(SECTION), 303)


def _page(problem: ApplianceError | None = None) -> str:
    db, box = database(), services()
    return render_template(
        "admin/usb.html",
        look=usb_facts.looking(db, box),
        rows=usb_facts.rows(db, box),
        proposed=seen.proposed(db),
        belonging=[one for one in seen.seen(db) if one.confirmed_us is not None],
        awaiting=seen.awaits_confirmation(db),
        named=ports(db),
        recent=events.events_of(db, limit=8),
        places=usb_facts.places(db),
        problem=problem,
        words=usb_words,
        now_us=box.clock.wall_us(),
        section_endpoint=SECTION,
    )
