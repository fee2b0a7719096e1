"""What waits for the disk: bounded, in order, and what had to be dropped is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.capture.fragmenter import Fragment
from appliance.capture.sealer import SegmentFeed, SegmentQueue, StopRecording, StreamEnd
from appliance.capture.segmenter import Segment
from appliance.vault.format import GapReason

FRAME_US = 40_000


def segment(number: int, *, keyframe: bool, size: int = 4) -> Segment:
    """Return a segment of one second that carries its number."""
    start = number * 1_000_000
    return Segment(start, 1_000_000, start, keyframe, None, None, discontinuity=False, data=number.to_bytes(size))


def queue(seconds: float = 1.0) -> SegmentQueue:
    """Return a queue of so many seconds."""
    return SegmentQueue(limit_us=round(seconds * 1_000_000), limit_bytes=1_000_000)


def test_nothing_waits_for_an_empty_queue() -> None:
    """An empty queue answers None after the timeout."""
    assert queue().take(0) is None


def test_an_order_takes_its_turn_and_is_never_dropped() -> None:
    """Orders keep their place between segments, also in a full queue."""
    waiting = queue(1)
    waiting.offer(segment(1, keyframe=True))
    waiting.order(StreamEnd(GapReason.CAMERA_LOST))
    assert not waiting.offer(segment(2, keyframe=False))
    waiting.order(StopRecording())
    taken = [waiting.take(0) for _ in range(3)]
    assert [type(item) for item in taken] == [Segment, StreamEnd, StopRecording]


def test_bytes_are_bounded_too() -> None:
    """Few but huge segments do not fill the memory."""
    waiting = SegmentQueue(limit_us=10_000_000, limit_bytes=1000)
    assert [waiting.offer(segment(n, keyframe=True, size=600)) for n in range(4)] == [True, True, False, False]


@given(st.lists(st.one_of(st.just("offer"), st.just("take")), max_size=300), st.integers(2, 7))
def test_after_dropped_segments_the_next_begins_with_a_keyframe_and_the_order_holds(
    steps: list[str], group: int
) -> None:
    """Whatever the disk's pace: numbers grow, a hole ends at a keyframe, drops and takes add up to the offers."""
    waiting = queue(10)
    offered, taken = 0, []
    for step in [*steps, *["take"] * 300]:
        if step == "offer":
            waiting.offer(segment(offered, keyframe=offered % group == 0))
            offered += 1
        elif (item := waiting.take(0)) is not None:
            assert isinstance(item, Segment)
            taken.append(item)
    assert len(taken) + waiting.dropped == offered
    numbers = [int.from_bytes(one.data) for one in taken]
    for before, number, one in zip(numbers, numbers[1:], taken[1:], strict=False):
        assert number == before + 1 or (number > before and one.keyframe)


def feed(waiting: SegmentQueue, pictures: range) -> SegmentFeed:
    """Return a feed that records and has been given pictures, a keyframe at every 25th."""
    made = SegmentFeed(waiting, 1_800_000)
    made.open()
    push(made, pictures)
    return made


def push(made: SegmentFeed, pictures: range) -> None:
    """Push pictures that carry their numbers."""
    for number in pictures:
        start = number * FRAME_US
        made.push(Fragment("video", number.to_bytes(4), start, FRAME_US, start, number % 25 == 0))


def test_recording_begins_with_a_keyframe() -> None:
    """Pictures before the first keyframe could not be shown and are left out."""
    waiting = queue(100)
    feed(waiting, range(10, 60))
    first = waiting.take(0)
    assert isinstance(first, Segment)
    assert first.keyframe
    assert first.data[:4] == (25).to_bytes(4)


def test_nothing_is_gathered_while_nothing_is_recorded() -> None:
    """Before and after a recording, pictures are only shown."""
    waiting = queue(100)
    made = SegmentFeed(waiting, 1_800_000)
    push(made, range(100))
    made.open()
    assert made.close() is None
    push(made, range(100, 200))
    made.flush()
    assert waiting.take(0) is None


def test_what_a_silent_camera_sent_before_is_queued_when_its_time_is_up() -> None:
    """A stalled camera holds nothing back."""
    waiting = queue(100)
    made = feed(waiting, range(5))
    made.flush_if_due(1_000_000)
    assert waiting.take(0) is None
    made.flush_if_due(1_800_000)
    assert isinstance(waiting.take(0), Segment)


def test_a_new_stream_ends_the_segment_of_the_one_before() -> None:
    """Pictures of two streams are never in one segment, and the second begins with a keyframe."""
    waiting = queue(100)
    made = feed(waiting, range(5))
    made.begin_stream()
    push(made, range(20, 60))
    last = made.close()
    first = waiting.take(0)
    assert isinstance(first, Segment)
    assert first.data == b"".join(n.to_bytes(4) for n in range(5))
    second = waiting.take(0) or last
    assert isinstance(second, Segment)
    assert second.data[:4] == (25).to_bytes(4)
