"""Warnings in groups, ranked by what they weigh; what deliveries tell of what the LMS knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.exams.records import Judgement
from appliance.exams.records import Warning as Flag
from appliance.outbox import Delivery
from appliance.sittings.mapping import exam_of
from appliance.sittings.receivers import Receiver
from appliance.sittings.values import ExamChoices
from appliance.sittings.warnings import StoredWarning
from appliance.web.review.judging import weighed
from appliance.web.review.told import told_by
from tests.sittings.a_box import NINE, exam_said

if TYPE_CHECKING:
    from appliance.exams.model import Exam

LMS = Receiver("lms", "moodle", False, frozenset({"review"}))
KINDS = ("phone", "avert_eyes", "timeout")


def an_exam(**said: Any) -> Exam:
    """An exam with the interface's weights."""
    return exam_of(exam_said(**said), ExamChoices(), id="e", integration="i")


def flag(number: int, kind: str, second: int, decision: str = "") -> StoredWarning:
    """A warning as it is kept."""
    at = NINE + second * SECOND_US
    said = (Judgement(decision=decision, who="Rita", at_us=at, why="so"),) if decision else ()  # type: ignore[arg-type]  # a word
    one = Flag(id=str(number), session="s", kind=kind, start_us=at, end_us=at + SECOND_US, judgements=said)  # type: ignore[arg-type]  # a word
    return StoredWarning(number=number, warning=one, sitting="", seat="", told_end_us=None)


flags = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 600), st.sampled_from(["", "confirmed", "dismissed"])), max_size=30
)


@given(flags)
def test_every_warning_is_in_one_group_and_the_heaviest_is_first(given: list[tuple[str, int, str]]) -> None:
    """However they are judged, none is left out or doubled, and judging moves no group."""
    stored = [flag(number, *said) for number, said in enumerate(given)]
    found = weighed(an_exam(), stored, start_us=NINE, order="worst")
    assert sorted(one.number for row in found.groups for one in row.warnings) == list(range(len(stored)))
    points = [row.points for row in found.groups]
    assert points == sorted(points, reverse=True)
    assert found.open == sum(any(not one.warning.judgements for one in row.warnings) for row in found.groups)
    unjudged = [flag(number, kind, second) for number, (kind, second, _) in enumerate(given)]
    again = weighed(an_exam(), unjudged, start_us=NINE, order="worst")
    assert [row.key for row in again.groups] == [row.key for row in found.groups]
    assert sum(line.points for line in found.lines) >= found.score.value


def test_a_decision_is_for_what_nobody_has_judged() -> None:
    """A group that is judged in part is judged for the rest; one that is judged wholly changes its mind."""
    part = weighed(an_exam(), [flag(1, "phone", 0, "confirmed"), flag(2, "phone", 9)], start_us=NINE, order="time")
    assert part.groups[0].not_said("dismissed") == [2]
    assert part.groups[0].state == "open"
    whole = weighed(
        an_exam(), [flag(1, "phone", 0, "confirmed"), flag(2, "phone", 9, "dismissed")], start_us=NINE, order="time"
    )
    assert whole.groups[0].state == "both"
    assert whole.groups[0].not_said("dismissed") == [1]
    assert whole.groups[0].not_said("confirmed") == [2]


def test_what_the_lms_does_not_see_is_marked() -> None:
    """A kind the exam hides counts and is judged all the same."""
    exam = an_exam(visibleWarnings={"warning_phone": False})
    (row,) = weighed(exam, [flag(1, "phone", 0)], start_us=NINE, order="worst").groups
    assert row.hidden
    assert row.points == 1


def delivery(number: int, state: str, conclusion: str, *, wrapped: bool = False, reason: str = "") -> Delivery:
    """A review as it stands in the outbox."""
    body: dict[str, Any] = {"conclusion": conclusion}
    body = {"integration": "moodle", "kind": "review", "message": body} if wrapped else body
    text = msgspec.json.encode(body).decode()
    return Delivery(number, "a", number, "lms:lms", "s", "review", text, number, state, 1, 0, 0, number + 1, reason)  # type: ignore[arg-type]  # a word


@pytest.mark.parametrize(
    ("found", "state", "newest", "arrived"),
    [
        ([], "nothing", None, None),
        ([("waiting", "accepted"), ("delivered", "unknown")], "waiting", "accepted", "unknown"),
        ([("superseded", "rejected"), ("delivered", "accepted")], "told", "accepted", "accepted"),
        ([("parked", "accepted"), ("delivered", "rejected")], "parked", "accepted", "rejected"),
        ([("discarded", "accepted")], "given_up", "accepted", None),
    ],
)
def test_what_the_lms_knows_is_what_arrived(
    found: list[tuple[str, str]], state: str, newest: str | None, arrived: str | None
) -> None:
    """The newest message and the newest that was delivered are told apart; a replaced one is neither."""
    made = [delivery(9 - place, *said) for place, said in enumerate(found)]
    told = told_by(made, LMS)
    assert told.state == state
    assert (told.newest and told.newest.conclusion) == newest
    assert (told.arrived and told.arrived.conclusion) == arrived


def test_a_message_through_the_centre_is_read_as_the_lms_gets_it() -> None:
    """The envelope for the central service is taken off; without an address for reviews nothing is expected."""
    centre = Receiver("lms", "moodle", True, frozenset())
    told = told_by([delivery(1, "delivered", "accepted", wrapped=True)], centre)
    assert told.by_centre
    assert told.arrived
    assert told.arrived.conclusion == "accepted"
    assert told_by([], Receiver("lms", "moodle", False, frozenset())).state == "no_address"
