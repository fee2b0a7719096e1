"""A candidate comes from the LMS to the hub: the browser is sent to the box of their room, with the same token.

The two views stand where a box has its own of the same addresses (`hub.role`). The box checks the token again, with the
secret the hub sealed to it. So the hub remembers no token that is good once: the box does
(``docs/decisions/0011-sessions-through-the-hub.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from flask import redirect, render_template, request

from appliance.errors import ApplianceError, NotFoundError
from appliance.exchange.session_parameters import parse_start
from appliance.exchange.token import HAND_OVER
from appliance.hub.sessions import arrive, box_of_session
from appliance.sittings.session_rows import find_session
from appliance.web import headers
from appliance.web.access import brought, public
from appliance.web.api.authority import recognised
from appliance.web.candidate.addresses import origins_of
from appliance.web.candidate.hand_over import MAX_FORM, sent_token
from appliance.web.candidate.refused import refused_page
from appliance.web.language import gettext as _
from appliance.web.language.asked import speak
from appliance.web.refusals import note_refusal
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.hub.sessions import Placed

_NO_ROOM: Final = "hub.no_room"
_NO_ROOM_STATUS: Final = 409


@public
@brought
def start(name: str) -> Response | tuple[str, int] | str:
    """Send a candidate's browser to the box that has their exam."""
    request.max_content_length = request.max_form_memory_size = MAX_FORM
    db = database()
    try:
        text = sent_token()
        caller = recognised(name, text, HAND_OVER, db=db)
        language = caller.token.parameters.get("language")
        speak(language if isinstance(language, str) else "")
        placed = arrive(
            db, caller.integration, parse_start(caller.token.parameters), chosen=_chosen(), clock=services().clock,
            settings=services().settings, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return refused_page(problem)
    if placed.box is not None and placed.box.reached_at:
        return _sent_on(placed.box.reached_at, name, "start", str(text))
    if placed.box is None and any(one.reached_at for one in placed.rooms):
        headers.send_forms_to(*sorted(origins_of(one.reached_at for one in placed.rooms)))
        return render_template("hub/choose_room.html", rooms=placed.rooms, token=text, name=name)
    return _no_room(placed)


@public
@brought
def archive(name: str, session_id: str) -> Response | tuple[str, int]:
    """Send a reviewer whom the LMS brings to the box that holds the recordings of a session."""
    request.max_content_length = request.max_form_memory_size = MAX_FORM
    db = database()
    try:
        text = sent_token()
        caller = recognised(name, text, HAND_OVER, db=db)
        session = find_session(db, caller.integration.id, session_id)
        box = box_of_session(db, session.id)
        if box is None or not box.reached_at:
            raise NotFoundError(
                "No room's box that can be reached has recordings of this session.",
                hint="Look at “Rooms” whether the box's address is entered.",
            )
    except ApplianceError as problem:
        return refused_page(problem)
    return _sent_on(box.reached_at, name, f"archive/{quote(session_id, safe='')}", str(text))


def _sent_on(base: str, name: str, what: str, token: str) -> Response:
    """Send a browser on with its token; a form is sent on as a form (307), so that no token stands in an address."""
    there = f"{base}/integration/simple/{quote(name, safe='')}/{what}/"
    if request.method == "POST" and "token" in request.form:
        return redirect(there, 307)
    return redirect(f"{there}?{urlencode({'token': token})}", 303)


def _chosen() -> str:
    return request.form.get("box", "")[:64] if request.method == "POST" else ""


def _no_room(placed: Placed) -> tuple[str, int]:
    """Say that nobody has said in which room this exam is written, or where its box is."""
    note_refusal(_NO_ROOM_STATUS, _NO_ROOM)
    heading = _("Your exam is not open in any room yet")
    text = _("You have done nothing wrong. Please show this page to the staff of the exam.")
    detail = (
        _("The address of the box of %(room)s is not known: enter it under “Rooms”.", room=placed.box.room)
        if placed.box is not None
        else _("This exam is not assigned to a room: assign it under “Exams and rooms”.")
    )
    page = render_template("candidate/refused.html", heading=heading, text=text, code=_NO_ROOM, details=[detail])
    return page, _NO_ROOM_STATUS
