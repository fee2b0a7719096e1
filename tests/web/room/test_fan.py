"""One connection to capture for each camera, however many watch."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UnavailableError
from appliance.ipc import framing
from appliance.web.room.fan import MAX_CHANNELS, Fan, Watching
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HELLO = framing.pack_json({"ok": True, "codecs": "avc1"})
INIT = framing.pack(b"I", b"init")


class Upstream:
    """Capture, message by message as the test says."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.said: queue.Queue[bytes | None] = queue.Queue()

    def relay(self, camera: str) -> Generator[bytes]:
        """Give what the test says; None ends the connection."""
        self.opened.append(camera)
        try:
            while (piece := self.said.get()) is not None:
                yield piece
        finally:
            self.closed.append(camera)

    def say(self, *pieces: bytes | None) -> None:
        """Send pieces."""
        for piece in pieces:
            self.said.put(piece)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Capture, let go of at the end."""
    made = Upstream()
    yield made
    made.say(*[None] * 20)


def taken(watching: Watching, count: int) -> list[bytes]:
    """Return the next so many messages of one camera."""
    got: list[bytes] = []

    def enough() -> bool:
        for _, portion in watching.take():
            got.extend(message for _, message in framing.Messages().feed(portion))
        return len(got) >= count

    until(enough, 5, "messages")
    return got


def test_many_viewers_are_one_connection(upstream: Upstream) -> None:
    """Two viewers get the same messages from one connection; a newcomer begins at the last keyframe."""
    fan = Fan(upstream.relay)
    first = fan.watch(["front"], threading.Event())
    key, more = framing.pack(b"K", b"key"), framing.pack(b"F", b"more")
    upstream.say(HELLO, INIT, key[:3], key[3:] + more)
    assert taken(first, 4) == [HELLO, INIT, key, more]
    second = fan.watch(["front"], threading.Event())
    assert taken(second, 4) == [HELLO, INIT, key, more]
    upstream.say(more)
    assert taken(first, 1) == taken(second, 1) == [more]
    assert upstream.opened == ["front"]
    assert fan.watchers() == {"front": 2}
    first.close()
    second.close()


def test_the_last_to_leave_closes_the_connection(upstream: Upstream) -> None:
    """Nobody watches: capture is left alone; who comes later opens it anew."""
    fan = Fan(upstream.relay)
    watching = fan.watch(["front"], threading.Event())
    upstream.say(HELLO, INIT)
    taken(watching, 2)
    watching.close()
    upstream.say(framing.pack(b"F", b"x"))
    until(lambda: upstream.closed == ["front"], 5, "the connection closed")
    until(lambda: not fan._channels, 5, "the camera forgotten")
    again = fan.watch(["front"], threading.Event())
    upstream.say(HELLO, INIT)
    assert taken(again, 2) == [HELLO, INIT]
    assert upstream.opened == ["front", "front"]
    again.close()


def test_a_lost_camera_is_said_once_and_comes_back_by_itself(upstream: Upstream) -> None:
    """A viewer stays through a loss: the reason, then the new stream from its beginning."""
    fan = Fan(upstream.relay)
    watching = fan.watch(["front"], threading.Event())
    key = framing.pack(b"K", b"key")
    lost = framing.pack_json({"state": "lost", "reason": "cable"})
    upstream.say(HELLO, INIT, key)
    taken(watching, 3)
    upstream.say(lost, None, lost, None, HELLO, INIT, key)
    assert taken(watching, 4) == [lost, HELLO, INIT, key]
    watching.close()


def test_a_connection_that_breaks_off_is_a_loss(upstream: Upstream) -> None:
    """An end without a word is not mistaken for a camera that stands still."""
    fan = Fan(upstream.relay)
    watching = fan.watch(["front"], threading.Event())
    upstream.say(HELLO, INIT)
    taken(watching, 2)
    upstream.say(None)
    assert b"lost" in taken(watching, 1)[0]
    watching.close()


def test_there_is_an_end_to_how_many_cameras_are_watched(upstream: Upstream) -> None:
    """Made-up names cannot make threads without end."""
    fan = Fan(upstream.relay)
    watching = [fan.watch([f"c{n}"], threading.Event()) for n in range(MAX_CHANNELS)]
    with pytest.raises(UnavailableError):
        fan.watch(["one-more"], threading.Event())
    for one in watching:
        one.close()
    upstream.say(*[None] * MAX_CHANNELS)
    until(lambda: not fan._channels, 10, "all forgotten")
