"""From what an LMS says to what the domain knows (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.exams.methods import Method
from appliance.exams.model import Candidate, Exam, Identification
from appliance.exams.rules import Rules
from appliance.exams.score import WEIGHT_OF, ScoreConfig
from appliance.exchange.enums import Proctoring, WarningType

if TYPE_CHECKING:
    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.exchange.rules import Rules as SentRules
    from appliance.exchange.score_config import ScoreConfig as SentScoreConfig
    from appliance.exchange.session_parameters import Person
    from appliance.sittings.values import ExamChoices

_MINUTE_US: Final = 60 * SECOND_US
_LONGEST_US: Final = 31 * 24 * 60 * _MINUTE_US
_MAX_INSTRUCTIONS: Final = 20_000
_MAX_ACCOMMODATIONS: Final = 2000
_WARNING: Final = "WARNING_"
_METHODS: Final = {
    Proctoring.ONLINE: Method.LIVE,
    Proctoring.OFFLINE: Method.FULL,
    Proctoring.AUTO: Method.FULL,
    Proctoring.IDENTIFICATION: Method.RECORD_ONLY,
}
_VALIDATION_KEYS: Final = ("requiresValidation", "requires_validation")
EXAM_KEYS: Final = frozenset({*_VALIDATION_KEYS, "instructions"})
"""Keys beyond the API's that say something of the exam, in whatever they come."""


def exam_of(parameters: ExamParameters, choices: ExamChoices, *, id: str, integration: str) -> Exam:  # noqa: A002  the model's word
    """Return what an exam means here; what the centre chose wins.

    ``trial`` is practice, whatever the proctoring. An LMS may say ``requiresValidation`` and ``instructions`` as
    further keys; values of another type say nothing. Without ``identification`` none is asked. A duration of 0 means
    the whole window.
    """
    return Exam(
        id=id,
        integration=integration,
        account=parameters.account_id.text,
        exam_id=parameters.exam_id.text,
        name=parameters.exam_name or parameters.exam_id.text,
        duration_us=_duration_us(parameters),
        window_start_us=parameters.start.us,
        window_end_us=parameters.end.us,
        course=parameters.course_name or parameters.course_code,
        schedule=parameters.schedule,
        method=choices.method or (Method.PRACTICE if parameters.trial else _METHODS[parameters.proctoring]),
        requires_validation=_requires_validation(parameters, choices),
        identification=choices.identification or _identification(parameters),
        auxiliary_camera=parameters.auxiliary_camera,
        instructions=_instructions(parameters, choices),
        agreement_url=parameters.user_agreement_url,
        rules=_rules(parameters.rules),
        score=_score(parameters.score_config),
        hidden_warnings=hidden_warnings(parameters),
    )


def hidden_warnings(parameters: ExamParameters) -> frozenset[str]:
    """Return the kinds of warnings the LMS does not want to see: ``avert_eyes``."""
    return frozenset(kind_of(word) for word in WarningType if not parameters.visible_warnings.shows(word))


def kind_of(wire: str) -> str:
    """Return the domain's word for a warning of the wire: ``WARNING_PHONE`` is ``phone``."""
    return wire.removeprefix(_WARNING).lower()


def wire_of(kind: str) -> str:
    """Return a kind of warning as it is sent: ``phone`` is ``WARNING_PHONE``."""
    return _WARNING + kind.upper()


def candidate_of(person: Person, *, id: str, accommodations: str = "") -> Candidate:  # noqa: A002  the model's word
    """Return the candidate a person of a hand-over is."""
    return Candidate(
        id=id,
        user_id=person.user_id.text,
        last_name=person.last_name,
        first_name=person.first_name,
        third_name=person.third_name,
        email=person.email,
        language=(person.language or "").lower()[:12],
        accommodations=accommodations[:_MAX_ACCOMMODATIONS],
    )


def _duration_us(parameters: ExamParameters) -> int:
    window = max(SECOND_US, parameters.end.us - parameters.start.us)
    return min(parameters.duration_minutes * _MINUTE_US or window, _LONGEST_US)


def _requires_validation(parameters: ExamParameters, choices: ExamChoices) -> bool:
    if choices.requires_validation is not None:
        return choices.requires_validation
    return any(parameters.extra.get(key) is True for key in _VALIDATION_KEYS)


def _identification(parameters: ExamParameters) -> Identification:
    word = parameters.identification
    if word is None:
        return "skip"
    return word.value


def _instructions(parameters: ExamParameters, choices: ExamChoices) -> str:
    if choices.instructions is not None:
        return choices.instructions
    said = parameters.extra.get("instructions")
    return said[:_MAX_INSTRUCTIONS] if isinstance(said, str) else ""


def _rules(sent: SentRules) -> Rules:
    return Rules(**{name: getattr(sent, name) for name in Rules.__struct_fields__})


def _score(sent: SentScoreConfig) -> ScoreConfig:
    weights = {name: float(getattr(sent, name)) for name in WEIGHT_OF.values()}
    return msgspec.convert({"cheater_level": round(sent.cheater_level), **weights}, ScoreConfig)
