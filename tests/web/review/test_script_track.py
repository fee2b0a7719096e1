"""Where segments lie in wall time: windows, gaps, clocks that were set."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SECOND = 1_000_000
TRACK = """({Track}, {windows, ask}) => {
  const track = new Track();
  for (const [rows, from, to] of windows) track.add(rows, from, to);
  const name = segment => segment && `${segment.part}/${segment.seq}`;
  return ask.map(([what, ...values]) => {
    if (what === "at") return name(track.at(values[0])) ?? null;
    if (what === "start") { const n = track.startFor(values[0]); return n < 0 ? null : name(track.list[n]); }
    if (what === "missing") return track.missing(...values);
    if (what === "list") return track.list.map(name);
    if (what === "doubled") return track.doubled;
    if (what === "choose") { track.choose(values[0]); return null; }
    if (what === "leaveOut") { track.leaveOut(track.at(values[0])); return null; }
    if (what === "behind") return name(track.list[track.indexBehind(track.at(values[0]))]) ?? null;
    if (what === "nextKey") return name(track.nextKey(values[0])) ?? null;
  });
}"""


def rows(start: float, count: int, *, part: int = 1, first: int = 1, every: int = 1) -> list[list[Any]]:
    """Segments of one second from a second on; every n-th begins with a keyframe."""
    return [
        [
            part,
            first + n,
            int((start + n) * SECOND),
            int((start + n + 1) * SECOND),
            int((start + n) * SECOND) if n % every == 0 else None,
        ]
        for n in range(count)
    ]


def ask(script: Script, windows: list[Any], *questions: Any) -> list[Any]:
    """Give a track its windows and ask it."""
    answers: list[Any] = script("track.js", TRACK, {"windows": windows, "ask": questions})
    return answers


def test_reading_begins_at_the_last_keyframe(script: Script) -> None:
    """A picture between keyframes is read from the keyframe before it, never from later."""
    windows = [[rows(0, 10, every=4), 0, 10 * SECOND]]
    found = ask(script, windows, ["start", int(6.5 * SECOND)], ["start", 0], ["start", 4 * SECOND], ["at", 6 * SECOND])
    assert found == ["1/5", "1/1", "1/5", "1/7"]


def test_a_hole_is_not_read_over(script: Script) -> None:
    """In a hole reading begins behind it, although a keyframe lies before it."""
    windows = [[[*rows(0, 3), *rows(20, 3, first=10, every=2)], 0, 30 * SECOND]]
    found = ask(
        script, windows, ["start", 10 * SECOND], ["at", 10 * SECOND], ["behind", 2 * SECOND], ["start", 40 * SECOND]
    )
    assert found == ["1/10", None, "1/10", None]


def test_a_segment_behind_a_hole_without_a_keyframe_begins_there(script: Script) -> None:
    """Pictures behind a hole are not begun with a keyframe from before the hole."""
    late = [[1, 5, 20 * SECOND, 21 * SECOND, None], [1, 6, 21 * SECOND, 22 * SECOND, 21 * SECOND]]
    assert ask(script, [[[*rows(0, 2), *late], 0, 30 * SECOND]], ["start", int(20.5 * SECOND)]) == ["1/5"]


def test_what_was_asked_is_not_asked_again(script: Script) -> None:
    """Only what no window covered is missing, piece by piece."""
    windows = [[[], 0, 10 * SECOND], [[], 20 * SECOND, 30 * SECOND]]
    found = ask(
        script, windows, ["missing", 2, 9], ["missing", 5 * SECOND, 40 * SECOND], ["missing", 25 * SECOND, 40 * SECOND]
    )
    assert found == [None, [10 * SECOND, 20 * SECOND], [30 * SECOND, 40 * SECOND]]


def test_a_clock_set_back_makes_two_takes(script: Script) -> None:
    """Time that exists twice is said to, each take can be chosen, and both together hold every segment."""
    early, late = rows(0, 100), rows(40, 100, part=2)
    found = ask(
        script, [[[*early, *late], 0, 200 * SECOND]],
        ["doubled"], ["at", 50 * SECOND], ["list"],
        ["choose", True], ["at", 50 * SECOND], ["at", 20 * SECOND], ["list"],
    )  # fmt: skip
    assert found[0] == [[40 * SECOND, 100 * SECOND]]
    assert (found[1], found[4], found[5]) == ("1/51", "2/11", "1/21")
    assert set(found[2]) | set(found[6]) == {f"{row[0]}/{row[1]}" for row in [*early, *late]}


def test_a_small_step_of_the_clock_is_no_news(script: Script) -> None:
    """Parts that overlap by less than a second are one time, and nothing of either is left out."""
    windows = [[[*rows(0, 10), *rows(9.6, 10, part=2)], 0, 30 * SECOND]]
    found = ask(script, windows, ["doubled"], ["list"])
    assert found[0] == []
    assert len(found[1]) == 20


def test_a_clock_put_forward_is_a_hole(script: Script) -> None:
    """A later part that begins an hour later leaves an hour without segments, and reading begins behind it."""
    windows = [[[*rows(0, 10), *rows(3610, 10, part=2)], 0, 4000 * SECOND]]
    found = ask(script, windows, ["doubled"], ["at", 1000 * SECOND], ["start", 1000 * SECOND], ["behind", 9 * SECOND])
    assert found == [[], None, "2/1", "2/1"]


def test_what_cannot_be_opened_is_left_out(script: Script) -> None:
    """A refused segment is passed over, and its neighbours stay."""
    found = ask(script, [[rows(0, 4), 0, 4 * SECOND]], ["leaveOut", SECOND], ["list"], ["nextKey", SECOND])
    assert found[1:] == [["1/1", "1/3", "1/4"], "1/3"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 59), min_size=1, max_size=6, unique=True),
    step=st.integers(-29, 50),
    order=st.randoms(use_true_random=False),
)
def test_windows_in_any_order_make_the_same_track(script: Script, cuts: list[int], step: int, order: Any) -> None:
    """However the answers are cut and whenever they come, the track is the same, in order and without doubles."""
    every = [*rows(0, 30), *rows(30 + step, 30, part=2)]
    whole = [[every, 0, 200 * SECOND]]
    edges = [0, *sorted(cuts), 200]
    windows = [
        [[row for row in every if row[3] > a * SECOND and row[2] < b * SECOND], a * SECOND, b * SECOND]
        for a, b in pairwise(edges)
    ]
    order.shuffle(windows)
    questions = [["list"], ["missing", 0, 200 * SECOND], ["doubled"], ["choose", True], ["list"]]
    assert ask(script, windows, *questions) == ask(script, whole, *questions)
    shown = ask(script, whole, ["list"])[0]
    assert len(set(shown)) == len(shown)
