"""Errors, translated once: a page that helps for people, problem+json (RFC 9457) for scripts."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from appliance import log
from appliance.errors import ApplianceError, UnavailableError
from appliance.web.access import SignedOutError
from appliance.web.account.throttle import ThrottledError
from appliance.web.api import answers
from appliance.web.api.paths import is_machines
from appliance.web.language import current_language
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.refusals import note_refusal
from appliance.web.slots import RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

_LOG = log.get(__name__)
_NUMBER_BYTES = 4
_BARE = Markup(
    '<!doctype html><html lang="{language}"><meta charset="utf-8"><title>exambox</title>'
    '<h1>{message}</h1><p>{hint}</p><p>{number}</p><p><a href="/">exambox</a></p></html>'
)
"""A page without the frame of the others; `Markup.format` escapes what is filled in."""


def install(app: Flask) -> None:
    """Let the application answer every error here."""
    app.register_error_handler(ApplianceError, _known)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def wants_page() -> bool:
    """Return whether a person's browser asks for a page, as against a script, a player or an image."""
    return "text/html" in request.headers.get("Accept", "")


def _known(problem: ApplianceError) -> AnyResponse:
    if is_machines(request.path):
        return answers.refused(problem)
    if isinstance(problem, SignedOutError) and wants_page():
        if request.method == "GET":
            return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))
        return _answer(
            401, problem.code, _("You are signed out."), _("What you sent was not done. Sign in, then do it again.")
        )
    wait = problem.wait_seconds if isinstance(problem, ThrottledError) else 0
    if isinstance(problem, UnavailableError):
        wait = RETRY_AFTER_SECONDS
    message, hint = problem_words(problem.message), problem_words(problem.hint)
    number = ""
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        number = secrets.token_hex(_NUMBER_BYTES)
        _LOG.error("request failed", number=number, path=request.path, method=request.method, code=problem.code,
                   reason=problem.message)  # fmt: skip
    return _answer(
        problem.status, problem.code, message, hint, field=getattr(problem, "field", ""), wait=wait, number=number
    )


def _words_of(status: int) -> tuple[str, str] | None:
    return {
        400: (_("The box did not understand this request."), _("Go back, reload the page and try again.")),
        401: (_("You are signed out."), _("Sign in, then try again.")),
        403: (_("You may not do this."), _("An administrator of the box can help.")),
        404: (
            _("There is no such page."),
            _("It may have been a mistyped address, or what it showed has been deleted."),
        ),
        405: (_("This address cannot be used like that."), _("Go back and try again.")),
        413: (_("That is more than this page takes."), _("Send less at once.")),
        415: (_("The box does not take this kind of data."), _("Go back and try again.")),
        429: (_("Too many attempts."), _("Wait a moment, then try again.")),
        503: (_("The box is busy."), _("It is worth trying again in a moment. Recording goes on.")),
    }.get(status)


def _stale_form(_problem: CSRFError) -> AnyResponse:
    return _answer(
        400, "form.stale", _("This page was open for too long, or belongs to an earlier session."),
        _("Reload the page and try again; nothing was changed."),
    )  # fmt: skip


def _http(problem: HTTPException) -> AnyResponse:
    if is_machines(request.path):
        return answers.refused_http(problem)
    status = problem.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        response = problem.get_response()
        return Response(response.get_data(), status, dict(response.headers))
    own = problem.description if problem.description != type(problem).description else None
    known = (problem_words(own), "") if own else _words_of(status)
    message, hint = known or (_("This did not work."), _("Go back and try again."))
    return _answer(status, f"http.{status}", message, hint)


def _unexpected(problem: Exception) -> AnyResponse:
    """A request's end: whatever it was is written to the journal under a number; the person learns no internals."""
    if is_machines(request.path):
        return answers.failed(problem)
    number = secrets.token_hex(_NUMBER_BYTES)
    _LOG.error("request failed", number=number, path=request.path, method=request.method, exc_info=problem)
    hint = _(
        "Recording does not depend on this page and goes on. Try again; if it stays, tell the IT staff the number "
        "%(number)s: the journal has the details under it.",
        number=number,
    )
    return _answer(500, "error", _("Something went wrong in the box."), hint, number=number)


def _answer(
    status: int, code: str, message: str, hint: str, *, field: str = "", wait: int = 0, number: str = ""
) -> Response:
    """Answer with a page for a person, or problem+json (RFC 9457) for a script.

    Args:
        status: of HTTP.
        code: the error's stable name.
        message: what happened, in the reader's language.
        hint: what to do, in the reader's language.
        field: the field of the form or query that is wrong.
        wait: seconds after which it is worth trying again; 0: unknown.
        number: what the journal has the details under.
    """
    response = _response(status, code, message, hint, field=field, wait=wait, number=number)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _response(status: int, code: str, message: str, hint: str, *, field: str, wait: int, number: str) -> Response:
    note_refusal(status, code)
    if wants_page():
        told = {"status": status, "code": code, "message": message, "hint": hint, "wait": wait, "number": number}
        return Response(_page(told), status)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": message,
        "hint": hint,
    }
    if field:
        body["field"] = field
    if number:
        body["number"] = number
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _page(told: dict[str, Any]) -> str:
    passing = request.method == "GET" and told["status"] >= HTTPStatus.TOO_MANY_REQUESTS
    again = request.full_path.rstrip("?") if passing else ""
    try:
        return render_template("error.html", **told, again=again)
    except Exception as problem:  # noqa: BLE001  a request ends here: what broke the page may break its frame as well
        _LOG.error("the error's page failed too", number=told["number"], exc_info=problem)
        return _BARE.format(language=current_language(), **told)
