"""The one way into a candidate's page: the browser's ticket is for the session of the address, and good now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import request

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.sittings.sessions import session_facts
from appliance.web.candidate import tickets
from appliance.web.candidate.cookies import sent_ticket
from appliance.web.candidate.facts import shown_of
from appliance.web.candidate.steps import Step
from appliance.web.language.asked import speak
from appliance.web.services import database, services

if TYPE_CHECKING:
    from appliance.sittings.values import SessionFacts
    from appliance.web.candidate.steps import Shown
    from appliance.web.candidate.tickets import Ticket

FORM_HEADER: Final = "X-Exambox-Form"
FORM_FIELD: Final = "form_token"
AFTER_FINISH_US: Final = 3600 * SECOND_US
"""For so long after the end the page still says that it is over, and shows the way back; it shows nothing else."""


class NoTicketError(ApplianceError):
    """This browser has no ticket for this session, or none that is good any more."""

    code = "candidate.no_ticket"
    status = 403


class StaleFormError(ApplianceError):
    """A form without its ticket's token, as another page would send it."""

    code = "form.stale"
    status = 400


@dataclass(frozen=True, slots=True)
class Visit:
    """A candidate's request that was let in."""

    ticket: Ticket
    facts: SessionFacts
    shown: Shown
    now_us: int

    @property
    def is_over(self) -> bool:
        """Whether nothing can be done any more."""
        return self.shown.step in {Step.FINISHED, Step.CLOSED}


def visit(session: str, asked: str = "") -> Visit:
    """Return the visit of whoever asks for a session's page; from then on the answer is in the candidate's language.

    Raises:
        NoTicketError: no ticket, one for another session, one another browser took over, or the exam is long over.
    """
    box, db = services(), database()
    ticket = tickets.find_ticket(db, sent_ticket(), clock=box.clock)
    if ticket is None or ticket.session != session or ticket.taken_over:
        raise NoTicketError(
            "This page is not open in this browser.",
            hint="Go back to where you start your exam, and start it again from there.",
        )
    now_us = box.clock.wall_us()
    facts = session_facts(db, session, now_us=now_us)
    finished = facts.session.finished_us
    found = shown_of(facts, now_us, asked)
    if ticket.aged and found.step is not Step.EXAM:
        raise NoTicketError("This page was open for too long.", hint="Start your exam again from where you started it.")
    if found.step is Step.FINISHED and finished is not None and now_us >= finished + AFTER_FINISH_US:
        raise NoTicketError("This exam has ended.", hint="Go back to where you started it.")
    speak(facts.candidate.language)
    return Visit(ticket, facts, found, now_us)


def deed(session: str) -> Visit:
    """Return the visit of whoever does something there.

    Raises:
        NoTicketError: as `visit`.
        StaleFormError: the form does not carry its ticket's token.
    """
    found = visit(session)
    given = request.headers.get(FORM_HEADER, "") or request.form.get(FORM_FIELD, "")
    if not tickets.is_form_of(found.ticket, given):
        raise StaleFormError(
            "This page was open for too long, or belongs to an earlier session.",
            hint="Reload the page and try again; nothing was changed.",
        )
    tickets.touch_ticket(database(), found.ticket, clock=services().clock)
    return found
