"""From capture's socket through the real server: who keeps up gets every picture, who does not is late by little."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SystemClock
from appliance.config import PathSettings, Settings
from appliance.database import open_box_database
from appliance.ipc import framing
from appliance.web.account.accounts import create_account
from appliance.web.account.sessions import open_session
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
PICTURE_BYTES = 20_000  # at 25 a second: 4 Mbit/s
GROUP = 25
STAMP = struct.Struct(">Qd")
SLOW_BYTES_A_SECOND = 120_000
WATCH_SECONDS = 12.0
LATE_SECONDS = 4.0


class Capture:
    """Capture's live socket, with one camera that never stops."""

    def __init__(self, path: Path) -> None:
        self._server = framing.listen(path)
        self._ended = threading.Event()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked = framing.receive_json(connection) or {}
            if asked.get("want") != "live":
                framing.send_json(connection, {"ok": True, "cameras": []})
                return
            self.connections += 1
            framing.send_json(connection, {"ok": True, "codecs": "avc1.42c01f"})
            connection.sendall(framing.pack(b"I", b"init"))
            begun = time.monotonic()
            number = 0
            while not self._ended.wait(max(0.0, begun + number / 25 - time.monotonic())):
                picture = STAMP.pack(number, time.monotonic()).ljust(PICTURE_BYTES, b"x")
                connection.sendall(framing.pack(b"F" if number % GROUP else b"K", picture))
                number += 1

    def close(self) -> None:
        """End."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


class Viewer:
    """Takes a stream at a speed; notes each picture's number, whether it is a keyframe, and how late it came."""

    def __init__(self, port: int, cookie: str, *, bytes_a_second: float) -> None:
        self.seen: list[tuple[int, bool, float]] = []
        self._speed = bytes_a_second
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self._socket.connect(("127.0.0.1", port))
        head = f"GET /api/live?camera=front HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: exambox_session={cookie}\r\n\r\n"
        self._socket.sendall(head.encode())
        self._stream = self._socket.makefile("rb", buffering=4096)
        self.status = int(self._stream.readline().split()[1])
        while self._stream.readline().strip():
            pass
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        cutter = framing.Messages()
        begun, taken = time.monotonic(), 0
        with contextlib.suppress(OSError, ValueError):
            while (size := int(self._stream.readline() or b"0", 16)) > 0:
                data = b""
                while len(data) < size:
                    data += self._stream.read(min(4096, size - len(data)))
                    taken = taken + 4096
                    ahead = begun + taken / self._speed - time.monotonic()
                    if ahead > 0:
                        time.sleep(ahead)  # this is the slow network itself, not a wait for something
                self._stream.readline()
                self._note(cutter.feed(data))

    def _note(self, messages: Iterator[tuple[bytes, bytes]]) -> None:
        for kind, message in messages:
            if kind in {b"K", b"F"}:
                number, drawn = STAMP.unpack_from(message, framing.PREFIX_BYTES)
                self.seen.append((number, kind == b"K", time.monotonic() - drawn))

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Capture, int, str]]:
    """The real web process beside a capture that the test plays; its port and a session's cookie."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = Settings(paths=PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run")))
    db = open_box_database(settings.database)
    account = create_account(db, "Ada", "invigilator", "Quiet-Room-42!", clock=SystemClock(), who="test")
    cookie = open_session(db, account.id, address="127.0.0.1", clock=SystemClock())
    capture = Capture(settings.live_socket)
    environ = {**os.environ, "EXAMBOX_PATHS__STATE": settings.paths.state, "EXAMBOX_PATHS__RUN": settings.paths.run,
               "EXAMBOX_WEB__PORT": str(port)}  # fmt: skip
    web = subprocess.Popen([sys.executable, "-m", "appliance.cli", "web"], cwd=ROOT, env=environ)
    try:
        until(lambda: _listens(port), 30, "the dashboard")
        yield capture, port, cookie
    finally:
        web.terminate()
        web.wait(20)
        capture.close()
        db.conn.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.timeout(120)
def test_a_slow_viewer_is_brought_to_the_next_keyframe(served: tuple[Capture, int, str]) -> None:
    """At a quarter of the camera's rate: late by little however long it goes on, whole groups only; others see all."""
    capture, port, cookie = served
    fast = [Viewer(port, cookie, bytes_a_second=1e9) for _ in range(3)]
    slow = Viewer(port, cookie, bytes_a_second=SLOW_BYTES_A_SECOND)
    viewers = [*fast, slow]
    try:
        assert [viewer.status for viewer in viewers] == [200] * 4
        end = time.monotonic() + WATCH_SECONDS
        until(lambda: time.monotonic() > end and slow.seen, WATCH_SECONDS + 10, "enough watching")
    finally:
        for viewer in viewers:
            viewer.close()
    assert capture.connections == 1
    for viewer in fast:
        numbers = [number for number, _, _ in viewer.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) > 0.9 * 25 * WATCH_SECONDS
        assert max(late for _, _, late in viewer.seen[GROUP:]) < 1
    skips = 0
    for (before, _, _), (number, keyframe, _) in zip(slow.seen, slow.seen[1:], strict=False):
        assert number == before + 1 or keyframe
        skips += number != before + 1
    assert skips >= 2
    lateness = [late for _, _, late in slow.seen]
    assert max(lateness) < LATE_SECONDS
    assert max(lateness[-20:]) < LATE_SECONDS
