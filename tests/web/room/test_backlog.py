"""What each viewer of a camera gets, however slow: whole groups in order, late by little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.web.room.backlog import KEEP_US, LATE_US, MAX_BYTES, TAKE_BYTES, Backlog, Place

PICTURE_US = 40_000


def names(messages: list[bytes]) -> list[str]:
    """Return the names the test gave the messages."""
    return [message.rstrip(b".").decode() for message in messages]


def filled(groups: int, pictures: int = 25) -> tuple[Backlog, int]:
    """Return a backlog of whole groups and the time of its last picture."""
    backlog = Backlog()
    backlog.begin(b"hello")
    now = 0
    for group in range(groups):
        for number in range(pictures):
            backlog.push(f"{group}:{number}".encode(), keyframe=number == 0, now_us=now)
            now += PICTURE_US
    return backlog, now - PICTURE_US


def test_a_newcomer_begins_with_the_newest_keyframe() -> None:
    """First the stream's beginning, then everything since the last keyframe."""
    backlog, now = filled(3)
    got = names(backlog.take(Place(), now))
    assert got == ["hello", *(f"2:{number}" for number in range(25))]


def test_without_a_keyframe_a_newcomer_waits_for_the_next() -> None:
    """No picture is sent that could not be shown."""
    backlog = Backlog()
    backlog.begin(b"hello")
    place = Place()
    backlog.push(b"x", keyframe=False, now_us=0)
    assert names(backlog.take(place, 0)) == ["hello"]
    backlog.push(b"y", keyframe=False, now_us=1)
    assert backlog.take(place, 1) == []
    backlog.push(b"k", keyframe=True, now_us=2)
    backlog.push(b"z", keyframe=False, now_us=3)
    assert names(backlog.take(place, 3)) == ["k", "z"]


def test_a_new_stream_reaches_everybody_from_its_beginning() -> None:
    """Old pictures are not sent after the news that the stream begins anew or is lost."""
    backlog, now = filled(2)
    place = Place()
    backlog.take(place, now)
    backlog.push(b"old", keyframe=False, now_us=now)
    backlog.begin(b"lost")
    assert names(backlog.take(place, now)) == ["lost"]
    assert backlog.take(place, now) == []


def test_a_viewer_who_is_late_goes_on_with_the_newest_keyframe() -> None:
    """Whoever took nothing for longer than may be misses pictures up to the newest keyframe, and it is counted."""
    backlog, now = filled(1)
    place = Place()
    backlog.take(place, now)
    for group in range(1, 4):
        for number in range(25):
            now += PICTURE_US
            backlog.push(f"{group}:{number}".encode(), keyframe=number == 0, now_us=now)
    got = names(backlog.take(place, now))
    assert got[0] == "3:0"
    assert place.skipped == 50


def test_a_viewer_who_is_a_little_late_misses_nothing() -> None:
    """Up to a second and a half is no reason to leave anything out."""
    backlog, now = filled(1)
    place = Place()
    backlog.take(place, now)
    for number in range(30):
        now += PICTURE_US
        backlog.push(f"1:{number}".encode(), keyframe=number % 25 == 0, now_us=now)
    assert len(backlog.take(place, now)) == 30
    assert place.skipped == 0


def test_portions_are_small_enough_to_notice_lateness() -> None:
    """Large pictures go one at a time."""
    backlog = Backlog()
    backlog.begin(b"")
    for number in range(4):
        backlog.push(bytes([48 + number]) * TAKE_BYTES, keyframe=number == 0, now_us=number)
    place = Place()
    assert [len(backlog.take(place, 5)) for _ in range(5)] == [2, 1, 1, 1, 0]


def test_one_group_longer_than_what_is_kept_goes_on_for_those_who_follow() -> None:
    """A camera that makes no keyframes costs bounded memory; who keeps up sees everything, newcomers wait."""
    backlog = Backlog()
    backlog.begin(b"")
    following, kept = Place(), 0
    size = MAX_BYTES // 10
    for number in range(40):
        backlog.push(bytes(size), keyframe=number == 0, now_us=number * PICTURE_US)
        kept += len(backlog.take(following, number * PICTURE_US))
    assert kept == 41  # the beginning and every picture
    assert backlog.take(Place(), 41 * PICTURE_US) == [b""]
    assert backlog._bytes <= MAX_BYTES


viewer_step = st.tuples(st.integers(0, 60), st.integers(0, 4))


@given(
    group=st.integers(1, 120),
    gap_us=st.integers(1_000, 400_000),
    size=st.sampled_from([1, 20_000, 300_000]),
    steps=st.lists(viewer_step, min_size=1, max_size=30),
    restarts=st.sets(st.integers(0, 300), max_size=3),
)
def test_whatever_a_viewer_takes_can_be_decoded(
    group: int, gap_us: int, size: int, steps: list[tuple[int, int]], restarts: set[int]
) -> None:
    """However seldom somebody takes, each picture follows the one before or is a keyframe, of the stream last begun."""
    backlog, place = Backlog(), Place()
    sent, now, stream = 0, 0, 0
    backlog.begin(b"begin 0")
    last: int | None = None
    shown_stream = -1
    for pushes, takes in steps:
        for _ in range(pushes):
            if sent in restarts:
                stream += 1
                backlog.begin(f"begin {stream}".encode())
                sent += group - sent % group  # a stream begins with a keyframe
            backlog.push(f"{sent}".encode().ljust(size, b"."), keyframe=sent % group == 0, now_us=now)
            sent, now = sent + 1, now + gap_us
        for _ in range(takes):
            for name in names(backlog.take(place, now)):
                if name.startswith("begin"):
                    shown_stream, last = int(name.split()[1]), None
                    continue
                number = int(name)
                assert shown_stream == stream
                assert number % group == 0 or number - 1 == last
                assert last is None or number > last
                last = number
    assert len(backlog._messages) <= max(group + 1, KEEP_US // gap_us + group + 2)
    assert LATE_US < KEEP_US
