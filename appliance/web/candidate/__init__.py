"""The candidate's page: the hand-over from the LMS, what the candidate is told, the exam in its frame, the end."""

from __future__ import annotations

from appliance.web.candidate import book_deeds, deeds, finish_form, hand_over, pages
from appliance.web.candidate.blueprint import BLUEPRINT

__all__ = ["BLUEPRINT", "book_deeds", "deeds", "finish_form", "hand_over", "pages"]
