"""A notice for the next page: what was done is said after the redirect that follows a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from appliance.web.cookie_names import cookie_name

if TYPE_CHECKING:
    from flask import Response

NOTICE_COOKIE = "exambox_notice"
MAX_CHARACTERS = 300
_MAX_COOKIE = 2000


def tell_next(text: str) -> None:
    """Show a text, already in the reader's language, on the next page this browser opens."""
    g.notice_to_keep = text[:MAX_CHARACTERS]


def take_notice() -> str:
    """Return the text that waits for this page, or nothing; it is shown once."""
    kept = request.cookies.get(cookie_name(NOTICE_COOKIE), "")
    if not kept or len(kept) > _MAX_COOKIE:
        return ""
    g.notice_taken = True
    try:
        return str(_signer().loads(kept))[:MAX_CHARACTERS]
    except BadSignature:
        return ""


def keep_notice(response: Response) -> Response:
    """Set or take away the cookie with a response."""
    if "notice_to_keep" in g:
        response.set_cookie(
            cookie_name(NOTICE_COOKIE), str(_signer().dumps(g.notice_to_keep)), max_age=60, httponly=True,
            samesite="Strict", secure=request.is_secure, path="/",
        )  # fmt: skip
    elif g.get("notice_taken"):
        response.delete_cookie(
            cookie_name(NOTICE_COOKIE), path="/", httponly=True, samesite="Strict", secure=request.is_secure
        )
    return response


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="notice")
