"""Changes of the active window are told at once, and what follows within seconds together."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.seat_agent.windows.episodes import GATHER_US, Episodes, name_of

LOOKS = st.lists(st.tuples(st.sampled_from(["Exam", "Files", "Mail"]), st.integers(0, 15)), max_size=60)


def test_the_first_change_is_told_at_once_and_what_follows_together() -> None:
    """Back and forth within seconds is one item, from the first application to the last."""
    seen = Episodes()
    seen.begin("Exam")
    assert seen.see("Exam", 0) is None
    first = seen.see("Files", SECOND_US)
    assert first is not None
    assert (first.former, first.application, first.changes, first.span_us) == ("Exam", "Files", 1, 0)
    assert seen.see("Exam", 2 * SECOND_US) is None
    assert seen.see("Mail", 4 * SECOND_US) is None
    assert seen.due(10 * SECOND_US) is None
    then = seen.due(12 * SECOND_US)
    assert then is not None
    assert (then.former, then.application, then.changes, then.span_us) == ("Files", "Mail", 2, 10 * SECOND_US)
    assert seen.due(60 * SECOND_US) is None


def test_what_was_active_when_it_began_is_no_change() -> None:
    """Watching begins with whatever is active, known or not, and says nothing of before."""
    seen = Episodes()
    seen.begin(None)
    assert seen.see("Files", 1) is None
    assert seen.see("Files", 2) is None
    seen.begin("Files")
    assert seen.see("Files", 3) is None
    assert seen.see("Mail", 4) is not None


@given(LOOKS)
def test_every_change_is_told_once_and_never_more_often_than_it_may(looks: list[tuple[str, int]]) -> None:
    """The changes that are told add up to those there were, and two items lie ten seconds apart."""
    seen, now, told, changes, active = Episodes(), 0, [], 0, "Exam"
    seen.begin(active)
    for application, seconds in looks:
        now += seconds * SECOND_US
        changes += application != active
        active = application
        if (one := seen.see(application, now)) is not None:
            told.append((now, one))
    if (one := seen.due(now + GATHER_US)) is not None:
        told.append((now + GATHER_US, one))
    assert sum(one.changes for _, one in told) == changes
    times = [at for at, _ in told]
    assert all(later - earlier >= GATHER_US for earlier, later in itertools.pairwise(times))
    assert not told or told[-1][1].application == active


@given(st.text(max_size=300))
def test_an_applications_name_is_one_safe_line(text: str) -> None:
    """Whatever an application calls itself, what is kept is short and in one line."""
    name = name_of(text)
    assert len(name) <= 80
    assert "\n" not in name
    assert "\u202e" not in name
