"""Planning a sitting, and changing the plan before the day begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, request, url_for

from appliance.database import write
from appliance.errors import ApplianceError
from appliance.sittings.exams import get_exam, list_exams
from appliance.sittings.offers import offer_of, offer_places
from appliance.sittings.planning import change_plan, plan_sitting
from appliance.sittings.runs import stored_sitting
from appliance.web.access import allow
from appliance.web.field_problems import beside_its_field
from appliance.web.language import gettext as _
from appliance.web.moments import shown_zone
from appliance.web.services import address, database, person, services
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS
from appliance.web.sittings.plan_forms import PlanForm, offer_in, plan_of, values_of
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.sittings.values import StoredExam, StoredSitting
    from appliance.web.account.pages import Answer

EXAMS_SHOWN: Final = 200


@BLUEPRINT.route("/sittings/plan", methods=["GET", "POST"])
@allow(*PLANNERS)
def plan() -> Answer:
    """Plan a sitting."""
    form = PlanForm(room=services().settings.box.room)
    return _planned(form, None)


@BLUEPRINT.route("/sittings/<sitting>/plan", methods=["GET", "POST"])
@allow(*PLANNERS)
def change(sitting: str) -> Answer:
    """Change the plan of a sitting whose readiness check has not begun."""
    stored = stored_sitting(database(), sitting)
    return _planned(PlanForm(data=values_of(stored, shown_zone(), offer_of(database(), sitting))), stored)


def _planned(form: PlanForm, stored: StoredSitting | None) -> Answer:
    exams = _choosable(stored)
    form.exams.choices = [(one.id, one.exam.name or one.exam_id) for one in exams]
    if request.method != "POST":
        return _page(form, exams, stored)
    if not form.validate_on_submit():
        return _page(form, exams, stored), 422
    try:
        made = _keep(form, stored)
    except ApplianceError as problem:
        return _page(form, exams, stored, beside_its_field(form, problem)), problem.status
    name = made.sitting.name
    tell_next(_("“%(name)s” is planned.", name=name) if stored is None else _("The plan is changed."))
    return redirect(url_for("sittings.day", sitting=made.id), 303)


def _keep(form: PlanForm, stored: StoredSitting | None) -> StoredSitting:
    wanted, offer = plan_of(form, shown_zone()), offer_in(form)
    clock, who, version = services().clock, person().name, request.form.get("version", "")
    with write(database()) as db:
        if stored is None:
            made = plan_sitting(db, wanted, clock=clock, who=who, where=address())
        else:
            made = change_plan(
                db, stored.id, wanted, clock=clock, who=who, where=address(),
                version=int(version) if version.isascii() and version.isdigit() and len(version) < 12 else None,  # noqa: PLR2004
            )  # fmt: skip
        offer_places(db, made.id, offer, clock=clock, who=who, where=address())
    return made


def _choosable(stored: StoredSitting | None) -> list[StoredExam]:
    """Return exams whose window has not ended, and those the sitting holds already."""
    db = database()
    found = list_exams(db, now_us=services().clock.wall_us(), limit=EXAMS_SHOWN, past=False)
    held = [] if stored is None else [one for one in stored.sitting.exams if one not in {exam.id for exam in found}]
    return [get_exam(db, one) for one in held] + sorted(
        found, key=lambda one: (one.exam.window_start_us, one.exam.name, one.id)
    )


def _page(
    form: PlanForm, exams: list[StoredExam], stored: StoredSitting | None, problem: ApplianceError | None = None
) -> str:
    return render_template(
        "sittings/plan.html", form=form, known={one.id: one for one in exams}, stored=stored, problem=problem
    )
