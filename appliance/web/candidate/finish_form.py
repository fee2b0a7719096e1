"""The older form of the finish: the LMS sends the browser to an address instead of calling the box.

Its address holds no token by the guide, so who may finish is decided so:

- with ``token=`` (a JWT of the integration that names this session): whoever the LMS sends; the session is finished;
- with the candidate's own ticket: the candidate. Where the browser comes from a page of the LMS (its Referer is of an
  origin the session knows) the session is finished at once; otherwise anybody's link could end somebody's exam, so the
  candidate is asked first;
- in a frame of the exam's page, where there is no ticket: the page around it is told, and finishes with its own.

``redirectUrl`` is followed where it lies on an origin the session or the integration names; otherwise it is shown as
text, so that the box sends nobody to an address somebody else made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import current_app, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from appliance.errors import ApplianceError
from appliance.exchange.token import CALL, TokenError
from appliance.sittings.sessions import find_session, finish_session
from appliance.web.access import brought, own_forms, public
from appliance.web.api.authority import checked_token
from appliance.web.candidate import tickets
from appliance.web.candidate.addresses import known_return, origin_of
from appliance.web.candidate.blueprint import BLUEPRINT, PAGES
from appliance.web.candidate.cookies import sent_ticket
from appliance.web.candidate.deeds import finish_visit
from appliance.web.candidate.hand_over import relay
from appliance.web.candidate.known import integration_of, origins_known
from appliance.web.candidate.pass_check import NoTicketError, deed, visit
from appliance.web.candidate.refused import no_ticket_page, refused_page
from appliance.web.candidate.steps import Step
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.candidate.pass_check import Visit

_MAX: Final = 2048
_GOOD_SECONDS: Final = 60


@BLUEPRINT.get("/integration/simple/<name>/finish/<path:session_id>/")
@public
@brought
def finish_by_link(name: str, session_id: str) -> Response | tuple[str, int] | str:
    """Finish a session by the token of the address, or lead to where the browser's ticket can."""
    wanted = request.args.get("redirectUrl", "")[:_MAX]
    if request.headers.get("Sec-Fetch-Dest") == "iframe":
        return relay("finish")
    if request.args.get("token"):
        try:
            return _finished_by_token(name, session_id, wanted)
        except ApplianceError as problem:
            return refused_page(problem)
    sent = _signer().dumps([name, session_id, origin_of(request.headers.get("Referer", "")) or "", wanted])
    return redirect(url_for("candidate.leave", sent=sent), 303)


@BLUEPRINT.get(f"{PAGES}/leave")
@public
def leave() -> Response | tuple[str, int] | str:
    """Finish with the browser's ticket, at once or after asking."""
    try:
        name, session_id, origin, wanted = _sent()
        found = _own_visit()
    except NoTicketError:
        return no_ticket_page()
    session = found.facts.session
    if (name, session_id) != (integration_of(database(), session).name, session.session_id):
        return no_ticket_page()
    target = known_return(wanted, origins_known(database(), session))
    if found.shown.step is Step.EXAM:
        if origin not in origins_known(database(), session):
            return _asking(found, target or "")
        finish_visit(found, finish_url=target)
    return redirect(target, 303) if target else _finished_page(found.facts.candidate.display_name, wanted)


@BLUEPRINT.post(f"{PAGES}/<session>/leave")
@public
@own_forms
def leave_surely(session: str) -> Response | tuple[str, int]:
    """Finish after asking; the page that follows offers the way back."""
    try:
        found = deed(session)
    except NoTicketError:
        return no_ticket_page()
    target = known_return(request.form.get("redirectUrl", "")[:_MAX], origins_known(database(), found.facts.session))
    if request.form.get("sure") == "yes":
        finish_visit(found, finish_url=target)
    return redirect(url_for("candidate.exam", session=session), 303)


def _finished_by_token(name: str, session_id: str, wanted: str) -> Response | str:
    db = database()
    caller = checked_token(name, request.args["token"], CALL, db=db)
    named = caller.token.parameters.get("sessionId", session_id)
    if str(named) != session_id:
        raise TokenError("The token is for another session.", reason="session")
    session = find_session(db, caller.integration.id, session_id)
    target = known_return(wanted, origins_known(database(), session))
    finish_session(
        db, session, who=caller.integration.name, role="lms", clock=services().clock, finish_url=target,
        where=address(),
    )  # fmt: skip
    return redirect(target, 303) if target else _finished_page("", wanted)


def _sent() -> tuple[str, str, str, str]:
    """Return what `finish_by_link` found out: integration, session, the origin the browser came from, where to."""
    try:
        name, session_id, origin, wanted = _signer().loads(
            request.args.get("sent", "")[: 4 * _MAX], max_age=_GOOD_SECONDS
        )
    except (BadSignature, ValueError, TypeError) as problem:
        raise NoTicketError("This link has run out.") from problem
    return str(name), str(session_id), str(origin), str(wanted)


def _own_visit() -> Visit:
    """Return the visit of the session the browser's ticket is for; the address names none.

    Raises:
        NoTicketError: as `pass_check.visit`.
    """
    ticket = tickets.find_ticket(database(), sent_ticket(), clock=services().clock)
    return visit(ticket.session if ticket else "")


def _asking(found: Visit, target: str) -> str:
    return render_template(
        "candidate/leave.html",
        facts=found.facts,
        candidate_name=found.facts.candidate.display_name,
        form_token=found.ticket.form_token,
        target=target,
    )


def _finished_page(name: str, unknown_link: str) -> str:
    return render_template("candidate/left.html", candidate_name=name, unknown_link=unknown_link)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt="candidate finish")
