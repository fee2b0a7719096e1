"""What a candidate does who books a time: takes a place in a sitting, gives it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from flask import redirect, url_for
from msgspec import Meta

from appliance.errors import ConflictError
from appliance.sittings.sessions import session_facts
from appliance.sittings.slots import book_slot, give_up_slot
from appliance.web.access import own_forms, public
from appliance.web.asking import read_form
from appliance.web.candidate.blueprint import BLUEPRINT, PAGES
from appliance.web.candidate.deeds import ActForm
from appliance.web.candidate.facts import shown_of
from appliance.web.candidate.pages import step_page
from appliance.web.candidate.pass_check import NoTicketError, Visit, deed
from appliance.web.candidate.refused import no_ticket_page
from appliance.web.language.problems import problem_words
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class BookForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sitting is chosen; empty: none was."""

    form_token: Annotated[str, Meta(max_length=100)]
    sitting: Annotated[str, Meta(max_length=60)] = ""


@BLUEPRINT.post(f"{PAGES}/<session>/book")
@public
@own_forms
def book(session: str) -> Response | str | tuple[str, int]:
    """Book the sitting the candidate chose."""
    try:
        found = deed(session)
    except NoTicketError:
        return no_ticket_page()
    form = read_form(BookForm)
    try:
        book_slot(database(), found.facts.session, form.sitting, clock=services().clock, where=address())
    except ConflictError as problem:
        return _again(found, problem)
    return redirect(url_for("candidate.exam", session=session), 303)


@BLUEPRINT.post(f"{PAGES}/<session>/give-up")
@public
@own_forms
def give_up(session: str) -> Response | str | tuple[str, int]:
    """Give the booked sitting up; the list is shown again."""
    try:
        found = deed(session)
    except NoTicketError:
        return no_ticket_page()
    read_form(ActForm)
    try:
        give_up_slot(database(), found.facts.session, clock=services().clock, where=address())
    except ConflictError as problem:
        return _again(found, problem)
    return redirect(url_for("candidate.exam", session=session), 303)


def _again(found: Visit, problem: ConflictError) -> tuple[str, int]:
    """Show where the candidate stands now, with what was not possible above it."""
    now_us = services().clock.wall_us()
    facts = session_facts(database(), found.facts.session.id, now_us=now_us)
    visit = Visit(found.ticket, facts, shown_of(facts, now_us), now_us)
    said = f"{problem_words(problem.message)} {problem_words(problem.hint)}"
    return step_page(visit, visit.shown, problem=said), problem.status
