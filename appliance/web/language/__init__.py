"""The languages of the web house: which one a person reads, and its texts."""

from __future__ import annotations

from appliance.web.language.choice import LANGUAGES, choose_language
from appliance.web.language.texts import current_language, gettext, install, lazy_gettext, ngettext

__all__ = ["LANGUAGES", "choose_language", "current_language", "gettext", "install", "lazy_gettext", "ngettext"]
