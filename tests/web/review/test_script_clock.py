"""The one clock, the timeline's view, and what a video does to come into step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
CLOCK = """({MasterClock}, steps) => {
  let now = 0;
  const clock = new MasterClock(() => now);
  clock.bounds(0, 1e12);
  const seen = [];
  for (const [what, value] of steps) {
    if (what === "wait") now += value;
    else clock[what](value);
    seen.push(clock.now());
  }
  return seen;
}"""


def test_the_clock_runs_at_its_speed(script: Script) -> None:
    """It stands until it plays, runs at each speed from where it was, and stands again when paused."""
    steps = [["set", 5e6], ["wait", 1000], ["play", None], ["wait", 1000], ["setRate", 8], ["wait", 1000],
             ["setRate", 0.5], ["wait", 1000], ["pause", None], ["wait", 1000]]  # fmt: skip
    assert script("clock.js", CLOCK, steps) == [5e6, 5e6, 5e6, 6e6, 6e6, 14e6, 14e6, 14.5e6, 14.5e6, 14.5e6]


def test_a_held_clock_waits_without_forgetting_to_play(script: Script) -> None:
    """While pictures load the clock stands; it goes on by itself, and time spent waiting is not jumped over."""
    steps = [["play", None], ["hold", True], ["wait", 5000], ["hold", False], ["wait", 100]]
    assert script("clock.js", CLOCK, steps) == [0, 0, 0, 0, 100_000]


def test_the_clock_stays_within_the_sitting(script: Script) -> None:
    """It stops at the end, and goes on when the recording has grown."""
    steps = [["play", None], ["set", 1e12 - 1e6], ["wait", 9000], ["set", -5]]
    assert script("clock.js", CLOCK, steps) == [0, 1e12 - 1e6, 1e12, 0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drift=st.floats(-20, 20, allow_nan=False),
    rate=st.sampled_from([0.5, 1, 2, 4, 8]),
)
def test_a_correction_always_leads_towards_the_clock(script: Script, drift: float, rate: float) -> None:
    """A video ahead is slowed and one behind is hastened, within what a browser can play; far off it is moved."""
    found = script("clock.js", "({correction}, [drift, rate]) => correction(drift, rate)", [drift, rate])
    if found["jump"]:
        assert abs(drift) > 0.6
        return
    assert 0.25 <= found["rate"] <= 16
    assert (found["rate"] - rate) * drift <= 0
    # Within a second the drift shrinks and never swings to the other side.
    later = drift + (found["rate"] - rate) * 0.1
    assert abs(later) <= abs(drift) + 1e-9
    assert later * drift >= -1e-9 or abs(later) < 0.015


VIEW = """({View}, {start, end, steps}) => {
  const view = new View(start, end);
  const seen = [];
  for (const [what, ...values] of steps) {
    view[what](...values);
    seen.push([view.from, view.to, view.fitted]);
  }
  return seen;
}"""
DAY = 86_400_000_000
step_of_view = st.one_of(
    st.tuples(st.just("zoom"), st.floats(0.01, 100), st.floats(0, 40 * DAY)),
    st.tuples(st.just("pan"), st.floats(-50 * DAY, 50 * DAY)),
    st.tuples(st.just("show"), st.floats(-DAY, 20 * DAY), st.floats(20 * DAY, 60 * DAY)),
    st.tuples(st.just("keep"), st.floats(0, 30 * DAY)),
    st.tuples(st.just("fit")),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.floats(1_000_000, 30 * DAY), steps=st.lists(step_of_view, min_size=1, max_size=8))
def test_the_view_never_leaves_the_sitting(script: Script, length: float, steps: list[Any]) -> None:
    """Whatever is zoomed and moved, between ten seconds and everything is shown, and nothing beyond the ends."""
    for begin, end, _ in script("view.js", VIEW, {"start": 0, "end": length, "steps": steps}):
        whole = max(length, 10e6)
        assert begin >= -0.01 * whole - 2
        assert end <= 1.01 * whole + 2
        assert 10e6 * 0.999 <= end - begin <= 1.021 * whole


def test_zooming_keeps_the_moment_under_the_pointer(script: Script) -> None:
    """The moment under the pointer stays where it is, from everything down to ten seconds."""
    body = """({View}) => {
      const view = new View(0, 30 * 86400e6);
      const seen = [];
      for (let n = 0; n < 30; n += 1) { view.zoom(2, 7.77e11); seen.push((7.77e11 - view.from) / view.span); }
      return [seen, view.span];
    }"""
    shares, span = script("view.js", body)
    assert span == pytest.approx(10e6)
    assert max(shares) - min(shares) < 0.001


def test_a_growing_sitting_is_followed_until_somebody_zooms(script: Script) -> None:
    """A view of everything grows with the recording; a chosen one stays where it was chosen."""
    steps = [["grow", 0, 200e6], ["zoom", 4, 100e6], ["grow", 0, 400e6]]
    seen = script("view.js", VIEW, {"start": 0, "end": 100e6, "steps": steps})
    assert seen[0][1] == pytest.approx(202e6)
    assert seen[1][:2] == seen[2][:2]


def test_next_and_previous_marks(script: Script) -> None:
    """The next mark is behind the moment and the previous one before it, never the one just jumped to."""
    body = "({neighbour}, [marks, at, way]) => neighbour(marks, at, way)"
    marks = [30e6, 10e6, 20e6]
    assert script("view.js", body, [marks, 10e6, 1]) == 20e6
    assert script("view.js", body, [marks, 10.1e6, -1]) is None
    assert script("view.js", body, [marks, 25e6, -1]) == 20e6
    assert script("view.js", body, [marks, 30e6, 1]) is None
    assert script("view.js", body, [[], 0, 1]) is None


def test_many_gaps_are_few_boxes(script: Script) -> None:
    """What is nearer than a pixel is painted as one box, so that thirty days cost no more than a minute."""
    body = """({boxes, View}) => {
      const ranges = Array.from({length: 50000}, (_, n) => [n * 50e6, n * 50e6 + 25e6]);
      return boxes(ranges, new View(0, 30 * 86400e6), 1000).length;
    }"""
    assert script("view.js", body) < 1100


def test_pressed_keys_have_one_name(script: Script) -> None:
    """Letters are named without their case, arrows with what is held; browser shortcuts are left alone."""
    body = "({pressed}, keys) => keys.map(pressed)"
    keys = [
        {"key": "M", "shiftKey": False}, {"key": " "}, {"key": "ArrowLeft", "shiftKey": True},
        {"key": "?", "shiftKey": True},
        {"key": "ArrowRight", "altKey": True}, {"key": "f", "ctrlKey": True},
    ]  # fmt: skip
    assert script("keys.js", body, keys) == ["m", "Space", "Shift+ArrowLeft", "?", "Alt+ArrowRight", ""]


@pytest.mark.parametrize("judging", [False, True], ids=["a sitting", "the review of a session"])
def test_no_key_means_two_things(script: Script, judging: bool) -> None:
    """Each key stands for one action, and every action has words and a key that is shown."""
    rows = script("keys.js", "({shortcuts}, judging) => shortcuts(8, {judging})", judging)
    keys = [key for row in rows for key in row["keys"]]
    assert len(keys) == len(set(keys))
    assert all(row["words"] and row["shown"] for row in rows)
