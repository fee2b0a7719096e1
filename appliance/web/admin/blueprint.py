"""The blueprint every section of the administration registers its views on."""

from __future__ import annotations

from flask import Blueprint

BLUEPRINT = Blueprint(
    "admin", __name__, template_folder="templates", static_folder="static", static_url_path="/static/admin"
)
