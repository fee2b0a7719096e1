"""The cookies of signing in: the half session's, and the mark of a browser in which somebody has signed in before."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from appliance.web.account import half_sessions
from appliance.web.services import database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.account.half_sessions import HalfSession

HALF_COOKIE = "exambox_half"
HALF_PATH = "/sign-in"
KNOWN_COOKIE = "exambox_known"
KNOWN_SECONDS = 180 * 24 * 3600
# A desk several people share: the oldest mark goes.
MAX_KNOWN = 8
_MAX_COOKIE = 2000
_MARK = re.compile(r"[0-9a-f]{32}")


def set_half(response: Response, token: str) -> None:
    """Give the half session to the browser; it is sent to the pages of signing in alone."""
    response.set_cookie(
        _named(HALF_COOKIE), token, max_age=half_sessions.VALID_US // 1_000_000, httponly=True, samesite="Strict",
        secure=request.is_secure, path=HALF_PATH,
    )  # fmt: skip


def drop_half(response: Response) -> None:
    """Take the half session's cookie away."""
    response.delete_cookie(
        _named(HALF_COOKIE), path=HALF_PATH, httponly=True, samesite="Strict", secure=request.is_secure
    )


def half_session() -> HalfSession | None:
    """Return who is on the way in with this request."""
    return half_sessions.find_half(database(), request.cookies.get(_named(HALF_COOKIE), ""), clock=services().clock)


def known_browser(name: str) -> str:
    """Return this browser's mark for the person of that name, or nothing if they never signed in here."""
    row = database().conn.execute("SELECT id FROM account WHERE name = ?", (name.strip(),)).fetchone()
    return _marks().get(str(row[0]), "") if row else ""


def remember_browser(response: Response, account: int) -> None:
    """Mark this browser as one in which the account has signed in; it proves nothing and opens nothing."""
    marks = _marks()
    mark = marks.pop(str(account), "") or secrets.token_hex(16)
    kept = dict([*marks.items(), (str(account), mark)][-MAX_KNOWN:])
    response.set_cookie(
        _named(KNOWN_COOKIE), str(_signer().dumps(kept)), max_age=KNOWN_SECONDS, httponly=True, samesite="Strict",
        secure=request.is_secure, path=HALF_PATH,
    )  # fmt: skip


def _named(name: str) -> str:
    """By HTTPS a browser takes it over HTTPS alone (RFC 6265bis, 4.1.3); for one path, so it is no __Host- cookie."""
    return f"__Secure-{name}" if request.is_secure else name


def _marks() -> dict[str, str]:
    kept = request.cookies.get(_named(KNOWN_COOKIE), "")
    if not kept or len(kept) > _MAX_COOKIE:
        return {}
    try:
        found: Any = _signer().loads(kept, max_age=KNOWN_SECONDS)
    except BadSignature:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: mark for key, mark in found.items() if isinstance(mark, str) and _MARK.fullmatch(mark)}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt="known browser")
