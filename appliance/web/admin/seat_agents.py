"""Seat agents: the workstations that report USB devices and active windows; codes, seats, what they told, revoking."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import redirect, render_template, request, url_for
from msgspec import Meta

from appliance.certificates.anchor import anchor_of, der_of
from appliance.certificates.store import CertificateStore
from appliance.database import write
from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.exchange.seat.code import new_code
from appliance.usb.agents import codes, store
from appliance.vault.key_files import USB_PUBLIC_FILE
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, INVIGILATOR, allow
from appliance.web.admin import seat_agent_facts, seat_agent_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.asking import read_form
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.exchange.seat.code import SeatCode
    from appliance.web.account.pages import Answer

READERS: Final = (ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR, AUDITOR)
LEADERS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
SECTION: Final = "admin.seat_agents"
MAX_CODES: Final = 100
_RANDOM_BYTES: Final = 16
_BETWEEN: Final = re.compile(r"[,;\n]")


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form; a field that is not known here is refused."""


class CodeForm(Asked, frozen=True):
    """Codes for workstations: one for each seat that is named, one without a seat where none is."""

    seats: Annotated[str, Meta(max_length=4000)] = ""
    hours: Annotated[int, Meta(ge=1, le=codes.MAX_HOURS)] = codes.DEFAULT_HOURS


class SeatForm(Asked, frozen=True):
    """At which seat a workstation stands."""

    seat: Annotated[str, Meta(max_length=200)] = ""


class WhyForm(Asked, frozen=True):
    """A reason."""

    why: Annotated[str, Meta(max_length=store.MAX_WHY)] = ""


@BLUEPRINT.get("/admin/seat-agents")
@allow(*READERS)
def seat_agents() -> str:
    """List the workstations, and the codes that are open."""
    db, box = database(), services()
    part = seat_agent_facts.box_part(db, box)
    return render_template(
        "admin/seat_agents.html",
        rows=seat_agent_facts.rows(db, box, version=part.version),
        revoked=store.list_agents(db, revoked=True),
        open_codes=codes.open_codes(db, now_us=box.clock.wall_us()),
        part=part,
        words=seat_agent_words,
    )


@BLUEPRINT.route("/admin/seat-agents/code", methods=["GET", "POST"])
@allow(*LEADERS)
def seat_agent_code() -> Answer:
    """Make codes, and show them this once."""
    if request.method == "GET":
        return _code_page(CodeForm(), None), 200
    asked = read_form(CodeForm)
    try:
        made = _make(asked)
    except ApplianceError as problem:
        return _code_page(asked, problem), problem.status
    return render_template(
        "admin/seat_agent_codes.html",
        made=made,
        part=seat_agent_facts.box_part(database(), services()),
        section_endpoint=SECTION,
    )


@BLUEPRINT.post("/admin/seat-agents/codes/<code>/withdraw")
@allow(*LEADERS)
def seat_agent_code_withdraw(code: str) -> Answer:
    """End a code that nobody has used."""
    codes.withdraw_code(database(), code, clock=services().clock, who=person().name, where=address())
    tell_next(_("The code is withdrawn."))
    return redirect(url_for(SECTION))


@BLUEPRINT.get("/admin/seat-agents/<agent>")
@allow(*READERS)
def seat_agent(agent: str) -> str:
    """Show one workstation: how it stands, and what it told last."""
    return _agent_page(agent)


@BLUEPRINT.post("/admin/seat-agents/<agent>/seat")
@allow(*LEADERS)
def seat_agent_seat(agent: str) -> Answer:
    """Say at which seat it stands."""
    asked = read_form(SeatForm)
    try:
        found = store.seat_agent_at(
            database(), agent, seat=asked.seat, clock=services().clock, who=person().name, where=address()
        )
    except BadInputError as problem:
        return _agent_page(agent, problem), problem.status
    seat = found.seat
    tell_next(
        _("%(name)s stands at seat %(seat)s.", name=found.name, seat=seat) if seat else _("It stands at no seat.")
    )
    return redirect(url_for("admin.seat_agent", agent=agent))


@BLUEPRINT.post("/admin/seat-agents/<agent>/revoke")
@allow(*LEADERS)
def seat_agent_revoke(agent: str) -> Answer:
    """Refuse it from now on."""
    asked = read_form(WhyForm)
    try:
        found = store.revoke_agent(
            database(), agent, why=asked.why, clock=services().clock, who=person().name, where=address()
        )
    except BadInputError as problem:
        return _agent_page(agent, problem), problem.status
    tell_next(_("%(name)s is revoked.", name=found.name))
    return redirect(url_for(SECTION))


def _make(asked: CodeForm) -> list[tuple[codes.CodeFact, SeatCode]]:
    """Make the codes that are asked for, all or none.

    Raises:
        BadInputError: a seat is wrong, named twice, or there are too many.
        NotFoundError: the box has no certificate that codes could be bound to.
        ConflictError: the box has no key that policies are signed with.
    """
    seats = [seat.strip() for seat in _BETWEEN.split(asked.seats) if seat.strip()]
    if len(seats) > MAX_CODES:
        raise BadInputError(f"seats: has to be at most {MAX_CODES} at once.", hint="Make the rest afterwards.")
    if len({seat.casefold() for seat in seats}) != len(seats):
        raise BadInputError("seats: a seat is named twice.", hint="Each workstation needs a code of its own.")
    box = services()
    if not (box.settings.keys_dir / USB_PUBLIC_FILE).exists():
        raise ConflictError(
            "This box has no key for USB policies yet.", hint="Make it with `exambox keys init` on the box."
        )
    anchor = der_of(anchor_of(CertificateStore(box.settings.tls_dir)))
    made = []
    with write(database()) as db:
        for seat in seats or [""]:
            code = new_code(os.urandom(_RANDOM_BYTES), anchor)
            fact = codes.keep_code(
                db, code.secret, seat=seat, clock=box.clock, who=person().name, hours=asked.hours, where=address()
            )
            made.append((fact, code))
    return made


def _code_page(asked: CodeForm, problem: ApplianceError | None) -> str:
    return render_template(
        "admin/seat_agent_code.html",
        asked=asked,
        problem=problem,
        max_hours=codes.MAX_HOURS,
        part=seat_agent_facts.box_part(database(), services()),
        section_endpoint=SECTION,
    )


def _agent_page(agent: str, problem: ApplianceError | None = None) -> str:
    db, box = database(), services()
    found = store.get_agent(db, agent)
    part = seat_agent_facts.box_part(db, box)
    return render_template(
        "admin/seat_agent.html",
        agent=found,
        row=seat_agent_facts.row_of(db, box, found, version=part.version),
        told=seat_agent_facts.told_by(db, agent),
        part=part,
        problem=problem,
        words=seat_agent_words,
        section_endpoint=SECTION,
    )
