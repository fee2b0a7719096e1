"""One-time codes by which boxes join: made, shown once, withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, request, url_for

from appliance.errors import ApplianceError
from appliance.hub.codes import MAX_HOURS, make_code, withdraw_code
from appliance.web.access import allow
from appliance.web.asking import read_form
from appliance.web.hub.blueprint import BLUEPRINT, MANAGERS
from appliance.web.hub.forms import CodeForm
from appliance.web.hub.state import hub
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

EXAMPLE: Final = "https://hall-2.local:8443"


@BLUEPRINT.route("/rooms/code", methods=["GET", "POST"])
@allow(*MANAGERS)
def code() -> Answer:
    """Make a code for the box of a room, and show it this once."""
    if request.method == "GET":
        return _form(CodeForm(room=""), None), 200
    asked = read_form(CodeForm)
    try:
        made = make_code(
            database(), hub().keys, room=asked.room, address=asked.address, hours=asked.hours, clock=services().clock,
            who=person().name, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return _form(asked, problem), problem.status
    return render_template("hub/code_made.html", made=made, hub_address=request.host_url.rstrip("/"))


@BLUEPRINT.post("/rooms/code/<number>/withdraw")
@allow(*MANAGERS)
def code_withdraw(number: str) -> Answer:
    """End a code that nobody has used."""
    withdraw_code(database(), number, clock=services().clock, who=person().name, where=address())
    tell_next(_("The code is withdrawn."))
    return redirect(url_for("hub.rooms"))


def _form(asked: CodeForm, problem: ApplianceError | None) -> str:
    return render_template("hub/code.html", asked=asked, problem=problem, max_hours=MAX_HOURS, example=EXAMPLE)
