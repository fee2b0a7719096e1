"""Errors, translated once: a page that helps for people, problem+json (RFC 9457) for scripts."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from appliance import log
from appliance.errors import ApplianceError, UnavailableError
from appliance.web.access import SignedOutError
from appliance.web.account.throttle import ThrottledError
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.services import address, person_or_none
from appliance.web.slots import RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

_LOG = log.get(__name__)
_TOLD = frozenset({400, 403, 413, 422, 429})
"""Refusals that may be somebody trying doors: the journal tells them, by the account's number alone."""


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
    if isinstance(problem, SignedOutError) and wants_page() and request.method == "GET":
        return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))
    message, hint = problem_words(problem.message), problem_words(problem.hint)
    response = _answer(problem.status, problem.code, message, hint, field=getattr(problem, "field", ""))
    if isinstance(problem, ThrottledError):
        response.headers["Retry-After"] = str(problem.wait_seconds)
    elif isinstance(problem, UnavailableError):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _words_of(status: int) -> tuple[str, str] | None:
    return {
        404: (
            _("There is no such page."),
            _("It may have been a mistyped address, or what it showed has been deleted."),
        ),
        405: (_("This address cannot be used like that."), _("Go back and try again.")),
        413: (_("That is more than this page takes."), _("Send less at once.")),
    }.get(status)


def _stale_form(_problem: CSRFError) -> AnyResponse:
    return _answer(
        400, "form.stale", _("This page was open for too long, or belongs to an earlier session."),
        _("Reload the page and try again; nothing was changed."),
    )  # fmt: skip


def _http(problem: HTTPException) -> AnyResponse:
    status = problem.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        response = problem.get_response()
        return Response(response.get_data(), status, dict(response.headers))
    own = problem.description if problem.description != type(problem).description else None
    known = (problem_words(own), "") if own else _words_of(status)
    message, hint = known or (_("This did not work."), _("Go back and try again."))
    return _answer(status, f"http.{status}", message, hint)


def _unexpected(problem: Exception) -> AnyResponse:
    """A request's end: whatever it was is written to the journal, and the person learns no internals."""
    _LOG.error("request failed", path=request.path, method=request.method, exc_info=problem)
    return _answer(
        500, "error", _("Something went wrong in the box."),
        _("Recording does not depend on this page and goes on. The journal has the details."),
    )  # fmt: skip


def _answer(status: int, code: str, message: str, hint: str, *, field: str = "") -> Response:
    if status in _TOLD:
        person = person_or_none()
        _LOG.warning(
            "request refused", status=status, code=code, endpoint=request.endpoint or "", address=address(),
            account=person.account if person else None,
        )  # fmt: skip
    if wants_page():
        page = render_template("error.html", status=status, code=code, message=message, hint=hint)
        return Response(page, status)
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
    return Response(json.dumps(body), status, content_type="application/problem+json")
