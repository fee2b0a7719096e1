"""One camera's latest pictures, and where each viewer stands in them (pure).

A viewer gets whole messages in their order. One who cannot follow is brought to the newest keyframe, so that what
is seen is late by little or not at all, and never broken.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from itertools import islice

from appliance.clock import SECOND_US

MAX_BYTES = 8 * 1024 * 1024
"""As much of one camera's pictures is kept at most; a longer group of pictures is for those who follow."""
KEEP_US = 3 * SECOND_US
LATE_US = 1_500_000
"""A viewer this late goes on with the newest keyframe, where there is a newer one."""
TAKE_BYTES = 64 * 1024
"""How much is handed out at a time: between two portions it can be seen that a viewer is late."""


@dataclass(slots=True)
class Place:
    """How far a viewer is."""

    generation: int = -1
    next: int = 0
    synced_us: int = 0
    """When the viewer last began with a keyframe: what is older than that was no delay of theirs."""
    waiting: bool = False
    """Nothing can be shown before the next keyframe."""
    skipped: int = 0
    """How many messages were left out for being late."""


@dataclass(frozen=True, slots=True)
class Message:
    """One fragment as it goes to viewers, and when it came (monotonic)."""

    data: bytes
    keyframe: bool
    came_us: int


class Backlog:
    """The messages of one camera since its last keyframe, and a little before. Not safe for several threads."""

    def __init__(self) -> None:
        self.generation = 0
        self._preamble = b""
        self._messages: collections.deque[Message] = collections.deque()
        self._first = 0
        self._keyframe: int | None = None
        self._bytes = 0

    def begin(self, preamble: bytes) -> None:
        """Begin anew: a new stream, or the news that there is none. Every viewer gets ``preamble`` next."""
        self.generation += 1
        self._preamble = preamble
        self._first += len(self._messages)
        self._messages.clear()
        self._keyframe = None
        self._bytes = 0

    def push(self, data: bytes, *, keyframe: bool, now_us: int) -> None:
        """Add one message; what nobody can need any more goes."""
        if keyframe:
            self._keyframe = self._end
        self._messages.append(Message(data, keyframe, now_us))
        self._bytes += len(data)
        if self._bytes > MAX_BYTES and self._keyframe == self._first:
            self._keyframe = None  # one group alone is too much: newcomers wait for the next, those who follow go on
        while self._messages and self._is_spent(now_us):
            self._bytes -= len(self._messages.popleft().data)
            self._first += 1

    def take(self, place: Place, now_us: int) -> list[bytes]:
        """Return what the viewer gets next, oldest first, at most about `TAKE_BYTES`; nothing when all was taken."""
        out = []
        if place.generation != self.generation:
            place.generation = self.generation
            self._sync(place, now_us)
            out.append(self._preamble)
        elif place.waiting:
            self._sync(place, now_us)
        elif self._is_late(place, now_us):
            before = place.next
            self._sync(place, now_us)
            place.skipped += place.next - before
        if place.waiting:
            return out
        size = 0
        for message in islice(self._messages, place.next - self._first, None):
            if size and size + len(message.data) > TAKE_BYTES:
                break
            size += len(message.data)
            out.append(message.data)
            place.next += 1
        return out

    @property
    def _end(self) -> int:
        return self._first + len(self._messages)

    def _sync(self, place: Place, now_us: int) -> None:
        """Go to the newest keyframe, or wait for the next one: messages before it are of no use."""
        place.waiting = self._keyframe is None
        place.next = self._end if self._keyframe is None else self._keyframe
        place.synced_us = now_us

    def _is_late(self, place: Place, now_us: int) -> bool:
        if place.next < self._first:
            return True
        if place.next >= self._end or self._keyframe is None or self._keyframe <= place.next:
            return False
        waiting_since = max(self._messages[place.next - self._first].came_us, place.synced_us)
        return now_us - waiting_since > LATE_US

    def _is_spent(self, now_us: int) -> bool:
        old = now_us - self._messages[0].came_us > KEEP_US or self._bytes > MAX_BYTES
        return old and (self._keyframe is None or self._first < self._keyframe)
