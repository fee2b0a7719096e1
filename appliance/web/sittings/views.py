"""Every page and endpoint of the sittings, put together for the application."""

from __future__ import annotations

from appliance.web.sittings import (
    act_views,
    candidate_views,
    day_views,
    exam_views,
    incident_views,
    list_views,
    plan_views,
    proposal_views,
    register_views,
    roster_api,
    roster_views,
)
from appliance.web.sittings.blueprint import BLUEPRINT

__all__ = [
    "BLUEPRINT",
    "act_views",
    "candidate_views",
    "day_views",
    "exam_views",
    "incident_views",
    "list_views",
    "plan_views",
    "proposal_views",
    "register_views",
    "roster_api",
    "roster_views",
]
