"""What the sittings' templates use: words, choices, and what was entered last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from appliance.exams.records import Category
from appliance.web.sittings import words
from appliance.web.sittings.blueprint import BLUEPRINT

if TYPE_CHECKING:
    from appliance.exams.sitting_run import SittingRun

CATEGORIES: Final[tuple[str, ...]] = get_args(Category)
DOCUMENTS: Final = ("identity_card", "passport", "student_card", "driving_licence", "residence_permit", "other")
"""Types of documents; never a number."""


@BLUEPRINT.context_processor
def word_helpers() -> dict[str, Any]:
    """Return the functions of ``words.py`` by name, for the sittings' templates."""
    return {name: getattr(words, name) for name in dir(words) if name.endswith(("_words", "_kind"))}


def last_notice(run: SittingRun) -> str:
    """Return the version of the notice that was last said to be shown in this sitting; empty where nobody said."""
    return next((str(event.detail.get("notice", "")) for event in reversed(run.history) if event.name == "consent"), "")
