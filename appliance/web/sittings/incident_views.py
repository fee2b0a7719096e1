"""Incidents: recorded in two taps, corrected and withdrawn beside what was said first. Warnings: judged by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import redirect, render_template, url_for

from appliance.errors import ConflictError, NotFoundError
from appliance.exams.records import Incident
from appliance.sittings.incidents import correct_incident, list_incidents, record_incident
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.sessions import sessions_of
from appliance.sittings.warnings import give_warning, judge_warning, warnings_of
from appliance.web import problems
from appliance.web.access import allow
from appliance.web.asking import read_form, speaks
from appliance.web.language import gettext as _
from appliance.web.moments import shown_zone, typed_moment
from appliance.web.services import address, database, person, services
from appliance.web.sittings.asked import GiveForm, IncidentForm, JudgeForm, WithdrawForm
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS, STAFF
from appliance.web.sittings.day_views import choices, seen_day
from appliance.web.sittings.plan_forms import field_of
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.sittings.incidents import StoredIncident
    from appliance.sittings.warnings import StoredWarning
    from appliance.web.account.pages import Answer


class Recorded(msgspec.Struct, frozen=True):
    """It was kept; ``said`` tells so in the reader's language."""

    said: str
    id: str


@BLUEPRINT.get("/sittings/<sitting>/incidents")
@allow(*PLANNERS)
def incidents(sitting: str) -> str:
    """Show the incidents of a sitting with their corrections, and the form for one more."""
    seen = seen_day(sitting)
    return render_template(
        "sittings/incidents.html",
        day=seen,
        stored=seen.stored,
        every=list_incidents(database(), sitting=sitting, all_versions=True),
        now_field=field_of(seen.now_us, shown_zone()),
        field_of=lambda wall_us: field_of(wall_us, shown_zone()),
        **choices(seen),
    )


@BLUEPRINT.post("/sittings/<sitting>/incidents")
@allow(*STAFF)
@speaks(form=IncidentForm, answer=Recorded, errors=(404, 409))
def add_incident(sitting: str) -> Answer:
    """Record an incident, by default of this moment."""
    made = record_incident(
        database(), _incident(sitting, read_form(IncidentForm)), clock=services().clock, where=address()
    )
    return _kept(sitting, made, _("The incident is recorded."))


@BLUEPRINT.post("/sittings/<sitting>/incidents/<incident>/correct")
@allow(*STAFF)
@speaks(form=IncidentForm, answer=Recorded, errors=(404, 409))
def change_incident(sitting: str, incident: str) -> Answer:
    """Put a correction beside an incident: what was said first stays."""
    before = _of_sitting(sitting, incident)
    corrected = _incident(sitting, read_form(IncidentForm), before=before)
    made = correct_incident(database(), incident, corrected, who=person().name, clock=services().clock, where=address())
    return _kept(sitting, made, _("The correction is recorded. What was said before stays visible."))


@BLUEPRINT.post("/sittings/<sitting>/incidents/<incident>/withdraw")
@allow(*STAFF)
@speaks(form=WithdrawForm, answer=Recorded, errors=(404, 409))
def withdraw_incident(sitting: str, incident: str) -> Answer:
    """Say that an incident was none, for a reason."""
    _of_sitting(sitting, incident)
    made = correct_incident(
        database(), incident, None, who=person().name, why=read_form(WithdrawForm).why.strip(), clock=services().clock,
        where=address(),
    )  # fmt: skip
    return _kept(sitting, made, _("The incident is withdrawn. It stays visible, with the reason."))


def _of_sitting(sitting: str, incident: str) -> StoredIncident:
    stored_sitting(database(), sitting)
    for one in list_incidents(database(), sitting=sitting, all_versions=True):
        if one.incident.id == incident:
            return one
    raise NotFoundError("There is no such incident in this sitting.", hint="Load the page again.")


def _incident(sitting: str, asked: IncidentForm, *, before: StoredIncident | None = None) -> Incident:
    """Return what was entered; the seat and session of a named candidate, the present moment where no time is said."""
    run = run_of(database(), sitting)
    seat, session = asked.seat.strip(), before.incident.session if before else ""
    if asked.candidate in run.people:
        seat = seat or run.people[asked.candidate].seat
        session = next(
            (one.id for one in reversed(sessions_of(database(), sitting)) if one.candidate == asked.candidate), session
        )
    said = typed_moment(asked.at, "at", shown_zone())
    usual = services().clock.wall_us() if before is None else before.incident.at_us
    return Incident(
        id="",
        sitting=sitting,
        category=asked.category,
        severity=asked.severity,
        at_us=usual if said is None else said,
        who=person().name,
        note=asked.note.strip(),
        seat=seat,
        session=session,
    )


def _kept(sitting: str, made: StoredIncident, said: str) -> Answer:
    if not problems.wants_page():
        return msgspec.to_builtins(Recorded(said, made.incident.id))
    tell_next(said)
    return redirect(url_for("sittings.incidents", sitting=sitting), 303)


@BLUEPRINT.get("/sittings/<sitting>/warnings")
@allow(*PLANNERS)
def warnings(sitting: str) -> str:
    """Show what software warned of, what nobody has judged first."""
    seen = seen_day(sitting)
    ranked = sorted(seen.warnings, key=lambda one: (one.warning.decision != "open", one.warning.start_us, one.number))
    seats = {one.candidate: one.seat for one in seen.run.people.values()}
    givable = sorted({(seen.name_of(one), seats.get(one, ""), one) for one in seen.session_candidates.values()})
    return render_template(
        "sittings/warnings.html",
        day=seen,
        stored=seen.stored,
        ranked=ranked,
        givable=[(candidate, name, seat) for name, seat, candidate in givable],
        **choices(seen),
    )


@BLUEPRINT.post("/sittings/<sitting>/warnings/<int:warning>")
@allow(*STAFF)
@speaks(form=JudgeForm, answer=Recorded, errors=(404, 409))
def judge(sitting: str, warning: int) -> Answer:
    """Confirm or dismiss a warning; a dismissal, and a changed mind, need a reason."""
    found = _warning(sitting, warning)
    asked = read_form(JudgeForm)
    judge_warning(
        database(), found.number, asked.decision, who=person().name, why=asked.why.strip(), clock=services().clock,
        where=address(),
    )  # fmt: skip
    said = _("The warning is confirmed.") if asked.decision == "confirmed" else _("The warning is dismissed.")
    if not problems.wants_page():
        return msgspec.to_builtins(Recorded(said, str(warning)))
    tell_next(said)
    return redirect(url_for("sittings.warnings", sitting=sitting), 303)


@BLUEPRINT.post("/sittings/<sitting>/warnings/<int:warning>/give")
@allow(*STAFF)
@speaks(form=GiveForm, answer=Recorded, errors=(404, 409))
def give(sitting: str, warning: int) -> Answer:
    """Say whose a warning of the room is: it then counts for that candidate's session, and the LMS is told."""
    found, asked = _warning(sitting, warning), read_form(GiveForm)
    session = next(
        (one.id for one in reversed(sessions_of(database(), sitting)) if one.candidate == asked.candidate), ""
    )
    if not session:
        raise ConflictError(
            "This candidate has no session that a warning could belong to.",
            hint="Record an incident instead, which needs none.",
        )
    give_warning(database(), found.number, session, who=person().name, clock=services().clock, where=address())
    said = _("The warning now belongs to the candidate.")
    if not problems.wants_page():
        return msgspec.to_builtins(Recorded(said, str(warning)))
    tell_next(said)
    return redirect(url_for("sittings.warnings", sitting=sitting), 303)


def _warning(sitting: str, number: int) -> StoredWarning:
    stored_sitting(database(), sitting)
    for one in warnings_of(database(), sitting=sitting):
        if one.number == number:
            return one
    raise NotFoundError("There is no such warning in this sitting.", hint="Load the page again.")
