"""Every word for a state, a transition or a role, for pages to translate; the names themselves are stable."""

from __future__ import annotations

from typing import get_args

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.reviewing import REVIEW_TABLE
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exams.states import CandidateStatus, ReviewStatus, SittingStatus
from appliance.exams.transitions import Role, spoken


def every_word() -> tuple[str, ...]:
    """Return the words refusals are made with, each once: ``check identity``, ``on break``, ``centre manager``."""
    states = [*SittingStatus, *CandidateStatus, *ReviewStatus]
    names = [*SITTING_TABLE, *CANDIDATE_TABLE, *REVIEW_TABLE]
    return tuple(sorted({spoken(word) for word in [*states, *names, *get_args(Role)]}))
