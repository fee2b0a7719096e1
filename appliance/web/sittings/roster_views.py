"""Roster and seating: brought as a table with a dry run, by hand, taken away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, redirect, render_template, request, url_for

from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.exams.roster import RosterDraft
from appliance.rosters.templates import template
from appliance.sittings.rosters import candidates_of, exam_names, roster_of, seating_of, take_roster, take_seating
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.web.access import allow
from appliance.web.asking import read_form, read_query
from appliance.web.body_limits import takes_up_to
from appliance.web.language import current_language
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.sittings.asked import ImportQuery, TableForm, TemplateQuery
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS
from appliance.web.sittings.roster_reading import MAX_UPLOAD, Dry, checked_text, dry_run
from appliance.web.sittings.words import allowance_words
from appliance.web.tables import csv_lines, download
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.sittings.values import StoredSitting
    from appliance.web.account.pages import Answer


@BLUEPRINT.get("/sittings/<sitting>/roster")
@allow(*PLANNERS)
def roster(sitting: str) -> str:
    """Show who is expected, where they sit, and the ways to change that."""
    return _roster_page(stored_sitting(database(), sitting))


def _roster_page(stored: StoredSitting, **more: Any) -> str:
    db = database()
    seats = {candidate: seat for seat, candidate in seating_of(db, stored.id).assigned.items()}
    return render_template(
        "sittings/roster.html",
        stored=stored,
        run=run_of(db, stored.id),
        roster=roster_of(db, stored.id),
        seats=seats,
        plan=seating_of(db, stored.id),
        exams=exams_of(db, stored.id),
        **more,
    )


@BLUEPRINT.get("/sittings/<sitting>/import")
@allow(*PLANNERS)
def table_page(sitting: str) -> str:
    """Ask for a table: a file, or pasted."""
    return _import_page(stored_sitting(database(), sitting), read_query(ImportQuery).kind)


def _import_page(
    stored: StoredSitting, kind: str, *, problem: ApplianceError | None = None, text: str = "", dry: Dry | None = None
) -> str:
    return render_template(
        "sittings/import.html",
        stored=stored,
        kind=kind,
        problem=problem,
        text=text,
        dry=dry,
        exams=exams_of(database(), stored.id),
        names=exam_names(database(), stored.id),
        candidates=candidates_of(database(), stored.id),
        present=len(roster_of(database(), stored.id).entries),
    )


@BLUEPRINT.post("/sittings/<sitting>/import/check")
@allow(*PLANNERS)
@takes_up_to(MAX_UPLOAD)
def table_check(sitting: str) -> Answer:
    """Show what a table would become: each row with its problems in place. Nothing is stored."""
    stored = stored_sitting(database(), sitting)
    asked = read_form(TableForm)
    try:
        data, name = _brought(asked.text)
        dry = dry_run(database(), sitting, asked.kind, data, name=name)
    except BadInputError as problem:
        return _import_page(stored, asked.kind, problem=problem, text=asked.text), problem.status
    return _import_page(stored, asked.kind, dry=dry, text=dry.text), 200 if dry.good else 422


def _brought(text: str) -> tuple[bytes, str]:
    """Return the bytes of the uploaded file, else of the pasted table, and what to call it."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.read(MAX_UPLOAD), file.filename
    return checked_text(text), _("pasted table")


@BLUEPRINT.post("/sittings/<sitting>/import/take")
@allow(*PLANNERS)
@takes_up_to(MAX_UPLOAD)
def table_take(sitting: str) -> Answer:
    """Take a table that was looked at: all of it, or nothing."""
    stored = stored_sitting(database(), sitting)
    asked = read_form(TableForm)
    try:
        if asked.version != stored.version:
            raise ConflictError(
                "The roster was changed since this table was checked.",
                hint="Look at what it changes now, then take it.",
            )
        dry = dry_run(database(), sitting, asked.kind, checked_text(asked.text), name=_("pasted table"))
        said = taken(sitting, dry, replace=asked.replace)
    except ApplianceError as problem:
        return _again(stored, asked, problem)
    tell_next(said)
    return redirect(url_for("sittings.roster", sitting=sitting), 303)


def _again(stored: StoredSitting, asked: TableForm, problem: ApplianceError) -> Answer:
    try:
        dry = dry_run(database(), stored.id, asked.kind, checked_text(asked.text), name=_("pasted table"))
    except BadInputError:
        dry = None
    return _import_page(stored, asked.kind, problem=problem, text=asked.text, dry=dry), problem.status


def taken(sitting: str, dry: Dry, *, replace: bool) -> str:
    """Take a checked table and return what was done, in words.

    Raises:
        BadInputError: a row has a problem.
        ConflictError, IllegalTransitionError: it does not fit what has happened in the sitting.
    """
    common: dict[str, Any] = {
        "clock": services().clock, "who": person().name, "role": person().role, "where": address(),
    }  # fmt: skip
    if isinstance(dry.draft, RosterDraft):
        made = take_roster(database(), sitting, dry.draft, replace=replace, **common)
        count = len(made.entries)
        return _n("The roster has %(num)s candidate now.", "The roster has %(num)s candidates now.", count)
    plan = take_seating(database(), sitting, dry.draft, **common)
    return _n("The seating plan has %(num)s seat now.", "The seating plan has %(num)s seats now.", len(plan.seats))


@BLUEPRINT.get("/sittings/templates")
@allow(*PLANNERS)
def table_template() -> Response:
    """Send a template to fill in."""
    asked = read_query(TemplateQuery)
    made = template(asked.kind, asked.form, language="de" if current_language() == "de" else "en", example=True)
    response = Response(made.data, mimetype=made.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=made.name)
    return response


@BLUEPRINT.get("/sittings/<sitting>/roster.csv")
@allow(*PLANNERS)
def roster_csv(sitting: str) -> Response:
    """Send the roster as it is now, in the columns an import reads."""
    entries = roster_of(database(), sitting).entries
    exams = exams_of(database(), sitting)
    head = ("number", "last_name", "first_name", "third_name", "email", "exam", "extra_time", "language", "user_id",
            "accommodations")  # fmt: skip
    rows = [
        (
            one.candidate.number, one.candidate.last_name, one.candidate.first_name, one.candidate.third_name,
            one.candidate.email or "", exams[one.exam].exam_id if one.exam in exams else one.exam,
            allowance_words(one.planned), one.candidate.language, one.candidate.user_id, one.candidate.accommodations,
        )
        for one in entries
    ]  # fmt: skip
    return download(csv_lines(head, rows), f"roster-{sitting}.csv", "text/csv")


@BLUEPRINT.get("/sittings/<sitting>/seating.csv")
@allow(*PLANNERS)
def seating_csv(sitting: str) -> Response:
    """Send the seating plan as it is now, in the columns an import reads."""
    plan, known = seating_of(database(), sitting), candidates_of(database(), sitting)

    def number(seat: str) -> str:
        candidate = known.get(plan.assigned.get(seat, ""))
        return (candidate.number or candidate.id) if candidate else ""

    rows = [
        (seat.label, number(seat.label), seat.row or "", seat.column or "", " ".join(seat.cameras))
        for seat in plan.seats
    ]
    return download(
        csv_lines(("seat", "number", "row", "column", "cameras"), rows), f"seating-{sitting}.csv", "text/csv"
    )
