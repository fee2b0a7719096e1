"""An HTTP proxy on loopback that does to requests what bad networks and bad servers do; each fault is counted.

It takes whole requests and whole answers (``Content-Length`` alone, as all our clients and servers send), so that a
fault is put between them where it is meant to be.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

_PIECE: Final = 65536
_MAX_HEAD: Final = 65536
_IDLE_S: Final = 30.0
_SECOND_ANSWER: Final = 1 / 8
"""Of what is doubled, so often the second answer is the one that arrives."""
_OOPS: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nOops\n"
)


class Fault(StrEnum):
    """What may happen to a request; each word is counted on its own."""

    DROP_BEFORE = "dropped before forwarding"
    DROP_AFTER = "answer lost"
    DELAY = "delayed"
    SLOW_ANSWER = "slow answer"
    DUPLICATE = "duplicated"
    SWAP = "overtaken by the next"
    LATE = "lost, arrives late"
    CUT_REQUEST = "request cut in mid-body"
    CUT_ANSWER = "answer cut in mid-body"
    ERROR_BEFORE = "500 before forwarding"
    ERROR_AFTER = "500 in place of the answer"


class _Gone(Exception):  # noqa: N818  no error: one side went away
    """A side closed, or said what is no HTTP message."""


class FaultProxy:
    """Passes HTTP on to a port of loopback; a context manager.

    Args:
        port: where the requests go.
        seed: of all that is random.
        share: of requests that something happens to, 0 to 1; may be set at any time.
        kinds: what may happen.
        longest_s: the longest delay.

    Attributes:
        counts: how often each fault was injected.
        passed: requests that were taken, faults or not.
    """

    def __init__(
        self,
        port: int,
        *,
        seed: int,
        share: float = 0.0,
        kinds: Collection[Fault] = tuple(Fault),
        longest_s: float = 0.3,
    ) -> None:
        self.target = port
        self.share = share
        self.kinds = tuple(kinds)
        self.longest_s = longest_s
        self.counts: Counter[Fault] = Counter()
        self.passed = 0
        self._random = random.Random(seed)  # noqa: S311  a test's
        self._lock = threading.Lock()
        self._next_passed = threading.Condition(self._lock)
        self._held: list[bytes] = []
        self._open: set[socket.socket] = set()
        self._ended = False
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._server.getsockname()[1]

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def injected(self) -> int:
        """How many faults were injected so far."""
        return sum(self.counts.values())

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._server.close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.close()

    def heal(self) -> None:
        """Do no more to anything; what was lost and would have arrived late arrives now."""
        self.share = 0.0
        self._release()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            client.settimeout(_IDLE_S)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            while not self._ended:
                self._one(client, _message(client, b""))
        except (_Gone, OSError):
            pass
        finally:
            self._open.discard(client)
            client.close()

    def _choose(self) -> tuple[Fault | None, float]:
        """Return what happens to the next request, and a random number for how."""
        with self._lock:
            self.passed += 1
            fault = self._random.choice(self.kinds) if self._random.random() < self.share else None
            if fault is not None:
                self.counts[fault] += 1
            return fault, self._random.random()

    def _one(self, client: socket.socket, asked: bytes) -> None:
        fault, roll = self._choose()
        self._on_the_way_there(client, asked, fault, roll)
        answer = self._forwarded(asked)
        if fault is Fault.DUPLICATE:
            again = self._forwarded(asked)
            answer = again if roll < _SECOND_ANSWER else answer
        with self._lock:
            self._next_passed.notify_all()
        self._release()
        self._on_the_way_back(client, answer, fault, roll)

    def _on_the_way_there(self, client: socket.socket, asked: bytes, fault: Fault | None, roll: float) -> None:
        """Do to a request what is done before the other side has it.

        Raises:
            _Gone: it is not forwarded now.
        """
        match fault:
            case Fault.DELAY:
                threading.Event().wait(roll**2 * self.longest_s)
                return
            case Fault.SWAP:  # whoever comes next is answered before this one is forwarded
                with self._lock:
                    self._next_passed.wait(self.longest_s)
                return
            case Fault.ERROR_BEFORE:
                client.sendall(_OOPS)
                raise _Gone
            case Fault.LATE:
                with self._lock:
                    self._held.append(asked)
            case Fault.CUT_REQUEST:
                self._half(asked, roll)
            case Fault.DROP_BEFORE:
                pass
            case _:
                return
        _reset(client)
        raise _Gone

    def _on_the_way_back(self, client: socket.socket, answer: bytes, fault: Fault | None, roll: float) -> None:
        """Do to an answer what is done to it.

        Raises:
            _Gone: it did not reach the client whole.
        """
        match fault:
            case Fault.DROP_AFTER:
                _reset(client)
                raise _Gone
            case Fault.ERROR_AFTER:
                client.sendall(_OOPS)
                raise _Gone
            case Fault.CUT_ANSWER:
                client.sendall(answer[: max(1, round(len(answer) * roll))])
                raise _Gone
            case Fault.SLOW_ANSWER:
                piece = max(1, len(answer) // 4)
                for first in range(0, len(answer), piece):
                    client.sendall(answer[first : first + piece])
                    threading.Event().wait(roll**2 * self.longest_s / 4)
            case _:
                client.sendall(answer)

    def _release(self) -> None:
        """Let what was lost arrive, the last first, after what came behind it."""
        with self._lock:
            held, self._held = self._held[::-1], []
        for one in held:
            with contextlib.suppress(_Gone, OSError):
                self._forwarded(one)

    def _forwarded(self, asked: bytes) -> bytes:
        with self._upstream() as there:
            there.sendall(asked)
            return _message(there, b"")

    def _half(self, asked: bytes, roll: float) -> None:
        head = asked.find(b"\r\n\r\n") + 4
        with contextlib.suppress(OSError), self._upstream() as there:
            there.sendall(asked[: head + round((len(asked) - head) * roll)])

    def _upstream(self) -> socket.socket:
        there = socket.create_connection(("127.0.0.1", self.target), timeout=_IDLE_S)
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return there


def _message(connection: socket.socket, data: bytes) -> bytes:
    """Return one whole HTTP message.

    Raises:
        _Gone: the other side ended before, or it is none with a stated length.
    """
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _MAX_HEAD:
            raise _Gone
        data += _more(connection)
    whole = end + 4 + _length(data[:end])
    while len(data) < whole:
        data += _more(connection)
    return data[:whole]


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(_PIECE)
    if not data:
        raise _Gone
    return data


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"transfer-encoding":
            raise _Gone
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _reset(connection: socket.socket) -> None:
    """End a connection so that the other side sees an error, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
