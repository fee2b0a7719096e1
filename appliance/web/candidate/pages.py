"""The candidate's page: one address, one step at a time; and what it is told while it stands open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import render_template, request

from appliance.web import headers
from appliance.web.access import public
from appliance.web.asking import speaks
from appliance.web.candidate import tickets, words
from appliance.web.candidate.addresses import READY, framed, origin_of
from appliance.web.candidate.blueprint import BLUEPRINT, PAGES
from appliance.web.candidate.book import booking_words
from appliance.web.candidate.facts import StateAnswer, needs_a_person, state_of
from appliance.web.candidate.notice import notice_for
from appliance.web.candidate.pass_check import NoTicketError, visit
from appliance.web.candidate.refused import no_ticket_page
from appliance.web.candidate.steps import BEFORE_AGREEMENT, Step
from appliance.web.services import database, services

if TYPE_CHECKING:
    from appliance.sittings.values import SessionFacts
    from appliance.web.candidate.pass_check import Visit
    from appliance.web.candidate.steps import Shown


@BLUEPRINT.get(f"{PAGES}/<session>/")
@public
def exam(session: str) -> str | tuple[str, int]:
    """Show the candidate the one step they are at."""
    try:
        found = visit(session, request.args.get("at", "")[:20])
    except NoTicketError:
        return no_ticket_page()
    tickets.touch_ticket(database(), found.ticket, clock=services().clock)
    return step_page(found, found.shown)


@BLUEPRINT.get(f"{PAGES}/<session>/state")
@public
@speaks(answer=StateAnswer, errors=(403,))
def state(session: str) -> dict[str, Any]:
    """Tell the page where its candidate stands; it asks every few seconds."""
    found = visit(session)
    tickets.touch_ticket(database(), found.ticket, clock=services().clock)
    return told(found.facts, found.now_us)


def told(facts: SessionFacts, now_us: int) -> dict[str, Any]:
    """Return the state as it is sent."""
    answer: dict[str, Any] = msgspec.to_builtins(state_of(facts, now_us, services().zone))
    return answer


def step_page(found: Visit, shown: Shown, *, problem: str = "") -> str:
    """Return the page of a step.

    Args:
        found: whose.
        shown: the step, which is the visit's own or one that has to be done again.
        problem: why it has to be done again, in words.
    """
    common = {
        "facts": found.facts,
        "shown": shown,
        "now_us": found.now_us,
        "state": state_of(found.facts, found.now_us, services().zone),
        "form_token": found.ticket.form_token,
        "candidate_name": found.facts.candidate.display_name,
        "times": _times(found),
        "needs_a_person": needs_a_person(shown),
    }
    if shown.step is Step.EXAM:
        return _exam_page(found, common)
    if shown.step in {Step.BOOKING, Step.BOOKED}:
        return render_template(f"candidate/{shown.step}.html", **common, problem=problem, **booking_words(found))
    allowed, forbidden = words.allowed_words(found.facts.exam.rules)
    return render_template(
        f"candidate/{shown.step}.html",
        **common,
        problem=problem,
        steps=BEFORE_AGREEMENT,
        allowed=allowed,
        forbidden=forbidden,
        calculator=words.calculator_words(str(found.facts.session.parameters.get("calculator") or "")),
        notice=notice_for(database(), services().settings, found.facts.exam),
    )


def _exam_page(found: Visit, common: dict[str, Any]) -> str:
    session_url = found.facts.session.session_url
    origin = origin_of(session_url)
    if origin is not None:
        headers.show_frame_of(origin, "'self'")
    return render_template(
        "candidate/exam.html",
        **common,
        frame_origin=origin or "",
        frame_address=framed(session_url, request.host_url.rstrip("/")) if origin else "",
        plain_address=session_url,
        ready_word=READY,
    )


def _times(found: Visit) -> dict[str, str]:
    """Return the times of the first page, in words: when it begins, how long it takes, until when it can be begun."""
    facts, zone, now_us = found.facts, services().zone, found.now_us
    planned = facts.sitting.start_us if facts.sitting else facts.exam.window_start_us
    end = facts.end
    extra = sum(one.amount_us for one in end.reasons if one.kind == "planned_extra") if end else 0
    return {
        "start": words.clock_words(planned, zone, now_us=now_us),
        "last": words.clock_words(facts.exam.window_end_us, zone, now_us=now_us),
        "duration": words.amount_words(facts.exam.duration_us),
        "extra": words.amount_words(extra) if extra else "",
    }
