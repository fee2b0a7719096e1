"""One connection to capture for each watched camera, handed on to all who watch it.

Capture, which records, sends each picture once, however many people look.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from appliance.errors import ApplianceError, UnavailableError
from appliance.ipc import framing
from appliance.web.room.backlog import Backlog, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    Relay = Callable[[str], Generator[bytes]]

RETRY_SECONDS = 0.5
MAX_CHANNELS = 64
BEGINS_WITHIN_SECONDS = 3.0


def _now_us() -> int:
    return time.monotonic_ns() // 1000


class Channel:
    """One camera: a thread that reads it from capture while anybody watches, and the pictures it holds for them."""

    def __init__(self, camera: str, relay: Relay, forget: Callable[[Channel], bool]) -> None:
        self.camera = camera
        self.problem: ApplianceError | None = None
        """Why capture refused the last time; None where it serves the camera."""
        self._relay = relay
        self._forget = forget
        self._lock = threading.Lock()
        self._backlog = Backlog()
        self._hello: bytes | None = None
        self._said = b""
        self._begun = threading.Event()
        self._watchers: set[threading.Event] = set()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"live {camera}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def join(self, wake: threading.Event) -> None:
        """Let ``wake`` be set whenever there is something new."""
        with self._lock:
            self._left.clear()
            self._watchers = self._watchers | {wake}

    def leave(self, wake: threading.Event) -> None:
        """Set it no more; with nobody left, capture's connection is closed."""
        with self._lock:
            self._watchers = self._watchers - {wake}
            if not self._watchers:
                self._left.set()

    def wait_begun(self, seconds: float) -> bool:
        """Wait until the camera's first answer, good or bad, is there."""
        return self._begun.wait(seconds)

    def take(self, place: Place) -> list[bytes]:
        """Return what a viewer gets next (`Backlog.take`)."""
        with self._lock:
            return self._backlog.take(place, _now_us()) if self._begun.is_set() else []

    def _run(self) -> None:
        while not self._left.is_set() or not self._forget(self):
            self._read()
            self._left.wait(RETRY_SECONDS)

    def _read(self) -> None:
        reason = "The camera's stream ended."
        try:
            messages = framing.Messages()
            # Closed by hand: the generator holds the connection to capture.
            with closing(self._relay(self.camera)) as pieces:
                for piece in pieces:
                    for kind, message in messages.feed(piece):
                        self._hear(kind, message)
                    if self._left.is_set():
                        return
        except ApplianceError as problem:
            self.problem, reason = problem, problem.message
        self._lost(framing.pack_json({"state": "lost", "reason": reason}), unless_lost=self.problem is None)

    def _hear(self, kind: bytes, message: bytes) -> None:
        self.problem = None
        if kind == b"J":
            told = _object(message)
            if told.get("state"):
                self._lost(message)
            else:
                self._hello = message
        elif kind == b"I":
            self._begin((self._hello or b"") + message)
        else:
            with self._lock:
                self._backlog.push(message, keyframe=kind == b"K", now_us=_now_us())
            self._wake()

    def _lost(self, message: bytes, *, unless_lost: bool = False) -> None:
        """Tell everybody that there is no picture, and why; once for each reason."""
        lost = self._said != b"" and _object(self._said).get("state") is not None
        if message != self._said and not (unless_lost and lost):
            self._begin(message)

    def _begin(self, preamble: bytes) -> None:
        with self._lock:
            self._backlog.begin(preamble)
            self._said = preamble[: framing.length_of(preamble)]
            self._begun.set()
        self._wake()

    def _wake(self) -> None:
        for wake in self._watchers:
            wake.set()


def _object(message: bytes) -> dict[str, Any]:
    try:
        value = json.loads(message[framing.PREFIX_BYTES :])
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Watching:
    """One viewer of some cameras."""

    def __init__(self, channels: list[Channel], wake: threading.Event) -> None:
        self.channels = channels
        self._places = [Place() for _ in channels]
        self._wake = wake

    def take(self) -> Iterator[tuple[int, bytes]]:
        """Yield what there is for each camera that has something, with its number in the order asked for."""
        for number, (channel, place) in enumerate(zip(self.channels, self._places, strict=True)):
            messages = channel.take(place)
            if messages:
                yield number, messages[0] if len(messages) == 1 else b"".join(messages)

    @property
    def skipped(self) -> int:
        """How many messages were left out because the viewer was late."""
        return sum(place.skipped for place in self._places)

    def close(self) -> None:
        """Watch no more."""
        for channel in self.channels:
            channel.leave(self._wake)


class Fan:
    """Every watched camera of the process; safe to share between threads.

    Args:
        relay: opens a camera's messages (`LiveClient.relay`).
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._lock = threading.Lock()
        self._channels: dict[str, Channel] = {}

    def watch(self, cameras: Iterable[str], wake: threading.Event) -> Watching:
        """Begin to watch; ``wake`` is set whenever something is there to be taken.

        Raises:
            UnavailableError: more different cameras are watched than a box can have.
        """
        with self._lock:
            wanted = list(cameras)
            new = [camera for camera in wanted if camera not in self._channels]
            if len(self._channels) + len(new) > MAX_CHANNELS:
                raise UnavailableError(f"More than {MAX_CHANNELS} cameras cannot be watched at a time.")
            for camera in new:
                self._channels[camera] = Channel(camera, self._relay, self._forget)
            channels = [self._channels[camera] for camera in wanted]
            for channel in channels:
                channel.join(wake)
        for channel in channels:
            if channel.camera in new:
                channel.start()
        return Watching(channels, wake)

    def watchers(self) -> dict[str, int]:
        """Return how many watch each camera that anybody watches."""
        with self._lock:
            return {camera: channel.watchers for camera, channel in self._channels.items() if channel.watchers}

    def _forget(self, channel: Channel) -> bool:
        """Let a channel go unless somebody has come meanwhile; called by its own thread."""
        with self._lock:
            if channel.watchers:
                return False
            self._channels.pop(channel.camera, None)
            return True
