"""Live pictures of one camera to its viewers; the camera never waits for any of them.

One thread writes to all viewers' sockets without blocking. What a viewer cannot take is bounded: beyond that it
misses fragments up to the next keyframe, and a viewer that takes nothing at all for a while is let go.
"""

from __future__ import annotations

import collections
import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.ipc.framing import pack, pack_json

if TYPE_CHECKING:
    from appliance.capture.fragmenter import Fragment
    from appliance.clock import Clock

MAX_BACKLOG_BYTES = 4 * 1024 * 1024
MAX_CACHE_BYTES = 8 * 1024 * 1024
MAX_SILENT_US = 10_000_000


@dataclass(slots=True, eq=False)
class Viewer:
    """One connection and what waits for it."""

    connection: socket.socket
    taken_us: int
    needs_keyframe: bool = True
    backlog: collections.deque[memoryview] = field(default_factory=collections.deque)
    waiting_bytes: int = 0
    preamble: int = 0
    half_sent: bool = False
    ending: bool = False

    def put(self, message: bytes, *, preamble: bool = False) -> None:
        """Queue one whole message; a preamble is never dropped."""
        self.backlog.append(memoryview(message))
        self.waiting_bytes += len(message)
        self.preamble += preamble

    def sent(self, count: int) -> None:
        """Take note that ``count`` bytes of the first message have gone out."""
        piece = self.backlog[0]
        self.waiting_bytes -= count
        self.half_sent = count < len(piece)
        if self.half_sent:
            self.backlog[0] = piece[count:]
            return
        self.backlog.popleft()
        self.preamble = max(0, self.preamble - 1)

    def drop_backlog(self) -> None:
        """Forget what waits, save the preamble and a message that is already half sent."""
        keep = max(self.preamble, int(self.half_sent))
        while len(self.backlog) > keep:
            self.waiting_bytes -= len(self.backlog.pop())
        self.needs_keyframe = True


class LiveHub:
    """The viewers of one camera. `publish` and `viewer` may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()
        self._hello: bytes | None = None
        self._init: bytes = b""
        self._keyframe: bytes = b""
        self._group: list[bytes] = []
        self._group_bytes = 0
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.settimeout(0)
        self._wake_write.settimeout(0)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._stopped = False
        self.missed = 0
        self._thread = threading.Thread(target=self._run, name="viewers", daemon=True)

    def start(self) -> None:
        """Begin serving."""
        self._thread.start()

    def stop(self) -> None:
        """Let every viewer go."""
        self._stopped = True
        self._wake()
        self._thread.join(2)

    @property
    def viewers(self) -> int:
        """How many are watching."""
        return len(self._viewers)

    def stream_started(self, init: bytes, hello: dict[str, Any]) -> None:
        """A (new) stream begins; viewers of an earlier one are sent away and come back for this."""
        with self._lock:
            self._end_all({"state": "changed", "reason": "the stream begins anew"})
            self._hello = pack_json({"ok": True, **hello})
            self._init = init
            self._keyframe = b""
            self._group, self._group_bytes = [], 0
        self._wake()

    def stream_ended(self, reason: str) -> None:
        """The camera is lost: say so at once, rather than leave a picture that looks alive."""
        with self._lock:
            self._hello = None
            self._keyframe = b""
            self._group, self._group_bytes = [], 0
            self._end_all({"state": "lost", "reason": reason})
        self._wake()

    def publish(self, fragment: Fragment) -> None:
        """Hand one fragment to every viewer that can take it."""
        keyframe = fragment.keyframe and fragment.kind == "video"
        with self._lock:
            self._remember(fragment.data, keyframe=keyframe)
            if not self._viewers:
                return
            message = pack(b"K" if keyframe else b"F", fragment.data)
            stuck = [viewer for viewer in self._viewers if not self._send_now(viewer, message, keyframe=keyframe)]
        if stuck:
            self._wake()

    def _remember(self, data: bytes, *, keyframe: bool) -> None:
        """Keep the pictures since the last keyframe for who comes next; too many, and they wait for the next one."""
        if keyframe:
            self._keyframe = data
            self._group, self._group_bytes = [data], len(data)
        elif self._group:
            self._group.append(data)
            self._group_bytes += len(data)
            if self._group_bytes > MAX_CACHE_BYTES:
                self._group, self._group_bytes = [], 0

    def _send_now(self, viewer: Viewer, message: bytes, *, keyframe: bool) -> bool:
        """Queue a message and send as much as goes without waiting; False where the viewers' thread must go on.

        Mostly all of it goes: waking a thread for each picture of each viewer would cost more than sending.
        """
        self._offer(viewer, message, keyframe=keyframe)
        try:
            self._send_backlog(viewer)
        except OSError:
            return False
        return not viewer.backlog

    def add(self, connection: socket.socket) -> None:
        """Serve a new viewer from the last keyframe on; without a picture it is told so and let go."""
        connection.settimeout(0)
        viewer = Viewer(connection, self._clock.mono_us())
        with self._lock:
            self._viewers.add(viewer)
            if self._hello is None:
                viewer.put(pack_json({"ok": True, "state": "lost", "reason": "no picture at present"}))
                viewer.ending = True
            else:
                viewer.put(self._hello, preamble=True)
                viewer.put(pack(b"I", self._init), preamble=True)
                for number, data in enumerate(self._group):
                    self._offer(viewer, pack(b"F" if number else b"K", data), keyframe=number == 0)
        self._wake()

    def keyframe(self) -> tuple[bytes, bytes] | None:
        """Return the initialisation segment and the last keyframe's fragment, for a still picture."""
        with self._lock:
            return (self._init, self._keyframe) if self._keyframe else None

    def _offer(self, viewer: Viewer, message: bytes, *, keyframe: bool) -> None:
        if viewer.ending or (viewer.needs_keyframe and not keyframe):
            return
        if viewer.waiting_bytes + len(message) > MAX_BACKLOG_BYTES and viewer.backlog:
            self.missed += 1
            viewer.drop_backlog()
            if not keyframe:
                return
        viewer.needs_keyframe = False
        viewer.put(message)

    def _end_all(self, farewell: dict[str, Any]) -> None:
        for viewer in self._viewers:
            viewer.drop_backlog()
            viewer.put(pack_json(farewell))
            viewer.ending = True

    def _wake(self) -> None:
        # A full pipe means the thread has been woken already.
        with contextlib.suppress(BlockingIOError, OSError):
            self._wake_write.send(b"x")

    def _run(self) -> None:
        while not self._stopped:
            watched = self._watch()
            for key, _ in self._selector.select(1.0):
                if key.fileobj is self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_read.recv(4096)
            for viewer in watched | self._snapshot():
                self._serve(viewer)
        for viewer in self._snapshot():
            self._let_go(viewer)

    def _snapshot(self) -> set[Viewer]:
        with self._lock:
            return set(self._viewers)

    def _watch(self) -> set[Viewer]:
        """Wait for room in the sockets of those who have something waiting."""
        registered = {key.data for key in self._selector.get_map().values() if key.data is not None}
        waiting = {viewer for viewer in self._snapshot() if viewer.backlog}
        for viewer in registered - waiting:
            self._selector.unregister(viewer.connection)
        for viewer in waiting - registered:
            self._selector.register(viewer.connection, selectors.EVENT_WRITE, viewer)
        return waiting

    def _serve(self, viewer: Viewer) -> None:
        try:
            alive = self._send(viewer)
        except OSError:
            alive = False
        silent = viewer.backlog and self._clock.mono_us() - viewer.taken_us > MAX_SILENT_US
        if not alive or silent or (viewer.ending and not viewer.backlog):
            self._let_go(viewer)

    def _send(self, viewer: Viewer) -> bool:
        with self._lock:
            self._send_backlog(viewer)
            return bool(viewer.backlog) or self._still_there(viewer)

    def _send_backlog(self, viewer: Viewer) -> None:
        while viewer.backlog:
            try:
                sent = viewer.connection.send(viewer.backlog[0])
            except BlockingIOError:
                return
            viewer.sent(sent)
            viewer.taken_us = self._clock.mono_us()

    @staticmethod
    def _still_there(viewer: Viewer) -> bool:
        try:
            return viewer.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True

    def _let_go(self, viewer: Viewer) -> None:
        with self._lock:
            self._viewers.discard(viewer)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(viewer.connection)
        viewer.connection.close()
