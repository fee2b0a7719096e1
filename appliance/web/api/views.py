"""The calls of an LMS: an exam made or changed, a session finished, a session's status."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from flask import Blueprint, request

from appliance.exchange.enums import SessionStatus
from appliance.exchange.exam_parameters import parse_exam
from appliance.exchange.messages import finish_body, status_body
from appliance.exchange.session_parameters import parse_finish
from appliance.exchange.token import TokenError, token_of_header
from appliance.hub.sessions import facts_at_hub, finish_at_hub
from appliance.sittings.exams import put_exam
from appliance.sittings.sessions import find_session, finish_session, session_facts
from appliance.web.access import View, public
from appliance.web.api import description
from appliance.web.api.answers import told
from appliance.web.api.authority import Caller, note_use, noted, once, recognised, refuse_replay
from appliance.web.api.bodies import body_bytes, json_of
from appliance.web.api.errors import ReplayedTokenError, TooManyError
from appliance.web.api.paths import PREFIX
from appliance.web.api.state import api
from appliance.web.services import address, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from sqlite_utils import Database

    from appliance.sittings.values import Kept, StoredSession

BLUEPRINT = Blueprint("api", __name__)
_AT: Final = f"{PREFIX}integration/simple/<name>"


def _call(method: str, path: str) -> Callable[[View], View]:
    """Register a call under an address with and without the slash at its end: neither is a redirect to the other.

    Many clients send a POST that is redirected on without its body.
    """

    def register(view: View) -> View:
        for spelling in (path, path.rstrip("/")):
            BLUEPRINT.add_url_rule(
                f"{_AT}{spelling}",
                view_func=public(view),
                methods=[method],
                strict_slashes=False,
                merge_slashes=False,
                provide_automatic_options=False,
            )
        return view

    return register


@_call("POST", "/exams/")
def exams(name: str) -> Response:
    """Create an exam, or change it to what is said now: by account and examId. 201 or 200 with what holds now."""
    with api().connections.one() as db:
        caller = _caller(name, db)
    parameters = parse_exam(json_of(_body(), request.mimetype))
    box, where = services(), address()

    def act(db: Database) -> Kept:
        refuse_replay(db, caller, now_us=box.clock.wall_us())
        return put_exam(db, caller.integration, parameters, clock=box.clock, who=who_of(caller), where=where)

    try:
        done = api().committer.run(act)
    except ReplayedTokenError as problem:
        raise noted(caller, problem) from problem
    return told(done.parameters, 201 if done.created else 200)


@_call("POST", "/sessions/<path:session_id>/finish/")
def finish(name: str, session_id: str) -> Response:
    """Finish a session; one that was booked and has not begun is given up. Says whether that changed anything."""
    with api().connections.one() as db:
        caller = _caller(name, db)
        asked = parse_finish(json_of(body_bytes(), request.mimetype, may_be_empty=True))
        once(db, caller)
        session = find_session(db, caller.integration.id, session_id)
        changed = _finished(db, session, who_of(caller), asked.session_finish_url)
    return told(finish_body(changed=changed))


@_call("GET", "/sessions/<path:session_id>/status/")
def status(name: str, session_id: str) -> Response:
    """Say how a session stands, and from when to when it lasted."""
    with api().connections.one() as db:
        caller = _caller(name, db)
        once(db, caller)
        session = find_session(db, caller.integration.id, session_id)
        now_us, at_hub = services().clock.wall_us(), services().settings.is_hub
        facts = facts_at_hub(db, session, now_us=now_us) if at_hub else session_facts(db, session.id, now_us=now_us)
    stands = SessionStatus(facts.status.value)
    return told(status_body(facts.name, stands, start_us=facts.start_us, end_us=facts.end_us))


@BLUEPRINT.get(f"{PREFIX}openapi.json")
@public
def document() -> Response:
    """Describe the API; there is no secret in that."""
    return told(description.build())


def _finished(db: Database, session: StoredSession, who: str, finish_url: str | None) -> bool:
    """End a session here, or ask the box that has it to; return whether that changed anything."""
    clock, where = services().clock, address()
    if services().settings.is_hub:
        return finish_at_hub(db, session, who=who, clock=clock, finish_url=finish_url, where=where)
    return finish_session(db, session, who=who, role="lms", clock=clock, finish_url=finish_url, where=where)


def _body() -> bytes:
    """Return the body of a call that is computed in turn: it is here already (`turns.read_ahead`) if not in chunks."""
    if "HTTP_TRANSFER_ENCODING" not in request.environ:
        return body_bytes()
    with api().turn.aside():
        return body_bytes()


def who_of(caller: Caller) -> str:
    """Return how the log names an LMS."""
    return f"LMS {caller.integration.name}"


def _caller(name: str, db: Database) -> Caller:
    """Return who calls, within their limit.

    Raises:
        TooManyError: they called too often.
        ApplianceError: as `authority.recognised`.
    """
    text: str | TokenError
    try:
        text = token_of_header(request.headers.get("Authorization"))
    except TokenError as problem:
        text = problem
    caller = recognised(name, text, db=db)
    note_use(db, caller)
    wait = api().calls.take(caller.integration.id)
    if wait:
        raise TooManyError("This integration calls more often than the box takes.", math.ceil(wait))
    return caller
