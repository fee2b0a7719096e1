"""The score orders the queue of reviews."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ConflictError
from appliance.exams.grouping import grouped
from appliance.exams.records import Warning as Flag
from appliance.exams.records import judge
from appliance.exams.score import (
    SLOT_US,
    WEIGHT_OF,
    ScoreConfig,
    Waiting,
    review_order,
    score_of,
    thresholds_of,
)
from tests.exams.a_sitting import NINE

KINDS = [*WEIGHT_OF, "timeout"]


def flag(kind: str = "phone", slot: float = 0, number: int = 0, *, length: float = 0.1) -> Flag:
    """A warning that begins in this slot."""
    start = NINE + round(slot * SLOT_US)
    end = start + round(length * SLOT_US)
    return msgspec.convert({"id": f"w{number}", "session": "s", "kind": kind, "start_us": start, "end_us": end}, Flag)


FLAGS = st.lists(
    st.builds(flag, st.sampled_from(KINDS), st.floats(0, 400), st.integers(0, 10**6), length=st.floats(0, 20)),
    max_size=60,
)
WEIGHTS = st.floats(0, 10)
CONFIGS = st.builds(
    ScoreConfig,
    cheater_level=st.integers(0, 100),
    attention_level=st.none() | st.integers(0, 100),
    phone=WEIGHTS,
    absent_user=WEIGHTS,
    look_away=WEIGHTS,
)


def dismissed(one: Flag) -> Flag:
    """The warning as nobody's fault."""
    return judge(one, "dismissed", who="reviewer", at_us=NINE, why="a shadow")


def test_the_formula() -> None:
    """Weight times occurrences, summed over kinds and rounded down: three looks away and one absence."""
    flags = [*(flag("avert_eyes", slot) for slot in (0, 1, 2)), flag("no_user_in_frame", 5)]
    score = score_of(ScoreConfig(), flags, start_us=NINE)
    assert score.value == 6  # 3 x 1.5 + 1 x 2 = 6.5
    assert score.occurrences == {"avert_eyes": 3, "no_user_in_frame": 1}


def test_repeats_in_a_slot_count_once() -> None:
    """A detector that fires ten times a second weighs no more than one that fires once."""
    burst = [flag("phone", number / 1000) for number in range(100)]
    assert score_of(ScoreConfig(), burst, start_us=NINE).value == 1


@pytest.mark.parametrize(
    ("count", "band"), [(59, "low"), (60, "attention"), (79, "attention"), (80, "high"), (500, "high")]
)
def test_the_thresholds(count: int, band: str) -> None:
    """A score at a threshold is in its band; the sum never exceeds 100."""
    score = score_of(ScoreConfig(), [flag("phone", slot) for slot in range(count)], start_us=NINE)
    assert score.band == band
    assert score.value == min(100, count)


@given(CONFIGS, FLAGS, st.builds(flag, st.sampled_from(KINDS), st.floats(0, 400)))
def test_one_more_warning_never_lowers_the_score(config: ScoreConfig, flags: list[Flag], more: Flag) -> None:
    """Whatever is added, however it overlaps, the score stays or grows, within 0 to 100."""
    before = score_of(config, flags, start_us=NINE).value
    assert 0 <= before <= score_of(config, [*flags, more], start_us=NINE).value <= 100


@given(CONFIGS, FLAGS.filter(bool))
def test_a_dismissal_never_raises_the_score(config: ScoreConfig, flags: list[Flag]) -> None:
    """What a person dismissed no longer counts; confirming it changes nothing."""
    whole = score_of(config, flags, start_us=NINE)
    confirmed = judge(flags[0], "confirmed", who="reviewer", at_us=NINE, why="")
    assert score_of(config, [dismissed(flags[0]), *flags[1:]], start_us=NINE).value <= whole.value
    assert score_of(config, [confirmed, *flags[1:]], start_us=NINE) == whole
    assert score_of(config, map(dismissed, flags), start_us=NINE).value == 0


@given(FLAGS, WEIGHTS, WEIGHTS)
def test_a_higher_weight_never_lowers_the_score(flags: list[Flag], one: float, two: float) -> None:
    """Scores grow with their weights."""
    low, high = (score_of(ScoreConfig(phone=weight), flags, start_us=NINE).value for weight in sorted((one, two)))
    assert low <= high


@given(CONFIGS, FLAGS.flatmap(lambda flags: st.tuples(st.just(flags), st.permutations(flags))))
def test_the_order_of_warnings_does_not_matter(config: ScoreConfig, both: tuple[list[Flag], list[Flag]]) -> None:
    """The same warnings give the same score and the same groups."""
    assert score_of(config, both[0], start_us=NINE) == score_of(config, both[1], start_us=NINE)


@given(CONFIGS)
def test_attention_is_never_above_rejected(config: ScoreConfig) -> None:
    """Three quarters where no threshold is named, and never beyond the other."""
    levels = thresholds_of(config)
    assert levels.attention <= levels.rejected == config.cheater_level


def test_thresholds_of_the_lms_example() -> None:
    """The defaults are the 60 and 80 of the interface's example."""
    levels = thresholds_of(ScoreConfig())
    assert (levels.attention, levels.rejected) == (60, 80)


@given(FLAGS)
def test_groups_hold_every_warning_once(flags: list[Flag]) -> None:
    """Nothing is lost or doubled, groups of a kind lie apart, and each spans its warnings."""
    groups = grouped(flags, gap_us=SLOT_US)
    assert sorted(id(one) for group in groups for one in group.warnings) == sorted(id(one) for one in flags)
    for kind in KINDS:
        of_kind = [group for group in groups if group.kind == kind]
        for one, two in pairwise(of_kind):
            assert two.start_us > one.end_us + SLOT_US
    for group in groups:
        assert group.start_us == min(one.start_us for one in group.warnings)
        assert group.end_us == max(one.end_us for one in group.warnings)
        assert group.open == group.count


def test_the_queue() -> None:
    """Severe incidents first, then high scores, then whoever has waited longest."""
    made = [
        Waiting(session="calm", score=3, incident=0, since_us=1),
        Waiting(session="later", score=90, incident=0, since_us=9),
        Waiting(session="flagged", score=90, incident=0, since_us=5),
        Waiting(session="seen", score=0, incident=3, since_us=7),
    ]
    assert [one.session for one in review_order(made)] == ["seen", "flagged", "later", "calm"]


def test_judgements_are_kept() -> None:
    """A changed mind needs a reason, and both judgements stay; software's word is ``cyber`` until confirmed."""
    one = flag()
    assert one.cyber
    confirmed = judge(one, "confirmed", who="a", at_us=1, why="")
    assert not confirmed.cyber
    with pytest.raises(ConflictError):
        judge(confirmed, "confirmed", who="a", at_us=2, why="again")
    with pytest.raises(ConflictError):
        judge(confirmed, "dismissed", who="b", at_us=2, why=" ")
    changed = judge(confirmed, "dismissed", who="b", at_us=2, why="a calculator")
    assert [(said.decision, said.who) for said in changed.judgements] == [("confirmed", "a"), ("dismissed", "b")]
    assert changed.cyber
