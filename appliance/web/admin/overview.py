"""The front page of the administration: every section with a line about it."""

from __future__ import annotations

from flask import render_template

from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin.blueprint import BLUEPRINT


@BLUEPRINT.get("/admin")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
def index() -> str:
    """Show the sections this person may open."""
    return render_template("admin/index.html")
