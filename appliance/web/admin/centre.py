"""The central service: join it, how things stand with it, what waits, sticks both ways, leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from appliance.centre.context import Taking
from appliance.centre.enrolling import enrol
from appliance.centre.keys import load_centre_keys
from appliance.centre.media import media_asked
from appliance.centre.status import centre_status, keys_problem
from appliance.centre.sticks import export_items, import_changes, list_sticks
from appliance.centre.store import get_centre, leave_centre
from appliance.centre.waiting_rows import waiting_changes
from appliance.errors import ApplianceError, BadInputError
from appliance.exchange.centre.bundle import MAX_FILE, SUFFIX
from appliance.outbox.epochs import known_box
from appliance.vault.key_files import MAX_KEY_FILE_BYTES
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import centre_words, delivery_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.api.state import api
from appliance.web.body_limits import takes_up_to
from appliance.web.language import gettext as _
from appliance.web.language import lazy_gettext
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.centre.sticks import Read
    from appliance.web.account.pages import Answer

ACTORS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
READERS: Final = (*ACTORS, AUDITOR)
SECTION: Final = "admin.centre"
MAX_UPLOAD: Final = MAX_FILE + 64 * 1024


class EnrolForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What joins a centre."""

    code = StringField(lazy_gettext("Code"), [DataRequired(lazy_gettext("Enter the code.")), Length(max=100)])
    address = StringField(
        lazy_gettext("Address of the central service"),
        [DataRequired(lazy_gettext("Enter the address.")), Length(max=200)],
    )
    ca = TextAreaField(lazy_gettext("Certificate of its authority"), [Length(max=MAX_KEY_FILE_BYTES)])


@BLUEPRINT.get("/admin/centre")
@allow(*READERS)
def centre() -> str:
    """Show how box and centre stand, or how to join one."""
    return _page()


@BLUEPRINT.post("/admin/centre/join")
@allow(ADMINISTRATOR)
def centre_join() -> Answer:
    """Join a centre by its one-time code."""
    form = EnrolForm()
    if not form.validate_on_submit():
        return _page(form), 422
    box = services()
    try:
        made = enrol(
            database(), box.settings, form.code.data, address=form.address.data, ca=(form.ca.data or "").strip(),
            clock=box.clock, who=person().name, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return _page(form, problem), problem.status
    tell_next(_("This box belongs to %(name)s now. What is there for this room comes by itself.", name=made.name))
    return redirect(url_for(SECTION), 303)


@BLUEPRINT.post("/admin/centre/leave")
@allow(ADMINISTRATOR)
def centre_leave() -> Answer:
    """Belong to no centre any more."""
    left = leave_centre(database(), clock=services().clock, who=person().name, where=address())
    tell_next(
        _("This box does not belong to %(name)s any more. Join again with a new code to undo it.", name=left.name)
    )
    return redirect(url_for(SECTION), 303)


@BLUEPRINT.post("/admin/centre/stick")
@allow(*ACTORS)
def centre_export() -> Answer:
    """Give what waits for the centre as a file for a stick."""
    try:
        written = export_items(database(), _taking(), who=person().name, where=address())
    except ApplianceError as problem:
        return _page(problem=problem), problem.status
    name = f"{known_box(database())}-{written.number[:8]}{SUFFIX}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(written.data, content_type="application/octet-stream", headers=headers)


@BLUEPRINT.post("/admin/centre/read-stick")
@allow(*ACTORS)
@takes_up_to(MAX_UPLOAD)
def centre_import() -> Answer:
    """Take over what a file of the centre holds."""
    try:
        read = import_changes(database(), _uploaded(), _taking(), who=person().name, where=address())
    except ApplianceError as problem:
        return _page(problem=problem), problem.status
    tell_next(_said(read))
    return redirect(url_for(SECTION), 303)


def _uploaded() -> bytes:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise BadInputError("No file was chosen.", hint="Choose the file that the central service wrote for this box.")
    data: bytes = file.read(MAX_FILE + 1)
    return data


def _said(read: Read) -> str:
    taken = read.taken
    parts = [_n("%(num)s change was taken over.", "%(num)s changes were taken over.", taken.applied)]
    if read.before_us is not None:
        parts.insert(0, _("This file was read before; that does no harm."))
    if taken.proposed:
        parts.append(_n("%(num)s change waits for the room.", "%(num)s changes wait for the room.", taken.proposed))
    if taken.held:
        parts.append(_("What cannot be taken over yet is listed below, with the reason."))
    if read.receipts:
        parts.append(_n("%(num)s item has arrived there.", "%(num)s items have arrived there.", read.receipts))
    return " ".join(parts)


def _taking() -> Taking:
    box = services()
    get_centre(database())  # a box of no centre has no keys either; that it has none is said first
    keys = load_centre_keys(box.settings.keys_dir)
    return Taking(box.settings, box.clock, known_box(database()), api().keys, keys, accepted_by="", where=address())


def _page(form: EnrolForm | None = None, problem: ApplianceError | None = None) -> str:
    box, db = services(), database()
    stands = centre_status(db, box.settings, box.clock)
    found = stands.centre
    facts: dict[str, Any] = {"waiting": [], "sticks": [], "media": [], "keys_problem": None}
    if found is not None:
        facts = {
            "waiting": waiting_changes(db, found.hub),
            "sticks": list_sticks(db, found.hub),
            "media": media_asked(db, found.hub, limit=20),
            "keys_problem": keys_problem(found, box.settings.keys_dir),
        }
    return render_template(
        "admin/centre.html",
        stands=stands,
        centre=found,
        form=form or EnrolForm(formdata=None),
        problem=problem,
        words=centre_words,
        delivery_words=delivery_words,
        now_us=box.clock.wall_us(),
        section_endpoint=SECTION,
        **facts,
    )
