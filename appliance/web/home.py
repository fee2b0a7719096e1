"""The front door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, url_for

from appliance.web.access import AUDITOR, EVERYONE, REVIEWER, allow
from appliance.web.services import person, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

BLUEPRINT = Blueprint("home", __name__)


@BLUEPRINT.get("/")
@allow(*EVERYONE)
def front_door() -> Response:
    """Send each person to the page their role works on."""
    if services().settings.is_hub:
        return redirect(url_for("hub.rooms"))
    pages: dict[str, str] = {REVIEWER: "review.queue", AUDITOR: "review.recordings"}
    return redirect(url_for(pages.get(person().role, "room.live")))
