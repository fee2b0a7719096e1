"""One box: how it stands, what it was told apart from, what it gets, what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, url_for

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, NotFoundError
from appliance.hub.boxes import edit_box, extend_box, get_box, revoke_box
from appliance.hub.media import ask_media, get_media, list_media, withdraw_media
from appliance.hub.overview import epochs_of, overview
from appliance.web.access import EVERYONE, allow
from appliance.web.asking import read_form
from appliance.web.hub.blueprint import BLUEPRINT, MANAGERS
from appliance.web.hub.forms import BoxForm, ExtendForm, MediaForm, WhyForm
from appliance.web.hub.state import hub
from appliance.web.hub.words import BAD
from appliance.web.language import gettext as _
from appliance.web.moments import shown_zone, typed_moment
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

_DAY_US = 24 * 3600 * SECOND_US


@BLUEPRINT.get("/rooms/<box>")
@allow(*EVERYONE)
def box(box: str) -> str:
    """Show one box."""
    return _page(box)


@BLUEPRINT.post("/rooms/<box>")
@allow(*MANAGERS)
def box_edit(box: str) -> Answer:
    """Name its room and where browsers reach it."""
    asked = read_form(BoxForm)
    try:
        edit_box(database(), box, room=asked.room, address=asked.address, clock=services().clock, who=person().name,
                 where=address())  # fmt: skip
    except NotFoundError:
        raise
    except ApplianceError as problem:
        return _page(box, problem, asked), problem.status
    tell_next(_("Saved."))
    return redirect(url_for("hub.box", box=box))


@BLUEPRINT.post("/rooms/<box>/revoke")
@allow(*MANAGERS)
def box_revoke(box: str) -> Answer:
    """Refuse it from now on."""
    asked = read_form(WhyForm)
    try:
        found = revoke_box(database(), box, why=asked.why, clock=services().clock, who=person().name, where=address())
    except NotFoundError:
        raise
    except ApplianceError as problem:
        return _page(box, problem), problem.status
    tell_next(_("The box of %(room)s is revoked.", room=found.room))
    return redirect(url_for("hub.box", box=box))


@BLUEPRINT.post("/rooms/<box>/extend")
@allow(*MANAGERS)
def box_extend(box: str) -> Answer:
    """Let it in for longer."""
    asked, clock = read_form(ExtendForm), services().clock
    until = clock.wall_us() + asked.days * _DAY_US if asked.days else None
    extend_box(database(), box, until_us=until, clock=clock, who=person().name, where=address())
    tell_next(_("The box is let in until it is revoked.") if until is None else _("The box is let in for longer."))
    return redirect(url_for("hub.box", box=box))


@BLUEPRINT.post("/rooms/<box>/media")
@allow(*MANAGERS)
def media_ask(box: str) -> Answer:
    """Ask it for a stretch of a recording."""
    asked, zone = read_form(MediaForm), shown_zone()
    try:
        ask_media(
            database(), box, sitting=asked.sitting, camera=asked.camera,
            from_us=typed_moment(asked.start, "start", zone) or 0,
            to_us=typed_moment(asked.end, "end", zone, end=True) or 0, why=asked.why, clock=services().clock,
            who=person().name, where=address(),
        )  # fmt: skip
    except NotFoundError:
        raise
    except ApplianceError as problem:
        return _page(box, problem), problem.status
    tell_next(_("The recording is asked for: it comes when the box is next there."))
    return redirect(url_for("hub.box", box=box))


@BLUEPRINT.post("/rooms/<box>/media/<media>/withdraw")
@allow(*MANAGERS)
def media_withdraw(box: str, media: str) -> Answer:
    """Ask for it no longer."""
    if get_media(database(), media).box != box:
        raise NotFoundError("There is no such request for a recording.")
    withdraw_media(database(), media, clock=services().clock, who=person().name, where=address())
    tell_next(_("The recording is no longer asked for; what has come is kept."))
    return redirect(url_for("hub.box", box=box))


def _page(box: str, problem: ApplianceError | None = None, asked: BoxForm | None = None) -> str:
    db, now = database(), services().clock.wall_us()
    found = get_box(db, box)
    standing = next(one for one in overview(db, hub().reports.heard(), now_us=now) if one.box.id == box)
    given = db.conn.execute(
        "SELECT a.kind, a.id, ifnull(e.name, s.name) FROM hub_assignment a LEFT JOIN exam e ON a.kind = 'exam' AND"
        " e.id = a.id LEFT JOIN sitting s ON a.kind = 'sitting' AND s.id = a.id WHERE a.box = ? ORDER BY 1, 3",
        (box,),
    ).fetchall()
    return render_template(
        "hub/box.html",
        one=standing,
        box=found,
        epochs=epochs_of(db, box),
        media=list_media(db, box),
        given=given,
        asked=asked or BoxForm(room=found.room, address=found.address),
        problem=problem,
        now_us=now,
        bad=BAD,
        good_until=found.valid_until_us,
        refused=found.refusal(now),
    )
