"""All pages of the hub on one blueprint."""

from __future__ import annotations

from appliance.web.hub import box_pages, code_pages, exam_pages, result_pages, room_pages, sitting_pages, words
from appliance.web.hub.blueprint import BLUEPRINT

__all__ = ["BLUEPRINT", "box_pages", "code_pages", "exam_pages", "result_pages", "room_pages", "sitting_pages"]

BLUEPRINT.add_app_template_global(words.trouble_words, "trouble_words")
BLUEPRINT.add_app_template_global(words.level_words, "level_words")
BLUEPRINT.add_app_template_global(words.epoch_words, "epoch_words")
BLUEPRINT.add_app_template_global(words.status_words, "session_status_words")
BLUEPRINT.add_app_template_global(words.conclusion_words, "conclusion_words")
BLUEPRINT.add_app_template_global(words.delivered_words, "delivered_words")
