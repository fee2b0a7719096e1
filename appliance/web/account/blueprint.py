"""The blueprint of everything about signing in and one's own account."""

from __future__ import annotations

from flask import Blueprint

BLUEPRINT = Blueprint(
    "account", __name__, template_folder="templates", static_folder="static", static_url_path="/static/account"
)
