"""The hand-over: a browser comes from the LMS with a signed token that holds everything, and leaves without it.

The token is the authority, so neither a form token nor a cookie is asked for (`access.brought`). What follows is one
transaction: the token is remembered, exam, candidate and session are made or changed, the sitting is found, and the
browser gets a ticket for this one session. Then it is sent on, so that the token leaves the address bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, request, url_for

from appliance.database import write
from appliance.errors import ApplianceError
from appliance.exchange.session_parameters import parse_start
from appliance.exchange.token import HAND_OVER, TokenError
from appliance.sittings.hand_over import hand_over
from appliance.sittings.sessions import find_session
from appliance.web import headers
from appliance.web.access import brought, public
from appliance.web.api.authority import Caller, once, recognised
from appliance.web.api.errors import ReplayedTokenError
from appliance.web.candidate import tickets
from appliance.web.candidate.blueprint import BLUEPRINT
from appliance.web.candidate.cookies import give_ticket
from appliance.web.candidate.refused import refused_page
from appliance.web.language.asked import speak
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.exchange.session_parameters import StartParameters

MAX_FORM: Final = 2 * HAND_OVER.max_characters
"""A form with a token of the greatest length, whatever of it is escaped."""


@BLUEPRINT.route("/integration/simple/<name>/start/", methods=["GET", "POST"])
@public
@brought
def start(name: str) -> Response | tuple[str, int] | str:
    """Take a candidate over from the LMS and send the browser to its exam.

    A token that came before (it has a ``jti``) changes nothing and opens nothing; whoever has the ticket goes on.
    """
    if request.headers.get("Sec-Fetch-Dest") == "iframe":
        return relay("start")
    request.max_content_length = request.max_form_memory_size = MAX_FORM
    db = database()
    try:
        caller = recognised(name, sent_token(), HAND_OVER, db=db)
        speak(_text(caller.token.parameters.get("language")))
        said = parse_start(caller.token.parameters)
        try:
            session, ticket = _taken_over(caller, said)
        except ReplayedTokenError:
            known = find_session(db, caller.integration.id, said.session.session_id.text)
            return redirect(url_for("candidate.exam", session=known.id), 303)
    except ApplianceError as problem:
        return refused_page(problem)
    response = redirect(url_for("candidate.exam", session=session), 303)
    give_ticket(response, ticket)
    return response


def _taken_over(caller: Caller, said: StartParameters) -> tuple[str, str]:
    """Return the session's id and the new ticket; all of it is durable, or nothing happened."""
    box, db = services(), database()
    with write(db):
        once(db, caller)
        done = hand_over(db, caller.integration, said, clock=box.clock, settings=box.settings, where=address())
        ticket = tickets.open_ticket(db, done.session.id, address=address(), clock=box.clock)
    return done.session.id, ticket


def sent_token() -> str | TokenError:
    """Return the token of a form or an address, or why there is none."""
    text = (request.form.get("token") if request.method == "POST" else None) or request.args.get("token", "")
    if not text.strip():
        return TokenError("The address has no token.", reason="missing")
    return text.strip()


def relay(what: str) -> str:
    """Return the page for a frame of ours that the exam's page has led here: it tells the page around it.

    A frame has no ticket (browsers withhold it there), and the exam must not be torn out of its page.
    """
    headers.be_framed_by("'self'")
    return render_template("candidate/relay.html", what=what, target=request.args.get("redirectUrl", "")[:2048])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
