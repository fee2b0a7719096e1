"""Live pictures to viewers, none of whom the camera waits for."""

from __future__ import annotations

import itertools
import json
import socket
from typing import TYPE_CHECKING

import pytest

from appliance.capture.fragmenter import Fragment
from appliance.capture.live_hub import MAX_BACKLOG_BYTES, MAX_CACHE_BYTES, MAX_SILENT_US, LiveHub
from appliance.ipc import framing
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.clock import ManualClock

HELLO = {"codecs": "avc1.42C01E", "width": 64, "height": 48, "audio": False}


def picture(number: int, *, keyframe: bool = False, size: int = 100) -> Fragment:
    """Return a fragment that says its number in its first bytes."""
    data = number.to_bytes(4) + b"." * (size - 4)
    return Fragment("video", data, number * 40_000, 40_000, number * 40_000, keyframe)


@pytest.fixture
def hub(clock: ManualClock) -> Iterator[LiveHub]:
    """A running hub."""
    running = LiveHub(clock)
    running.start()
    yield running
    running.stop()


def watch(hub: LiveHub) -> socket.socket:
    """Add a viewer and return its own end."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    mine.settimeout(5)
    hub.add(theirs)
    return mine


def take(viewer: socket.socket) -> tuple[bytes, bytes]:
    """Return the next message."""
    message = framing.receive(viewer)
    assert message is not None
    return message


def test_a_viewer_gets_stream_initialisation_and_pictures_from_the_last_keyframe_on(hub: LiveHub) -> None:
    """Who comes in the middle of a group of pictures sees the group from its keyframe."""
    hub.stream_started(b"init", HELLO)
    hub.publish(picture(1, keyframe=True))
    hub.publish(picture(2))
    viewer = watch(hub)
    hub.publish(picture(3))
    kind, hello = take(viewer)
    assert kind == b"J"
    assert json.loads(hello) == {"ok": True, **HELLO}
    assert take(viewer) == (b"I", b"init")
    assert [take(viewer)[0] for _ in range(3)] == [b"K", b"F", b"F"]


def test_a_slow_viewer_misses_pictures_up_to_a_keyframe_and_never_gets_a_broken_order(hub: LiveHub) -> None:
    """What follows a dropped stretch begins with a keyframe, and the backlog stays bounded."""
    hub.stream_started(b"init", HELLO)
    viewer = watch(hub)
    size = MAX_BACKLOG_BYTES // 10
    for number in range(1, 61):
        hub.publish(picture(number, keyframe=number % 10 == 1, size=size))
    hub.publish(picture(61, keyframe=True))
    seen: list[tuple[int, bytes]] = []
    take(viewer)
    take(viewer)
    while not seen or seen[-1][0] != 61:
        kind, data = take(viewer)
        seen.append((int.from_bytes(data[:4]), kind))
    assert hub.missed > 0
    for (before, _), (number, kind) in itertools.pairwise(seen):
        assert number > before
        assert number == before + 1 or kind == b"K"


def test_a_lost_camera_is_said_at_once_and_the_viewer_is_let_go(hub: LiveHub) -> None:
    """No picture that looks alive stays on the screen of a dead camera."""
    hub.stream_started(b"init", HELLO)
    hub.publish(picture(1, keyframe=True))
    viewer = watch(hub)
    for _ in range(3):
        take(viewer)
    hub.stream_ended("the cable was pulled")
    kind, farewell = take(viewer)
    assert (kind, json.loads(farewell)) == (b"J", {"state": "lost", "reason": "the cable was pulled"})
    assert framing.receive(viewer) is None
    until(lambda: hub.viewers == 0)


def test_without_a_picture_a_viewer_is_told_so(hub: LiveHub) -> None:
    """Nobody waits in front of a black rectangle without a word."""
    kind, answer = take(watch(hub))
    assert kind == b"J"
    assert json.loads(answer)["state"] == "lost"


def test_a_viewer_that_went_away_is_forgotten(hub: LiveHub) -> None:
    """A closed window costs nothing any longer."""
    hub.stream_started(b"init", HELLO)
    viewer = watch(hub)
    viewer.close()
    number = 0

    def gone() -> bool:
        nonlocal number
        number += 1
        hub.publish(picture(number, keyframe=True))
        return hub.viewers == 0

    until(gone)


def test_a_viewer_that_takes_nothing_is_let_go(hub: LiveHub, clock: ManualClock) -> None:
    """A sleeping tablet does not keep its place for ever."""
    hub.stream_started(b"init", HELLO)
    viewer = watch(hub)
    for number in range(1, 30):
        hub.publish(picture(number, keyframe=True, size=MAX_BACKLOG_BYTES // 8))
    until(lambda: hub.viewers == 1)
    clock.advance(MAX_SILENT_US / 1_000_000 + 1)
    until(lambda: hub.viewers == 0)
    viewer.close()


def test_the_keyframe_for_a_still_picture_is_the_newest(hub: LiveHub) -> None:
    """A snapshot is made from the initialisation segment and the newest keyframe."""
    assert hub.keyframe() is None
    hub.stream_started(b"init", HELLO)
    for number in (1, 2):
        hub.publish(picture(number, keyframe=True))
    newest = hub.keyframe()
    assert newest == (b"init", picture(2, keyframe=True).data)


def test_after_too_long_a_group_a_viewer_waits_for_the_next_keyframe(hub: LiveHub) -> None:
    """A camera with rare keyframes fills no memory, and nobody is shown a broken group."""
    hub.stream_started(b"init", HELLO)
    hub.publish(picture(1, keyframe=True))
    for number in range(2, 12):
        hub.publish(picture(number, size=MAX_CACHE_BYTES // 8))
    viewer = watch(hub)
    hub.publish(picture(12))
    hub.publish(picture(13, keyframe=True))
    for _ in range(2):
        take(viewer)
    assert take(viewer) == (b"K", picture(13, keyframe=True).data)
    assert hub.keyframe() == (b"init", picture(13, keyframe=True).data)
