"""The calm page for a hand-over that did not work: what the candidate does now, and what staff have to know."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import render_template

from appliance.errors import ApplianceError, ConflictError, NotFoundError, UnavailableError
from appliance.exchange.record import ParametersError
from appliance.exchange.token import TokenError
from appliance.sittings.attempts import AttemptRunningError
from appliance.web.api.errors import InactiveError, TooManyError
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.refusals import note_refusal

if TYPE_CHECKING:
    from collections.abc import Sequence


def refused_page(problem: ApplianceError) -> tuple[str, int]:
    """Return the page and the status for what refused a hand-over."""
    heading, text = _words(problem)
    note_refusal(problem.status, problem.code)
    page = render_template(
        "candidate/refused.html",
        heading=heading,
        text=text,
        code=problem.code,
        details=_details(problem),
    )
    return page, problem.status


def no_ticket_page() -> tuple[str, int]:
    """Return the page for a browser that has no ticket for what it asks for."""
    note_refusal(HTTPStatus.FORBIDDEN, "candidate.no_ticket")
    heading = _("This page is not open in this browser")
    text = _(
        "It belongs to an exam that was opened in another browser, was opened again elsewhere, or has ended. Go back to"
        " where you start your exam, and start it again from there."
    )
    page = render_template("candidate/refused.html", heading=heading, text=text, code="candidate.no_ticket", details=[])
    return page, HTTPStatus.FORBIDDEN


def _words(problem: ApplianceError) -> tuple[str, str]:
    """Return heading and sentence for a candidate, who can do nothing about most of it."""
    staff = _("You have done nothing wrong. Please show this page to the invigilator.")
    if isinstance(problem, TokenError):
        return _token_words(problem.reason, staff)
    if isinstance(problem, (TooManyError, UnavailableError)):
        return _("The room's box is busy"), _("Wait a moment, then go back and start your exam again.")
    if isinstance(problem, AttemptRunningError):
        return _("Another attempt at this exam is still open"), _(
            "Finish it first, in the page where you write it. Then start the new one again from where you start your"
            " exam. If you cannot find that page, ask the invigilator."
        )
    headings: list[tuple[type[ApplianceError], str]] = [
        (InactiveError, _("Exams from there are not taken in this room at present")),
        (NotFoundError, _("This room does not know where you come from")),
        (ParametersError, _("The link to your exam says something this room does not understand")),
        (ConflictError, _("This exam belongs to somebody else")),
    ]
    known = (heading for kind, heading in headings if isinstance(problem, kind))
    return next(known, _("Your exam could not be opened")), staff


def _token_words(reason: str, staff: str) -> tuple[str, str]:
    again = _(
        "Go back to where you start your exam and start it again. If it stays, show this page to the invigilator."
    )
    if reason in {"expired", "replayed"}:
        return _("This link to your exam has run out"), again
    if reason == "missing":
        return _("This link to your exam is not complete"), again
    return (_("Two clocks differ") if reason == "future" else _("This link to your exam is not valid")), staff


def _details(problem: ApplianceError) -> Sequence[Any]:
    """Return what staff read, a line each; fields of the token are named, their values are not."""
    if isinstance(problem, ParametersError):
        return [f"{field.path}: {field.reason}" for field in problem.fields[:50]]
    return [line for line in (problem_words(problem.message), problem_words(problem.hint)) if line]
