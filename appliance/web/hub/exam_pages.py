"""Which rooms get which exams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, url_for

from appliance.errors import BadInputError
from appliance.hub.assigning import assign, assignments, boxes_assigned
from appliance.hub.boxes import list_boxes
from appliance.sittings.exams import get_exam, list_exams
from appliance.web.access import allow
from appliance.web.asking import read_form, read_query
from appliance.web.hub.blueprint import BLUEPRINT, MANAGERS
from appliance.web.hub.forms import ExamsQuery, RoomsForm
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

PAGE: Final = 50


@BLUEPRINT.get("/rooms/exams")
@allow(*MANAGERS)
def exams() -> str:
    """List exams with the rooms that get them."""
    asked, db = read_query(ExamsQuery), database()
    found = list_exams(
        db, text=asked.q, now_us=services().clock.wall_us(), limit=PAGE + 1, before=_before(asked.before),
        past=asked.past,
    )  # fmt: skip
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return render_template(
        "hub/exams.html",
        asked=asked,
        exams=shown,
        more=f"{last.exam.window_end_us}.{last.id}" if last else "",
        given=assignments(db),
        rooms={one.id: one.room for one in list_boxes(db)},
        names=dict(db.conn.execute("SELECT id, name FROM integration").fetchall()),
    )


@BLUEPRINT.get("/rooms/exams/<exam>")
@allow(*MANAGERS)
def exam(exam: str) -> str:
    """Show the rooms of one exam."""
    db = database()
    return render_template(
        "hub/assign.html",
        exam=get_exam(db, exam),
        boxes=[one for one in list_boxes(db) if one.revoked_us is None],
        given=boxes_assigned(db, "exam", exam),
    )


@BLUEPRINT.post("/rooms/exams/<exam>")
@allow(*MANAGERS)
def exam_assign(exam: str) -> Answer:
    """Give an exam to just these rooms."""
    asked = read_form(RoomsForm)
    changed = assign(database(), "exam", exam, asked.boxes, clock=services().clock, who=person().name, where=address())
    tell_next(_("Saved: the boxes learn of it within seconds.") if changed else _("Nothing has changed."))
    return redirect(url_for("hub.exams"))


def _before(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    end, _dot, name = text.partition(".")
    if not end.isdecimal() or len(end) > 18:  # noqa: PLR2004  64 bits
        raise BadInputError("before: is no place in the list.", hint="Open the list again.")
    return int(end), name
