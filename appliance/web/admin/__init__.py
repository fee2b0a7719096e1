"""The box's administration: one module a section, all on one blueprint; `sections.py` lists them."""

from __future__ import annotations

from appliance.web.admin import (
    camera_adding,
    camera_editing,
    camera_finding,
    camera_masking,
    cameras,
    certificates,
    deletions,
    deliveries,
    health,
    holds,
    integration_acts,
    integrations,
    keys,
    log_checks,
    log_pages,
    overview,
    sections,
    storage,
    support,
    user_pages,
    users,
)
from appliance.web.admin.blueprint import BLUEPRINT

__all__ = [
    "BLUEPRINT",
    "camera_adding",
    "camera_editing",
    "camera_finding",
    "camera_masking",
    "cameras",
    "certificates",
    "deletions",
    "deliveries",
    "health",
    "holds",
    "integration_acts",
    "integrations",
    "keys",
    "log_checks",
    "log_pages",
    "overview",
    "sections",
    "storage",
    "support",
    "user_pages",
    "users",
]
