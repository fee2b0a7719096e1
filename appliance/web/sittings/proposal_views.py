"""What the central service wants changed in a running sitting: accepted or declined by the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.context import Taking
from appliance.centre.keys import load_centre_keys
from appliance.centre.proposals import proposals
from appliance.centre.taking_over import accept_proposal, decline_proposal
from appliance.errors import ApplianceError, MissingKeyError, NotFoundError
from appliance.outbox.epochs import known_box
from appliance.sittings.runs import run_of
from appliance.web import problems
from appliance.web.access import allow
from appliance.web.api.state import api
from appliance.web.asking import read_form, speaks
from appliance.web.language import gettext as _
from appliance.web.refusals import note_refusal
from appliance.web.services import address, database, person, services
from appliance.web.sittings.act_views import Acted, done_page
from appliance.web.sittings.asked import ReasonForm
from appliance.web.sittings.blueprint import BLUEPRINT, STAFF
from appliance.web.sittings.day_views import day_page

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer


@BLUEPRINT.post("/sittings/<sitting>/proposals/<int:proposal>/accept")
@allow(*STAFF)
@speaks(form=ReasonForm, answer=Acted, errors=(404, 409, 422))
def accept_proposed(sitting: str, proposal: int) -> Answer:
    """Let a change of the central service count in this sitting from now on."""
    why = read_form(ReasonForm).why
    return _decided(sitting, proposal, _("The central service's change is accepted."), why=why, accept=True)


@BLUEPRINT.post("/sittings/<sitting>/proposals/<int:proposal>/decline")
@allow(*STAFF)
@speaks(form=ReasonForm, answer=Acted, errors=(404, 409, 422))
def decline_proposed(sitting: str, proposal: int) -> Answer:
    """Go on without a change of the central service, for a reason that it is told."""
    why = read_form(ReasonForm).why
    return _decided(
        sitting, proposal, _("The central service's change is declined; it is told why."), why=why, accept=False
    )


def _decided(sitting: str, number: int, said: str, *, why: str, accept: bool) -> Answer:
    db = database()
    try:
        _check_of(sitting, number)
        if accept:
            accept_proposal(db, number, _taking(), why=why)
        else:
            decline_proposal(db, number, _taking(), why=why)
    except ApplianceError as problem:
        if not problems.wants_page():
            raise
        note_refusal(problem.status, problem.code)
        return day_page(sitting, problem=problem), problem.status
    return done_page(sitting, run_of(db, sitting), said)


def _check_of(sitting: str, number: int) -> None:
    run_of(database(), sitting)
    if all(one.waiting.number != number for one in proposals(database(), sitting)):
        raise NotFoundError(
            "This proposal of the central service waits no more.",
            hint="Somebody was faster, the central service replaced it, or the sitting is over: load the page again.",
        )


def _taking() -> Taking:
    box = services()
    try:
        keys = load_centre_keys(box.settings.keys_dir)
    except MissingKeyError:
        keys = None  # what holds no secret is taken over without them
    return Taking(
        box.settings, box.clock, known_box(database()), api().keys, keys, accepted_by=person().name, where=address()
    )
