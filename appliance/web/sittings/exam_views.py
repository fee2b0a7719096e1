"""Exams that are known: from the LMS, the central service, a stick, or made here; what the centre chooses for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import redirect, render_template, request, url_for
from msgspec import Meta

from appliance.database import write
from appliance.errors import ApplianceError, BadInputError
from appliance.exams.states import ReviewStatus
from appliance.exchange.record import ParametersError
from appliance.integrations.store import list_integrations
from appliance.sittings.exams import (
    find_exam,
    get_exam,
    list_exams,
    remove_exam,
    restore_exam,
    set_choices,
    upsert_exam,
)
from appliance.sittings.review_lists import count_reviews_of
from appliance.sittings.runs import sittings_of_exam
from appliance.web.access import allow
from appliance.web.asking import read_query
from appliance.web.field_problems import beside_its_field
from appliance.web.language import gettext as _
from appliance.web.moments import shown_zone, typed_moment
from appliance.web.services import address, database, person, services
from appliance.web.sittings.blueprint import BLUEPRINT, CHOOSERS, PLANNERS
from appliance.web.sittings.exam_forms import ChoicesForm, ExamForm, choices_of, values_of
from appliance.web.sittings.own_exams import HERE, new_code, own_integration, own_parameters
from appliance.web.sittings.plan_forms import field_of
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.sittings.values import StoredExam
    from appliance.web.account.pages import Answer

PAGE: Final = 50
SITTINGS: Final = 20
"""So many sittings of an exam are listed on its page, the newest first."""
_FORM_FIELDS: Final = {
    "examId": "code", "examName": "name", "courseName": "course", "duration": "duration", "startDate": "window_start",
    "endDate": "window_end",
}  # fmt: skip


class ExamsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which exams: those that hold a text; past ones as well; after which one."""

    q: Annotated[str, Meta(max_length=100)] = ""
    past: bool = False
    before: Annotated[str, Meta(max_length=100)] = ""


@BLUEPRINT.get("/exams")
@allow(*PLANNERS)
def exams() -> str:
    """Show the exams that are known."""
    asked, now = read_query(ExamsQuery), services().clock.wall_us()
    found = list_exams(
        database(), text=asked.q, now_us=now, limit=PAGE + 1, before=_before(asked.before), past=asked.past
    )
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render_template(
        "sittings/exams.html",
        asked=asked,
        exams=found[:PAGE],
        more=f"{last.exam.window_end_us}.{last.id}" if last else "",
        names=_integration_names(),
        now_us=now,
        here=HERE,
    )


def _before(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    end, _point, name = text.partition(".")
    if not end.lstrip("-").isdigit() or not end.isascii() or len(end) > len("-9007199254740992") or not name:
        raise BadInputError("before: it names no exam.", hint="Go back to the beginning of the list.")
    return int(end), name


def _integration_names() -> dict[str, str]:
    return {one.id: one.name for one in list_integrations(database())}


@BLUEPRINT.get("/exams/<exam>")
@allow(*PLANNERS)
def exam(exam: str) -> str:
    """Show one exam: what its owner says, and what the centre chose."""
    stored = get_exam(database(), exam)
    return _exam_page(stored, ChoicesForm(formdata=None, data=values_of(stored)))


def _exam_page(stored: StoredExam, form: ChoicesForm, problem: ApplianceError | None = None) -> str:
    return render_template(
        "sittings/exam.html",
        stored=stored,
        exam=stored.exam,
        form=form,
        problem=problem,
        names=_integration_names(),
        here=HERE,
        sittings=sittings_of_exam(database(), stored.id, limit=SITTINGS),
        reviews=_reviews(stored.id),
    )


def _reviews(exam: str) -> dict[str, int]:
    """Return how many reviews of an exam wait for a person, and how many are decided."""
    counts = count_reviews_of(database(), exam)
    decided = counts.get(ReviewStatus.PASSED, 0) + counts.get(ReviewStatus.FAILED, 0)
    found = {"waiting": counts.get(ReviewStatus.READY_FOR_REVIEW, 0), "decided": decided}
    return {name: count for name, count in found.items() if count}


@BLUEPRINT.post("/exams/<exam>/choices")
@allow(*CHOOSERS)
def exam_choices(exam: str) -> Answer:
    """Keep what the centre chooses for an exam."""
    stored = get_exam(database(), exam)
    form = ChoicesForm()
    if not form.validate_on_submit():
        return _exam_page(stored, form), 422
    sent = stored.parameters.get("instructions")
    chosen = choices_of(form, instructions_sent=sent if isinstance(sent, str) else "")
    set_choices(database(), exam, chosen, clock=services().clock, who=person().name, where=address())
    tell_next(_("The choices are kept. Sittings that have begun go on as they began, until the change is accepted."))
    return redirect(url_for("sittings.exam", exam=exam), 303)


@BLUEPRINT.route("/exams/new", methods=["GET", "POST"])
@allow(*CHOOSERS)
def exam_new() -> Answer:
    """Make an exam by hand, for a centre without an LMS."""
    return _own(ExamForm(method="full", identification="skip"), None)


@BLUEPRINT.route("/exams/<exam>/edit", methods=["GET", "POST"])
@allow(*CHOOSERS)
def exam_edit(exam: str) -> Answer:
    """Change an exam that was made on this box; what an LMS owns is changed there."""
    stored = get_exam(database(), exam)
    if stored.exam.integration != HERE:
        raise BadInputError("This exam is the LMS's: it is changed there.", hint="Here you choose how it is proctored.")
    one = stored.exam
    values = {
        **values_of(stored), "name": one.name, "course": one.course, "code": one.exam_id,
        "duration": one.duration_us // 60_000_000, "window_start": field_of(one.window_start_us, shown_zone()),
        "window_end": field_of(one.window_end_us, shown_zone()),
    }  # fmt: skip
    return _own(ExamForm(data=values), stored)


def _own(form: ExamForm, stored: StoredExam | None) -> Answer:
    if request.method != "POST":
        return _own_page(form, stored)
    if not form.validate_on_submit():
        return _own_page(form, stored), 422
    try:
        made = _keep(form, stored)
    except ParametersError as problem:
        for field in problem.fields:
            name = _FORM_FIELDS.get(field.path.partition(".")[0], "name")
            form[name].errors = [field.reason]
        return _own_page(form, stored), 422
    except ApplianceError as problem:
        return _own_page(form, stored, beside_its_field(form, problem)), problem.status
    tell_next(_("“%(name)s” is kept.", name=made.exam.name))
    return redirect(url_for("sittings.exam", exam=made.id), 303)


def _keep(form: ExamForm, stored: StoredExam | None) -> StoredExam:
    db, clock = database(), services().clock
    common: dict[str, Any] = {"clock": clock, "who": person().name, "where": address()}
    code = stored.exam.exam_id if stored else (form.code.data or "").strip() or new_code(form.name.data)
    start, end = (typed_moment(form[name].data, name, shown_zone()) or 0 for name in ("window_start", "window_end"))
    if end <= start:
        raise BadInputError("window_end: it is not after the beginning.", hint="Correct one of the two.")
    parameters = own_parameters(
        code=code, name=form.name.data.strip(), course=(form.course.data or "").strip(),
        duration_minutes=form.duration.data, start_us=start, end_us=end,
    )  # fmt: skip
    with write(db):
        integration = own_integration(db, clock=clock)
        if stored is None and find_exam(db, integration.id, "", code) is not None:
            raise BadInputError("code: another exam has it.", hint="Choose another, or leave it empty.")
        made = upsert_exam(db, integration, parameters, origin="box", **common)
        return set_choices(db, made.exam.id, choices_of(form), **common)


def _own_page(form: ExamForm, stored: StoredExam | None, problem: ApplianceError | None = None) -> str:
    return render_template("sittings/exam_form.html", form=form, stored=stored, problem=problem)


@BLUEPRINT.post("/exams/<exam>/remove")
@allow(*CHOOSERS)
def exam_remove(exam: str) -> Answer:
    """Remove an exam from the lists; its page brings it back."""
    stored = get_exam(database(), exam)
    remove_exam(database(), exam, clock=services().clock, who=person().name, where=address())
    tell_next(_("“%(name)s” is removed from the lists. This page brings it back.", name=stored.exam.name))
    return redirect(url_for("sittings.exam", exam=exam), 303)


@BLUEPRINT.post("/exams/<exam>/restore")
@allow(*CHOOSERS)
def exam_restore(exam: str) -> Answer:
    """Bring a removed exam back."""
    stored = restore_exam(database(), exam, clock=services().clock, who=person().name, where=address())
    tell_next(_("“%(name)s” is there again.", name=stored.exam.name))
    return redirect(url_for("sittings.exam", exam=exam), 303)
