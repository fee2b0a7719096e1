"""Which step a candidate is shown, for every state there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exams.candidate_table import CANDIDATE_TABLE
from appliance.exams.states import AT_WORK, OPEN_TO_ARRIVALS, CandidateStatus, SittingStatus
from appliance.web.candidate.steps import BEFORE_AGREEMENT, Cover, Shown, Standpoint, Step, Wait, shown

NOW = 1_800_000_000_000_000
MINUTE = 60_000_000
OPEN = (NOW - MINUTE, NOW + MINUTE)
STANDPOINTS = st.builds(
    Standpoint,
    candidate=st.none() | st.sampled_from(CandidateStatus),
    sitting=st.none() | st.sampled_from(SittingStatus),
    agreed=st.booleans(),
    begun=st.booleans(),
    finished=st.booleans(),
    unregistered=st.booleans(),
    identity_asked=st.booleans(),
    automatic=st.booleans(),
    seat=st.sampled_from(["", "A4"]),
    window=st.none() | st.tuples(st.integers(NOW - 9, NOW + 9), st.integers(NOW - 9, NOW + 9)),
    now_us=st.just(NOW),
)


@given(at=STANDPOINTS, asked=st.sampled_from(["", "you", "rules", "agreement", "exam", "finished", "waiting", "x"]))
def test_no_wish_leads_past_the_box(at: Standpoint, asked: str) -> None:
    """Whatever step an address asks for, it chooses among those before the agreement and nothing else."""
    found, plain = shown(at, asked), shown(at)
    if plain.step in BEFORE_AGREEMENT:
        assert found.step in BEFORE_AGREEMENT
        assert (found.wait, found.cover, found.due) == (plain.wait, plain.cover, plain.due)
    else:
        assert found == plain


@given(at=STANDPOINTS)
def test_the_exam_is_shown_to_those_at_work_alone(at: Standpoint) -> None:
    """The exam's frame is there exactly for who is writing, paused or on a break and whose session goes on."""
    at_work = at.candidate in AT_WORK and not at.finished and not at.unregistered
    assert (shown(at).step is Step.EXAM) == at_work


@given(at=STANDPOINTS)
def test_what_is_due_is_possible(at: Standpoint) -> None:
    """What the page asks the box to do is a transition of that state, for who does it, while the sitting takes."""
    due = shown(at).due
    if due:
        rule = CANDIDATE_TABLE[due]
        assert at.candidate in rule.sources
        assert "candidate" in rule.who or (at.automatic and "system" in rule.who)
        assert at.sitting in OPEN_TO_ARRIVALS
        assert due != "skip_identity" or not at.identity_asked
        assert due != "waive_identity" or at.automatic
        assert due != "consent" or at.agreed


@given(at=STANDPOINTS)
def test_nobody_waits_without_being_told_for_what(at: Standpoint) -> None:
    """Who is shown the waiting room or a closed door is told why."""
    found = shown(at)
    if found.step in {Step.WAITING, Step.CLOSED}:
        assert found.wait is not Wait.NOTHING


@given(at=STANDPOINTS)
def test_beginning_is_offered_only_when_it_is_possible(at: Standpoint) -> None:
    """The button is there for who is seated, in a running sitting, inside the window."""
    if shown(at).wait is Wait.READY:
        assert at.candidate is CandidateStatus.SEATED
        assert at.sitting is SittingStatus.RUNNING
        assert at.window is None or at.window[0] <= NOW <= at.window[1]


@pytest.mark.parametrize(
    ("candidate", "sitting", "wait"),
    [
        (None, None, Wait.NO_SITTING),
        (CandidateStatus.EXPECTED, SittingStatus.PLANNED, Wait.ROOM),
        (CandidateStatus.EXPECTED, SittingStatus.READINESS_CHECK, Wait.ROOM),
        (CandidateStatus.EXPECTED, SittingStatus.ADMITTING, Wait.ADMISSION),
        (CandidateStatus.ARRIVED, SittingStatus.ADMITTING, Wait.IDENTITY),
        (CandidateStatus.CONSENTED, SittingStatus.ADMITTING, Wait.SEAT),
        (CandidateStatus.SEATED, SittingStatus.ADMITTING, Wait.START),
        (CandidateStatus.SEATED, SittingStatus.PAUSED, Wait.HELD_UP),
        (CandidateStatus.SEATED, SittingStatus.RUNNING, Wait.READY),
        (CandidateStatus.EXPECTED, SittingStatus.ENDED, Wait.OVER),
        (CandidateStatus.ABSENT, SittingStatus.CLOSED, Wait.OVER),
        (CandidateStatus.REFUSED, SittingStatus.RUNNING, Wait.REFUSED),
        (CandidateStatus.TRANSFERRED, SittingStatus.RUNNING, Wait.TRANSFERRED),
    ],
)
def test_a_candidate_who_agreed_waits_for_the_right_thing(
    candidate: CandidateStatus | None, sitting: SittingStatus | None, wait: Wait
) -> None:
    """From the planned sitting to its end, each state of admission says what it waits for."""
    at = Standpoint(candidate=candidate, sitting=sitting, agreed=True, identity_asked=True, window=OPEN, now_us=NOW)
    assert shown(at).wait is wait


@pytest.mark.parametrize(("offset", "wait"), [(-2 * MINUTE, Wait.WINDOW), (0, Wait.READY), (2 * MINUTE, Wait.TOO_LATE)])
def test_the_window_is_kept(offset: int, wait: Wait) -> None:
    """Before the first start, inside, after the last start."""
    at = Standpoint(
        candidate=CandidateStatus.SEATED, sitting=SittingStatus.RUNNING, agreed=True, window=OPEN, now_us=NOW + offset
    )
    assert shown(at).wait is wait


@pytest.mark.parametrize(
    ("candidate", "sitting", "cover"),
    [
        (CandidateStatus.WRITING, SittingStatus.RUNNING, Cover.NONE),
        (CandidateStatus.WRITING, SittingStatus.PAUSED, Cover.ALL_PAUSED),
        (CandidateStatus.PAUSED, SittingStatus.RUNNING, Cover.PAUSED),
        (CandidateStatus.ON_BREAK, SittingStatus.RUNNING, Cover.BREAK),
    ],
)
def test_the_exam_is_covered_while_nobody_may_write(
    candidate: CandidateStatus, sitting: SittingStatus, cover: Cover
) -> None:
    """A pause of one, of all, and a break each cover it with their own words."""
    assert shown(Standpoint(candidate=candidate, sitting=sitting, agreed=True)).cover is cover


def test_who_is_withdrawn_while_writing_has_finished() -> None:
    """Whose exam an invigilator ends is told so as at any end, and who never began stands before a closed door."""
    at = Standpoint(candidate=CandidateStatus.WITHDRAWN, sitting=SittingStatus.RUNNING, begun=True)
    assert shown(at).step is Step.FINISHED
    at = Standpoint(candidate=CandidateStatus.WITHDRAWN, sitting=SittingStatus.RUNNING)
    assert shown(at) == Shown(Step.CLOSED, Wait.WITHDRAWN)
