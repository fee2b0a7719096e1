"""What calls are answered: JSON, also where something went wrong; never a page, a redirect or a cookie."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Response, request

from appliance import log
from appliance.errors import ApplianceError, UnavailableError
from appliance.exchange.problem import CONTENT_TYPE, problem_body
from appliance.exchange.token import authorization
from appliance.web.refusals import note_refusal

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException

    from appliance.exchange.json_edge import JsonObject

RETRY_AFTER_SECONDS: Final = 1
_NUMBER_BYTES: Final = 4
_LOG = log.get(__name__)
_JSON = msgspec.json.Encoder()


class _AnsweredError(ApplianceError):
    """What Flask itself refuses: no such address, another method, a request that is broken."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = f"http.{status}"


def told(body: JsonObject, status: int = HTTPStatus.OK) -> Response:
    """Return an answer with JSON."""
    return Response(_JSON.encode(body), int(status), content_type="application/json")


def refused(problem: ApplianceError) -> Response:
    """Return an error as `problem+json`; what is the box's own fault is in the journal under a number."""
    body = problem_body(problem)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        body["number"] = _noted(problem)
    note_refusal(problem.status, problem.code)
    response = Response(_JSON.encode(body), problem.status, content_type=CONTENT_TYPE)
    wait: Any = getattr(problem, "wait_seconds", RETRY_AFTER_SECONDS if isinstance(problem, UnavailableError) else 0)
    if wait:
        response.headers["Retry-After"] = str(wait)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = authorization('realm="exambox"')
    return response


def refused_http(problem: HTTPException) -> Response:
    """Return what Flask refuses in the same shape; a redirect is none of the API's, and so there is no such address."""
    status = problem.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        status = HTTPStatus.NOT_FOUND
    response = refused(_AnsweredError(status, *_words(status, problem)))
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := getattr(problem, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def failed(problem: Exception) -> Response:
    """Return an answer for what nobody foresaw: the caller learns no internals, the journal has them."""
    number = _noted(problem)
    told_problem = _AnsweredError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong in the box.",
        f"Send it again; if it stays, tell the IT staff the number {number}: the journal has the details under it.",
    )
    body = {**problem_body(told_problem), "number": number}
    return Response(_JSON.encode(body), told_problem.status, content_type=CONTENT_TYPE)


def _noted(problem: Exception) -> str:
    number = secrets.token_hex(_NUMBER_BYTES)
    _LOG.error("call failed", number=number, endpoint=request.endpoint or "", method=request.method, exc_info=problem)
    return number


def _words(status: int, problem: HTTPException) -> tuple[str, str]:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "There is no such address in this API.", "Its document is at /api/v2/openapi.json."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return f"This address does not take {request.method}.", "The header “Allow” says what it takes."
        case _:
            own = problem.description if problem.description != type(problem).description else None
            return own or "The request cannot be understood.", ""
