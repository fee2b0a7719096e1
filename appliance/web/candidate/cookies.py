"""The candidate's cookie: it holds the ticket, and is sent to the candidate's pages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from appliance.web.candidate import tickets
from appliance.web.candidate.blueprint import PAGES

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

TICKET_COOKIE: Final = "exambox_candidate"


def cookie_name() -> str:
    """By HTTPS a browser takes it over HTTPS alone (RFC 6265bis, 4.1.3); for one path, so it is no __Host- cookie."""
    return f"__Secure-{TICKET_COOKIE}" if request.is_secure else TICKET_COOKIE


def give_ticket(response: Response, ticket: str) -> None:
    """Put a ticket into the browser, in place of an earlier one.

    Lax, not Strict: the browser comes from the LMS's page, and goes on to the exam's with the very same navigation.
    """
    response.set_cookie(
        cookie_name(), ticket, max_age=tickets.LATEST_US // 1_000_000, httponly=True, samesite="Lax",
        secure=request.is_secure, path=PAGES,
    )  # fmt: skip


def sent_ticket() -> str:
    """Return the ticket this request carries, or nothing."""
    return request.cookies.get(cookie_name(), "")
