"""The box's administration: one module a section, all on one blueprint; `sections.py` lists them."""

from __future__ import annotations

from appliance.web.admin import certificates, health, overview, sections, user_pages, users
from appliance.web.admin.blueprint import BLUEPRINT

__all__ = ["BLUEPRINT", "certificates", "health", "overview", "sections", "user_pages", "users"]
