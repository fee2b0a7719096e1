"""How this browser wants to see the pages: language, times, light or dark. Cookies, nothing about a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, redirect, request, url_for

from appliance.errors import BadInputError
from appliance.web.access import public
from appliance.web.cookie_names import cookie_name
from appliance.web.language import LANGUAGES
from appliance.web.language.texts import LANGUAGE_COOKIE
from appliance.web.paths import local_path

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

BLUEPRINT = Blueprint("preferences", __name__)
THEMES: Final = ("auto", "light", "dark")
TIMES: Final = ("room", "utc")
THEME_COOKIE = "exambox_theme"
TIMES_COOKIE = "exambox_times"
_YEAR_S = 365 * 24 * 3600
_CHOICES: Final = {
    "language": (LANGUAGE_COOKIE, tuple(LANGUAGES)),
    "theme": (THEME_COOKIE, THEMES),
    "times": (TIMES_COOKIE, TIMES),
}


@BLUEPRINT.post("/preferences")
@public
def choose() -> Response:
    """Keep what was chosen in cookies and go back to the page it was chosen on."""
    response = redirect(local_path(request.form.get("next")) or url_for("home.front_door"))
    for field, (cookie, choices) in _CHOICES.items():
        value = request.form.get(field)
        if value is None:
            continue
        if value not in choices:
            raise BadInputError(f"{field}: {value[:40]!r} is not one of {', '.join(choices)}.")
        response.set_cookie(
            cookie_name(cookie), value, max_age=_YEAR_S, httponly=True, samesite="Strict", secure=request.is_secure,
            path="/",
        )  # fmt: skip
    return response


def theme() -> str:
    """Return `auto`, `light` or `dark` for this request."""
    return _kept(THEME_COOKIE, THEMES)


def times() -> str:
    """Return `room` or `utc` for this request."""
    return _kept(TIMES_COOKIE, TIMES)


def _kept(cookie: str, choices: tuple[str, ...]) -> str:
    value = request.cookies.get(cookie_name(cookie), "")
    return value if value in choices else choices[0]
