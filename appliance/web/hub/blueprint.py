"""The blueprint of the hub's pages, and who reads and changes what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint

from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, REVIEWER

if TYPE_CHECKING:
    from appliance.web.access import Role

BLUEPRINT = Blueprint(
    "hub", __name__, template_folder="templates", static_folder="static", static_url_path="/static/hub"
)
MANAGERS: Final[tuple[Role, ...]] = (ADMINISTRATOR, CENTRE_MANAGER)
"""Who lets boxes join and says what each gets."""
READERS_OF_RESULTS: Final[tuple[Role, ...]] = (ADMINISTRATOR, CENTRE_MANAGER, REVIEWER, AUDITOR)
