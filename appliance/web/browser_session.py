"""The browser's two cookies, both HttpOnly and SameSite=Strict: the session's, and a visitor's for CSRF alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import g, request
from flask.sessions import SessionInterface, SessionMixin

from appliance.web.account import sessions
from appliance.web.api.paths import is_machines
from appliance.web.cookie_names import cookie_name
from appliance.web.services import database, services

if TYPE_CHECKING:
    from flask import Flask, Request, Response

    from appliance.web.account.sessions import Person

SESSION_COOKIE = "exambox_session"
VISITOR_COOKIE = "exambox_visitor"
CSRF_FIELD = "csrf_token"
_VISITOR = re.compile(r"[0-9a-f]{40}")


class BoxSession(dict[str, Any], SessionMixin):
    """What Flask calls the session: here only the CSRF secret, which Flask-WTF keeps under `CSRF_FIELD`."""

    person: Person | None = None
    known_visitor: bool = False


class BoxSessions(SessionInterface):
    """Looks the session cookie up in the database; nothing about a person is ever in a cookie."""

    def open_session(self, app: Flask, request: Request) -> BoxSession:  # noqa: ARG002  Flask's signature
        """Find who is asking. An LMS is not asked for cookies: it has a token."""
        session = BoxSession()
        if is_machines(request.path):
            return session
        token = request.cookies.get(cookie_name(SESSION_COOKIE), "")
        person = _find(token) if token else None
        visitor = request.cookies.get(cookie_name(VISITOR_COOKIE), "")
        if person:
            session.person = person
            session[CSRF_FIELD] = person.csrf_key.hex()
        elif _VISITOR.fullmatch(visitor):
            session[CSRF_FIELD] = visitor
            session.known_visitor = True
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002  Flask's signature
        """Set or remove cookies where this request changed something."""
        if not isinstance(session, BoxSession):
            return
        token = g.get("session_token")
        if token:
            _set(response, SESSION_COOKIE, token)
            _delete(response, VISITOR_COOKIE)
        elif g.get("session_ended"):
            _delete(response, SESSION_COOKIE)
        elif session.person is None and CSRF_FIELD in session and not session.known_visitor:
            _set(response, VISITOR_COOKIE, session[CSRF_FIELD])


def begin(token: str) -> None:
    """Give the session's value to the browser with this response."""
    g.session_token = token


def end() -> None:
    """Take the session's cookie away with this response."""
    g.session_ended = True


def _find(token: str) -> Person | None:
    box = services()
    return sessions.find_session(database(), token, clock=box.clock, settings=box.settings.web)


def _set(response: Response, name: str, value: str) -> None:
    # Not Secure on loopback: there the dashboard is plain HTTP, and nothing leaves the machine.
    response.set_cookie(cookie_name(name), value, httponly=True, samesite="Strict", path="/", secure=request.is_secure)


def _delete(response: Response, name: str) -> None:
    response.delete_cookie(cookie_name(name), httponly=True, samesite="Strict", path="/", secure=request.is_secure)
