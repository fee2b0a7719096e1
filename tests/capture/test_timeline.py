"""Camera time becomes the box's time."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.capture.timeline import AHEAD_US, BEHIND_PATIENCE_US, SECOND_US, Timeline

FRAME_US = 40_000
EPOCH_US = 500_000_000


def run(moments: list[tuple[int | None, int]]) -> list[tuple[int, bool]]:
    """Return the place of each packet and whether it is a break."""
    timeline = Timeline()
    placed = [timeline.place(camera, arrived) for camera, arrived in moments]
    return [(item.start_us, item.discontinuity) for item in placed]


def even(count: int, *, ppm: int = 0, start: int = 0) -> list[tuple[int | None, int]]:
    """A camera whose clock runs ``ppm`` fast, on a network without delay."""
    return [(start + round(n * FRAME_US * (1 + ppm / 1e6)), EPOCH_US + n * FRAME_US) for n in range(count)]


def test_an_even_camera_keeps_its_spacing_exactly() -> None:
    """Without jitter or drift each picture stands where it arrived."""
    assert run(even(100, start=77)) == [(EPOCH_US + n * FRAME_US, False) for n in range(100)]


@pytest.mark.parametrize("ppm", [-1000, -100, 100, 1000])
def test_a_camera_clock_that_drifts_is_followed(ppm: int) -> None:
    """After twenty minutes at up to 1000 ppm the place is still within 10 ms of the arrival, without a break."""
    moments = even(30_000, ppm=ppm)
    placed = run(moments)
    assert not any(broken for _, broken in placed)
    assert max(abs(start - arrived) for (start, _), (_, arrived) in zip(placed, moments, strict=True)) < 10_000
    steps = [b - a for (a, _), (b, _) in itertools.pairwise(placed)]
    assert 0.97 * FRAME_US <= min(steps) <= max(steps) <= 1.03 * FRAME_US


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), jitter_ms=st.integers(0, 300), ppm=st.integers(-500, 500))
def test_jitter_does_not_reach_the_spacing(seed: int, jitter_ms: int, ppm: int) -> None:
    """Whatever the network delays, spacing stays the camera's within 3 % and nothing is called a jump."""
    chance = random.Random(seed)  # noqa: S311  repeatable on purpose
    arrived, moments = 0, []
    for camera, ideal in even(500, ppm=ppm):
        arrived = max(arrived, ideal + chance.randrange(jitter_ms * 1000 + 1))
        moments.append((camera, arrived))
    placed = run(moments)
    assert not any(broken for _, broken in placed)
    steps = [b - a for (a, _), (b, _) in itertools.pairwise(placed)]
    assert 0.97 * FRAME_US <= min(steps) <= max(steps) <= 1.03 * FRAME_US


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(2**40), 2**40), st.integers(0, 4 * SECOND_US)), min_size=1, max_size=60
    )
)
def test_any_nonsense_gives_growing_times_near_their_arrival(moves: list[tuple[int | None, int]]) -> None:
    """Times always grow, and never lie further ahead of an arrival than a jump is allowed to."""
    arrived, moments = EPOCH_US, []
    for camera, wait in moves:
        arrived += wait
        moments.append((camera, arrived))
    placed = run(moments)
    starts = [start for start, _ in placed]
    assert all(a < b for a, b in itertools.pairwise(starts))
    assert all(start - at <= AHEAD_US + len(moments) for start, (_, at) in zip(starts, moments, strict=True))
    assert placed[0] == (EPOCH_US + moves[0][1], False)


@pytest.mark.parametrize("jump_us", [-3_600 * SECOND_US, -500_000, 5 * SECOND_US, 2**33])
def test_a_jump_is_reported_once_and_begins_anew_at_the_arrival(jump_us: int) -> None:
    """Back, ahead or wrapped: one discontinuity, then even spacing from the arrival on."""
    before = even(50)
    after = [((camera or 0) + jump_us, arrived) for camera, arrived in even(100)[50:]]
    placed = run(before + after)
    assert [n for n, (_, broken) in enumerate(placed) if broken] == [50]
    assert [start for start, _ in placed] == [EPOCH_US + n * FRAME_US for n in range(100)]


def test_a_clock_that_stands_still_is_reported_once() -> None:
    """While a camera repeats one timestamp its pictures stand at their arrivals; when it runs again nothing breaks."""
    frozen = [(49 * FRAME_US, arrived) for _, arrived in even(80)[50:]]
    again = [(camera, arrived) for camera, arrived in even(120)[80:]]
    placed = run(even(50) + frozen + again)
    assert [n for n, (_, broken) in enumerate(placed) if broken] == [50]
    assert [start for start, _ in placed] == [EPOCH_US + n * FRAME_US for n in range(120)]


def test_missing_timestamps_are_replaced_by_arrivals() -> None:
    """A camera that gives no times at all is placed by its arrivals, without a report for each."""
    placed = run([(None, EPOCH_US + n * FRAME_US) for n in range(20)])
    assert [start for start, _ in placed] == [EPOCH_US + n * FRAME_US for n in range(20)]
    assert not any(broken for _, broken in placed)


def test_a_burst_after_a_stalled_network_is_no_jump() -> None:
    """1.5 s held back and then delivered at once: the pictures stand where the camera made them."""
    moments: list[tuple[int | None, int]] = []
    for n in range(100):
        arrived = EPOCH_US + n * FRAME_US
        stalled_until = EPOCH_US + 75 * FRAME_US
        moments.append((n * FRAME_US, max(arrived, stalled_until) if 40 <= n < 75 else arrived))
    placed = run(moments)
    assert not any(broken for _, broken in placed)
    worst = max(abs(start - (EPOCH_US + n * FRAME_US)) for n, (start, _) in enumerate(placed))
    assert worst < 10_000


def test_a_camera_whose_clock_paused_starts_anew_after_a_while() -> None:
    """Lateness that does not go away is a jump: reported once, soon, and then placed by arrivals."""
    pause = 2 * SECOND_US
    moments = even(50) + [(camera, arrived + pause) for camera, arrived in even(200)[50:]]
    placed = run(moments)
    broken = [n for n, (_, flag) in enumerate(placed) if flag]
    assert len(broken) == 1
    assert broken[0] - 50 <= BEHIND_PATIENCE_US // FRAME_US + 2
    assert placed[-1][0] == moments[-1][1]


def test_two_packets_of_one_picture_are_no_jump() -> None:
    """The same camera time twice within an instant stands one microsecond apart, unreported."""
    placed = run([(0, EPOCH_US), (0, EPOCH_US + 900), (FRAME_US, EPOCH_US + FRAME_US)])
    assert placed == [(EPOCH_US, False), (EPOCH_US + 1, False), (EPOCH_US + FRAME_US, False)]
