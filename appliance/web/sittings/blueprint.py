"""The sittings' blueprint, and who may do what on its pages."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, INVIGILATOR, REVIEWER, Role

BLUEPRINT = Blueprint(
    "sittings", __name__, template_folder="templates", static_folder="static", static_url_path="/static/sittings"
)
STAFF: Final[tuple[Role, ...]] = (INVIGILATOR, CENTRE_MANAGER)
"""Who acts in the room on the day."""
PLANNERS: Final[tuple[Role, ...]] = (ADMINISTRATOR, CENTRE_MANAGER, INVIGILATOR)
"""Who plans sittings and takes rosters; also who sees the day."""
CHOOSERS: Final[tuple[Role, ...]] = (ADMINISTRATOR, CENTRE_MANAGER)
"""Who makes exams by hand and chooses how one is proctored."""
READERS: Final[tuple[Role, ...]] = (*PLANNERS, REVIEWER, AUDITOR)
"""Who reads the register: a reviewer has to know the seat, an auditor who was there."""
