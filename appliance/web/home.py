"""The front door, and the sign of life for supervisors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, url_for

from appliance.errors import NotFoundError
from appliance.web.access import AUDITOR, EVERYONE, REVIEWER, allow, public
from appliance.web.services import address, database, person

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

BLUEPRINT = Blueprint("home", __name__)
_LOOPBACK = ("127.", "::1")


@BLUEPRINT.get("/")
@allow(*EVERYONE)
def front_door() -> Response:
    """Send each person to the page their role works on."""
    return redirect(url_for("review.recordings" if person().role in {REVIEWER, AUDITOR} else "room.live"))


@BLUEPRINT.get("/healthz")
@public
def healthz() -> dict[str, Any]:
    """Answer supervisors on this machine: the process runs and its database answers."""
    if not address().startswith(_LOOPBACK) or "X-Forwarded-For" in request.headers:
        raise NotFoundError("There is no such page.")
    database().conn.execute("SELECT 1 FROM account LIMIT 1").fetchone()
    return {"ok": True}
