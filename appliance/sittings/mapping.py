"""From what an LMS says to what the domain knows (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.exams.model import Candidate, Exam
    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.exchange.session_parameters import Person
    from appliance.sittings.values import ExamChoices


def exam_of(parameters: ExamParameters, choices: ExamChoices, *, id: str, integration: str) -> Exam:  # noqa: A002  the model's word
    """Return what an exam means here; what the centre chose wins."""
    raise NotImplementedError


def candidate_of(person: Person, *, id: str, accommodations: str = "") -> Candidate:  # noqa: A002  the model's word
    """Return the candidate a person of a hand-over is."""
    raise NotImplementedError
