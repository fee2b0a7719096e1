"""What waits for the disk: bounded, in order, and what had to be dropped is counted."""

from __future__ import annotations

from appliance.capture.fragmenter import Fragment
from appliance.capture.sealer import FragmentQueue, StopRecording, StreamEnd
from appliance.vault.format import GapReason
from hypothesis import given
from hypothesis import strategies as st

FRAME_US = 40_000


def picture(number: int, *, keyframe: bool) -> Fragment:
    """Return a picture that carries its number."""
    return Fragment("video", number.to_bytes(4), number * FRAME_US, FRAME_US, number * FRAME_US, keyframe)


def queue(seconds: float = 1.0) -> FragmentQueue:
    """Return a queue of so many seconds."""
    return FragmentQueue(limit_us=round(seconds * 1_000_000), limit_bytes=1_000_000)


def test_nothing_waits_for_an_empty_queue() -> None:
    """An empty queue answers None after the timeout."""
    assert queue().take(0) is None


def test_an_order_takes_its_turn_and_is_never_dropped() -> None:
    """Orders keep their place between fragments, also in a full queue."""
    waiting = queue(0.04)
    waiting.offer(picture(1, keyframe=True))
    waiting.order(StreamEnd(GapReason.CAMERA_LOST))
    assert not waiting.offer(picture(2, keyframe=False))
    waiting.order(StopRecording())
    taken = [waiting.take(0) for _ in range(3)]
    assert [type(item) for item in taken] == [Fragment, StreamEnd, StopRecording]


def test_bytes_are_bounded_too() -> None:
    """Few but huge pictures do not fill the memory."""
    waiting = FragmentQueue(limit_us=10_000_000, limit_bytes=1000)
    huge = Fragment("video", b"x" * 600, 0, FRAME_US, 0, keyframe=True)
    assert [waiting.offer(huge) for _ in range(4)] == [True, True, False, False]


@given(st.lists(st.one_of(st.just("offer"), st.just("take")), max_size=300), st.integers(5, 40))
def test_after_dropped_pictures_the_next_is_a_keyframe_and_the_order_holds(steps: list[str], group: int) -> None:
    """Whatever the disk's pace: numbers grow, a hole ends at a keyframe, drops and takes add up to the offers."""
    waiting = queue(0.6)
    offered, taken = 0, []
    for step in steps:
        if step == "offer":
            waiting.offer(picture(offered, keyframe=offered % group == 0))
            offered += 1
        elif (item := waiting.take(0)) is not None:
            assert isinstance(item, Fragment)
            taken.append(item)
    while (item := waiting.take(0)) is not None:
        assert isinstance(item, Fragment)
        taken.append(item)
    assert len(taken) + waiting.dropped == offered
    numbers = [int.from_bytes(fragment.data) for fragment in taken]
    for before, number, fragment in zip(numbers, numbers[1:], taken[1:], strict=False):
        assert number == before + 1 or (number > before and fragment.keyframe)
