"""Fragments become segments."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.fragmenter import Fragment
from appliance.capture.segmenter import FIRST_US, LONGEST_US, Segment, Segmenter

FRAME_US = 40_000


def frame(
    n: int, *, key: bool = False, us: int = FRAME_US, start: int | None = None, size: int = 10, **more: bool
) -> Fragment:
    """Return a picture's fragment."""
    at = n * us if start is None else start
    return Fragment("video", bytes([n % 256]) * size, at, us, at, key, **more)


def gather(fragments: list[Fragment], target_us: int = 1_800_000) -> list[Segment]:
    """Return all segments of a stream."""
    segmenter = Segmenter(target_us)
    done = [segmenter.push(fragment) for fragment in fragments] + [segmenter.flush()]
    return [segment for segment in done if segment]


@st.composite
def streams(draw: st.DrawFn) -> list[Fragment]:
    """Pictures and sound as the fragmenter gives them: growing times, holes, long frames, rare keyframes."""
    at, sound, result = draw(st.integers(0, 10**9)), 0, []
    for n in range(draw(st.integers(1, 80))):
        length = draw(st.sampled_from([1, 16_000, 40_000, 400_000, 1_000_000]))
        hole = draw(st.sampled_from([0, 0, 0, 0, 60_000, 3_000_000]))
        at += hole
        key = n == 0 or draw(st.integers(0, 9)) == 0
        data = n.to_bytes(2, "big") + bytes(draw(st.integers(0, 30)))
        result.append(Fragment("video", data, at, length, at, key, discontinuity=draw(st.integers(0, 19)) == 0))
        at += length
        for _ in range(draw(st.integers(0, 2))):
            sound = max(sound + 1, at - draw(st.integers(0, 50_000)))
            result.append(Fragment("audio", b"a" + n.to_bytes(2, "big"), sound, 21_333, sound, True))
    return result


@given(streams(), st.integers(200_000, 2_000_000))
def test_nothing_is_lost_reordered_or_too_long(fragments: list[Fragment], target_us: int) -> None:
    """All bytes come out in order, in segments of at most 2 s that do not overlap, each key where it is said to be."""
    segments = gather(fragments, target_us)
    assert b"".join(s.data for s in segments) == b"".join(f.data for f in fragments)
    assert all(0 < s.duration_us <= LONGEST_US for s in segments)
    pictures = {f.start_us: f for f in fragments if f.kind == "video"}
    for segment in segments:
        if segment.key_offset is not None:
            key = pictures[segment.key_us or 0]
            assert key.keyframe
            assert segment.data[segment.key_offset :].startswith(key.data)
        else:
            assert not segment.keyframe
    starts = [s for s in segments if s.start_us in pictures]
    assert all(a.start_us + a.duration_us <= b.start_us for a, b in itertools.pairwise(starts))


@given(streams())
def test_every_hole_and_jump_lies_between_segments(fragments: list[Fragment]) -> None:
    """A hole of more than 50 ms or a jump of the camera's clock never lies inside a segment, and is marked."""
    segments = gather(fragments)
    marked = {s.start_us for s in segments if s.discontinuity}
    pictures = [f for f in fragments if f.kind == "video"]
    expected = {pictures[0].start_us} if pictures[0].discontinuity else set()
    for before, after in itertools.pairwise(pictures):
        if after.discontinuity or after.start_us - before.start_us - before.duration_us > 50_000:
            expected.add(after.start_us)
    assert marked == expected


def test_steady_state_cuts_before_keyframes() -> None:
    """With a keyframe every 1.7 seconds segments soon begin with their keyframes, and go on doing so."""
    segments = gather([frame(n, key=n % 43 == 0) for n in range(1200)])
    first = next(n for n, s in enumerate(segments) if n and s.keyframe)
    assert first <= 24
    steady = segments[first:-1]
    assert len(steady) > 8
    assert {s.duration_us for s in steady} == {43 * FRAME_US}
    assert all(s.key_offset == 0 and s.key_us == s.start_us for s in steady)


def test_segments_are_long_enough_to_be_worth_a_commit() -> None:
    """With a keyframe a second segments are nearly as long as allowed, and some still begin with a keyframe."""
    segments = gather([frame(n, key=n % 25 == 0) for n in range(1000)])[1:-1]
    assert min(s.duration_us for s in segments) >= 1_600_000
    assert sum(s.keyframe for s in segments) >= len(segments) // 10


def test_the_first_segment_comes_early() -> None:
    """The first segment of a stream is cut at 0.4 s, so that sealing is seen soon."""
    assert gather([frame(n, key=n == 0) for n in range(50)])[0].duration_us == FIRST_US


def test_without_keyframes_segments_stay_below_the_target() -> None:
    """A camera with a keyframe every ten seconds still gets segments of at most 1.8 s."""
    segments = gather([frame(n, key=n % 250 == 0) for n in range(500)])
    assert max(s.duration_us for s in segments) == 1_800_000
    inside = [s for s in segments if s.key_us == 10_000_000]
    assert len(inside) == 1
    assert inside[0].key_offset == (10_000_000 - inside[0].start_us) // FRAME_US * 10


@pytest.mark.parametrize(("now_us", "due"), [(0, False), (1_799_999, False), (1_800_000, True)])
def test_what_waits_is_due_when_its_target_has_passed(now_us: int, due: bool) -> None:
    """A camera that stops sending does not hold back what it sent."""
    segmenter = Segmenter()
    assert not segmenter.due(10**12)
    segmenter.push(frame(0, key=True))
    assert segmenter.due(now_us) is due


def test_flushing_nothing_gives_nothing() -> None:
    """An empty segmenter has no segment."""
    assert Segmenter().flush() is None


def test_sound_alone_is_kept() -> None:
    """Sound without pictures still becomes segments, with its own times."""
    sound = [Fragment("audio", b"s", n * 21_333, 21_333, n * 21_333, keyframe=True) for n in range(200)]
    segments = gather(sound)
    assert sum(len(s.data) for s in segments) == 200
    assert all(s.key_us is None and s.duration_us <= LONGEST_US for s in segments)
