"""What an LMS says becomes what the domain knows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.exams.methods import Method
from appliance.exams.model import Exam
from appliance.exchange.fields import Identifier
from appliance.exchange.session_parameters import Person
from appliance.sittings.mapping import candidate_of, exam_of, hidden_warnings, kind_of, wire_of
from appliance.sittings.values import ExamChoices
from tests.sittings.a_box import MINUTE, exam_said

NOTHING = ExamChoices()


def meant(choices: ExamChoices = NOTHING, **changes: Any) -> Exam:
    """The exam that these words mean."""
    return exam_of(exam_said(**changes), choices, id="e1", integration="i1")


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ({"proctoring": "online"}, Method.LIVE),
        ({"proctoring": "offline"}, Method.FULL),
        ({"proctoring": "auto"}, Method.FULL),
        ({"proctoring": "identification"}, Method.RECORD_ONLY),
        ({"proctoring": "online", "trial": True}, Method.PRACTICE),
    ],
)
def test_each_word_of_proctoring_is_a_method(said: dict[str, Any], method: Method) -> None:
    """A trial is practice, whatever else is said."""
    assert meant(**said).method is method
    assert meant(ExamChoices(method=Method.RECORD_ONLY), **said).method is Method.RECORD_ONLY


def test_the_words_of_the_exam_are_kept() -> None:
    """Names, window, duration, rules and weights are the LMS's."""
    exam = meant(scoreConfig={"cheaterLevel": 79.6, "phone": 3}, visibleWarnings={"warning_timeout": False})
    assert (exam.account, exam.exam_id, exam.name, exam.course) == ("123", "a3875623", "Algebra", "Mathematics")
    assert exam.duration_us == 120 * MINUTE
    assert exam.window_end_us - exam.window_start_us == 36 * 60 * MINUTE
    assert (exam.rules.allow_to_use_paper, exam.rules.allow_to_use_calculator) == (True, False)
    assert (exam.score.cheater_level, exam.score.phone, exam.score.absent_user) == (80, 3.0, 2.0)
    assert exam.hidden_warnings == {"timeout"}
    assert exam.identification == "passport"


def test_no_duration_means_the_window() -> None:
    """An LMS that sends 0 sets no limit but the window; a month is the longest."""
    assert meant(duration=0).duration_us == 36 * 60 * MINUTE
    assert meant(duration=0, endDate="2030-01-01T00:00:00Z").duration_us == 31 * 24 * 60 * MINUTE
    assert meant(duration=0, endDate="2026-11-25T08:00:00Z").duration_us == SECOND_US


def test_validation_and_instructions_may_come_as_further_keys() -> None:
    """They count where they have the right type, and the centre's choice wins."""
    assert meant(requiresValidation=True, instructions="Phones off.").holds_result
    assert meant(requiresValidation=True, instructions="Phones off.").instructions == "Phones off."
    assert not meant(requiresValidation="yes", instructions=7).requires_validation
    assert meant(requiresValidation="yes", instructions=7).instructions == ""
    chosen = ExamChoices(requires_validation=False, instructions="", identification="skip")
    exam = meant(chosen, requiresValidation=True, instructions="Phones off.")
    assert (exam.requires_validation, exam.instructions, exam.identification) == (False, "", "skip")
    assert not meant(requiresValidation=True, trial=True).holds_result


def test_no_word_of_identification_asks_for_none() -> None:
    """Who says nothing of identity asks for none."""
    assert meant(identification=None).identification == "skip"


@given(
    minutes=st.integers(0, 31 * 24 * 60),
    level=st.floats(0, 100),
    rules=st.text(max_size=2000),
    name=st.text(max_size=500),
    instructions=st.text(max_size=20_100),
)
def test_what_is_frozen_can_be_read_back(minutes: int, level: float, rules: str, name: str, instructions: str) -> None:
    """Whatever the API takes becomes an exam that is stored as JSON and read with every limit checked."""
    exam = meant(
        duration=minutes,
        scoreConfig={"cheaterLevel": level},
        rules={"custom_rules": rules.replace("\0", "")},
        examName=name.replace("\0", ""),
        userAgreementUrl="https://lms.example/" + "a" * 2028,
        instructions=instructions,
    )
    assert msgspec.json.decode(msgspec.json.encode(exam), type=Exam) == exam


def test_kinds_of_warnings_have_two_spellings() -> None:
    """The wire's word and the domain's are each other's."""
    assert kind_of("WARNING_AVERT_EYES") == "avert_eyes"
    assert wire_of("avert_eyes") == "WARNING_AVERT_EYES"
    assert hidden_warnings(exam_said()) == frozenset()


def test_a_person_is_a_candidate() -> None:
    """Names and language are kept, a null e-mail too."""
    person = Person(
        user_id=Identifier("7", 7), email=None, last_name="L", first_name="A", third_name="", language="DE-ch"
    )
    found = candidate_of(person, id="c1", accommodations="x" * 3000)
    assert (found.user_id, found.display_name, found.language, found.email) == ("7", "A L", "de-ch", None)
    assert len(found.accommodations) == 2000
