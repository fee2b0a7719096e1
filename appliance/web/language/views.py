"""The texts of the pages' scripts, as a module each language."""

from __future__ import annotations

from flask import Blueprint, Response

from appliance.errors import NotFoundError
from appliance.web.access import public
from appliance.web.language.catalogue import script_module
from appliance.web.language.choice import LANGUAGES

BLUEPRINT = Blueprint("language", __name__)
_YEAR_S = 365 * 24 * 3600


@BLUEPRINT.get("/words/<language>-<version>.js")
@public
def script_words(language: str, version: str) -> Response:
    """Send the texts scripts use; the address changes with the texts, so browsers keep them."""
    if language not in LANGUAGES or script_module(language)[0] != version:
        raise NotFoundError("There is no such page.")
    response = Response(script_module(language)[1], content_type="text/javascript; charset=utf-8")
    response.set_etag(version)
    response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    return response
