"""`archive`: a reviewer comes from the LMS with a signed token, or somebody of the box by the same link without one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import redirect, request, url_for
from msgspec import Meta

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exchange.session_parameters import parse_archive
from appliance.exchange.token import HAND_OVER, TokenError
from appliance.integrations.store import find_integration
from appliance.sittings.sessions import find_session
from appliance.web.access import allow, brought, own_forms, public
from appliance.web.api.authority import once, recognised
from appliance.web.asking import read_query
from appliance.web.candidate.hand_over import MAX_FORM, sent_token
from appliance.web.language.asked import speak
from appliance.web.review.archive_access import NoArchivePassError, let_lms_frame_it, opened_with
from appliance.web.review.archive_pass import PLACE, ArchivePass, code_of, give_pass, pass_of_code
from appliance.web.review.blueprint import BLUEPRINT, READERS
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.exchange.session_parameters import ArchiveParameters
    from appliance.exchange.token import Token
    from appliance.web.api.authority import Caller

NEW_US: Final = 10 * 60 * SECOND_US
"""A token without an end counts as new for so long after it was issued."""
_MAX_PERSON: Final = 200


class SessionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which session, as the LMS names it."""

    integration: Annotated[str, Meta(min_length=1, max_length=80)]
    session: Annotated[str, Meta(min_length=1, max_length=255)]


@BLUEPRINT.route("/integration/simple/<name>/archive/<path:session_id>/", methods=["GET", "POST"])
@public
@brought
def archive(name: str, session_id: str) -> Response:
    """Let a reviewer into one session's recordings; without a token, lead people of the box to their own page of it."""
    request.max_content_length = request.max_form_memory_size = MAX_FORM
    token = sent_token()
    if isinstance(token, TokenError) and request.method == "GET":
        return redirect(url_for("review.of_session", integration=name, session=session_id), 303)
    box, db = services(), database()
    caller = recognised(name, token, HAND_OVER, db=db)
    let_lms_frame_it(caller.integration)
    now_us = box.clock.wall_us()
    _check_age(caller.token, now_us)
    said = parse_archive(caller.token.parameters)
    speak(said.person.language)
    if said.session_id.text != session_id:
        raise TokenError("The token is for another session.", reason="session")
    session = find_session(db, caller.integration.id, session_id)
    held = ArchivePass(
        session=session.id,
        person=_person(caller, said),
        language=said.person.language or "",
        return_url=said.return_url or "",
        made_us=now_us,
        seen_us=now_us,
        framed=request.headers.get("Sec-Fetch-Dest") == "iframe",
    )
    with write(db):
        once(db, caller)
        auditlog.append(
            db, "review.archive_opened", clock=box.clock, who=held.person, where=address(),
            detail={"integration": caller.integration.name, "session": session.id},
        )  # fmt: skip
    code = code_of(held) if held.framed else None
    response = redirect(url_for("review.archive_page", session=session.id, code=code), 303)
    give_pass(response, held)
    return response


@BLUEPRINT.post(f"{PLACE}/<session>/window")
@public
@own_forms
def archive_window(session: str) -> Response:
    """Open the archive in a window of its own: a frame in which browsers keep no cookies cannot show it."""
    now_us = services().clock.wall_us()
    held = pass_of_code(request.form.get("code", "")[:4096], session, now_us)
    if held is None:
        raise NoArchivePassError
    opened_with(held, now_us)
    response = redirect(url_for("review.archive_page", session=session), 303)
    give_pass(response, replace(held, framed=False))
    return response


@BLUEPRINT.get("/recordings-of")
@allow(*READERS)
def of_session() -> Response:
    """Lead somebody of the box to the page of a session's review."""
    asked = read_query(SessionQuery)
    db = database()
    session = find_session(db, find_integration(db, asked.integration).id, asked.session)
    return redirect(url_for("review.session_page", session=session.id))


def _check_age(token: Token, now_us: int) -> None:
    """Refuse a token that has neither an end nor a recent beginning: pictures of people are not opened by it for ever.

    Raises:
        TokenError: it has none.
    """
    issued = token.claims.get("iat")
    recent = isinstance(issued, (int, float)) and now_us - issued * SECOND_US < NEW_US
    if token.expires_us is None and not recent:
        raise TokenError(
            "The token has no end (exp).", reason="no_end", hint="Sign it with an exp, or with the iat of this moment."
        )


def _person(caller: Caller, said: ArchiveParameters) -> str:
    """Return a reviewer as the log names them: never to be taken for an account of the box."""
    names = (said.person.first_name, said.person.third_name, said.person.last_name)
    name = " ".join(" ".join(names).split())[:_MAX_PERSON]
    known = f"{caller.integration.name}: {said.person.user_id.text}"[:_MAX_PERSON]
    shown = f"{name} ({known})" if name else known
    return "".join(sign for sign in shown if sign.isprintable())[:_MAX_PERSON]
