"""A sitting as the centre plans it: its rooms, extra time, and what the boxes told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import redirect, render_template, url_for

from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.centre.extra_time import ExtraTime
from appliance.hub.assigning import assign, boxes_assigned
from appliance.hub.boxes import list_boxes
from appliance.hub.extra_time import grant_extra_time, withdraw_extra_time
from appliance.sittings.runs import exams_of, planned_entries, stored_sitting
from appliance.web.access import allow
from appliance.web.asking import read_form
from appliance.web.hub.blueprint import BLUEPRINT, MANAGERS
from appliance.web.hub.forms import ExtraForm, RoomsForm
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer


@allow(*MANAGERS)
def sitting(sitting: str) -> str:
    """Show one sitting; it stands where a box shows the day of it (`hub.role`)."""
    return _page(sitting)


@BLUEPRINT.post("/rooms/sittings/<sitting>")
@allow(*MANAGERS)
def sitting_assign(sitting: str) -> Answer:
    """Give a sitting to just these rooms."""
    asked = read_form(RoomsForm)
    changed = assign(
        database(), "sitting", sitting, asked.boxes, clock=services().clock, who=person().name, where=address()
    )
    tell_next(_("Saved: the boxes learn of it within seconds.") if changed else _("Nothing has changed."))
    return redirect(url_for("sittings.day", sitting=sitting))


@BLUEPRINT.post("/rooms/sittings/<sitting>/extra-time")
@allow(*MANAGERS)
def extra_time(sitting: str) -> Answer:
    """Grant extra time; where the sitting runs, its invigilator is asked."""
    asked = read_form(ExtraForm)
    try:
        grant_extra_time(
            database(), sitting, minutes=asked.minutes, why=asked.why, candidate=asked.candidate,
            clock=services().clock, who=person().name, where=address(),
        )  # fmt: skip
    except NotFoundError:
        raise
    except ApplianceError as problem:
        return _page(sitting, problem), problem.status
    tell_next(_("The extra time is granted. Where the sitting runs, its invigilator is asked first."))
    return redirect(url_for("sittings.day", sitting=sitting))


@BLUEPRINT.post("/rooms/extra-time/<grant>/withdraw")
@allow(*MANAGERS)
def extra_time_withdraw(grant: str) -> Answer:
    """Withdraw extra time that no room has accepted yet."""
    row = database().conn.execute("SELECT sitting FROM hub_extra_time WHERE id = ?", (grant,)).fetchone()
    withdraw_extra_time(database(), grant, clock=services().clock, who=person().name, where=address())
    tell_next(_("The extra time is withdrawn, where no room has accepted it yet."))
    return redirect(url_for("sittings.day", sitting=row[0]))


def _page(sitting: str, problem: ApplianceError | None = None) -> str:
    db = database()
    found = stored_sitting(db, sitting)
    rooms = {one.id: one.room for one in list_boxes(db)}
    told = db.conn.execute(
        "SELECT box, status, at_us, register IS NOT NULL FROM hub_sitting WHERE sitting = ?", (sitting,)
    ).fetchall()
    grants = [
        (row[0], msgspec.json.decode(row[1], type=ExtraTime), row[2])
        for row in db.conn.execute(
            "SELECT id, body, withdrawn_us FROM hub_extra_time WHERE sitting = ? ORDER BY made_us DESC", (sitting,)
        )
    ]
    entries = planned_entries(db, sitting)
    return render_template(
        "hub/sitting.html",
        found=found,
        exams=list(exams_of(db, sitting).values()),
        boxes=[one for one in list_boxes(db) if one.revoked_us is None],
        given=boxes_assigned(db, "sitting", sitting),
        told=[(rooms.get(box, box), status, at_us, bool(register)) for box, status, at_us, register in told],
        grants=grants,
        people={one.candidate.id: one.candidate for one in entries},
        problem=problem,
    )
