"""Many live viewers in one process, as browsers are: each takes every message and counts the pictures.

``viewer_farm.py PORT COOKIE SECONDS PATH...``: one viewer a path. Connects all, says ``ready`` when each has its first
picture, measures for SECONDS, prints a JSON object and ends. Frames are checked by their sequence numbers
(ISO/IEC 14496-12, 8.8.5), so that a single one left out is seen.
"""

import json
import selectors
import socket
import struct
import sys
import time

PREFIX = struct.Struct(">Ic")
SEQUENCE_AT = 20  # in a fragment: moof's and mfhd's headers, version and flags
HEAD = 24
WARM_UP_SECONDS = 3.0
OK = 200


class Viewer:
    """One connection: HTTP's chunks are taken off, messages are skipped through, never kept."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            if not piece:
                break
            head += piece
        self.status = int(head.split()[1]) if head else 0
        self.socket.settimeout(0)
        self.frames = self.missed = self.bytes = 0
        self.last: dict[int, int] = {}
        self.at = 0.0
        self._camera = 0
        self._rest = b""
        self._chunk = 0
        self._skip = 0
        self._size = b""

    def take(self, data: bytes, now: float) -> None:
        """Take what came."""
        self.bytes += len(data)
        self.at = now
        view = memoryview(data)
        while view:
            if self._chunk:
                part = view[: self._chunk]
                self._chunk -= len(part)
                view = view[len(part) :]
                self._messages(part)
                continue
            line, end, rest = (self._size + bytes(view)).partition(b"\r\n")
            if not end:  # a chunk's size, or its end, cut in two
                self._size = line
                return
            self._size = b""
            view = memoryview(rest)
            if line:
                self._chunk = int(line, 16)

    def _messages(self, part: memoryview) -> None:
        while part:
            if self._skip:
                step = min(self._skip, len(part))
                self._skip -= step
                part = part[step:]
                continue
            want = HEAD + PREFIX.size
            length = PREFIX.unpack_from(self._rest)[0] if len(self._rest) >= PREFIX.size else None
            need = PREFIX.size if length is None else PREFIX.size + min(length, HEAD)
            step = min(need - len(self._rest), len(part))
            self._rest += part[:step]
            part = part[step:]
            if len(self._rest) < need:
                return
            length, kind = PREFIX.unpack_from(self._rest)
            if len(self._rest) < min(want, PREFIX.size + length):
                continue
            self._message(kind, self._rest[PREFIX.size :])
            self._skip = PREFIX.size + length - len(self._rest)
            self._rest = b""

    def _message(self, kind: bytes, head: bytes) -> None:
        if kind == b"C":
            self._camera = head[0]
        elif kind in (b"K", b"F"):
            number = struct.unpack_from(">I", head, SEQUENCE_AT)[0] if head[4:8] == b"moof" else 0
            before = self.last.get(self._camera)
            if before is not None:
                self.missed += max(0, number - before - 1)
            self.last[self._camera] = number
            self.frames += 1


class Watch:
    """All viewers together: a warm-up, then a stretch that is measured."""

    def __init__(self, viewers: list[Viewer], seconds: float) -> None:
        self.viewers = viewers
        self.ended = 0
        self.worst_pause = 0.0
        self._seconds = seconds
        self._before: dict[Viewer, tuple[int, int, int]] = {}
        self._began = time.monotonic()
        self.since = 0.0
        self._selector = selectors.DefaultSelector()
        for viewer in viewers:
            self._selector.register(viewer.socket, selectors.EVENT_READ, viewer)

    def run(self) -> None:
        """Watch until the stretch is over, or a minute without pictures for all."""
        while True:
            now = time.monotonic()
            if not self.since and now - self._began > WARM_UP_SECONDS and all(one.frames for one in self.viewers):
                self._before = {one: (one.frames, one.missed, one.bytes) for one in self.viewers}
                self.since = now
                print("ready", flush=True)
            if (self.since and now > self.since + self._seconds) or (not self.since and now > self._began + 60):
                return
            for key, _ in self._selector.select(0.5):
                self._read(key.data)

    def _read(self, viewer: Viewer) -> None:
        try:
            data = viewer.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = time.monotonic()
        if not data:
            self._selector.unregister(viewer.socket)
            self.ended += 1
            return
        if self.since and viewer.at >= self.since:
            self.worst_pause = max(self.worst_pause, now - viewer.at)
        viewer.take(data, now)

    def result(self) -> dict[str, object]:
        """Return what was got during the stretch."""
        grown = [
            (one.frames - before[0], one.missed - before[1], one.bytes - before[2])
            for one, before in self._before.items()
        ]
        return {
            "viewers": len(self.viewers), "ended": self.ended, "seconds": round(time.monotonic() - self.since, 2),
            "frames": [frames for frames, _, _ in grown], "worst_pause_s": round(self.worst_pause, 3),
            "missed": sum(missed for _, missed, _ in grown), "bytes": sum(count for _, _, count in grown),
        }  # fmt: skip


def main() -> None:
    """Watch."""
    port, cookie, seconds, paths = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:]
    came = [Viewer(port, path, cookie) for path in paths]
    watch = Watch([viewer for viewer in came if viewer.status == OK], seconds)
    watch.run()
    print(json.dumps({**watch.result(), "refused": len(came) - len(watch.viewers)}), flush=True)


if __name__ == "__main__":
    main()
