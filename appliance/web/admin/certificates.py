"""Certificates and network: what the box shows browsers, until when, and which boxes are near."""

from __future__ import annotations

from flask import render_template

from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.lan.views import facts_for_page


@BLUEPRINT.get("/admin/certificates")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
def certificates() -> str:
    """Show the certificate in use and the boxes on this network."""
    return render_template("admin/certificates.html", **facts_for_page())
