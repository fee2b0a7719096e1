"""How the parent and a camera's process speak: JSON datagrams over a socket pair, viewers' sockets handed along."""

from __future__ import annotations

import json
import socket
from typing import Any

MAX_DATAGRAM = 128 * 1024


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair that keeps message boundaries: (parent's end, child's end)."""
    parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return parent, child


def send(end: socket.socket, message: dict[str, Any], *, passing: socket.socket | None = None) -> None:
    """Send one message, with a copy of an open socket if ``passing`` is given.

    Raises:
        OSError: the other end is gone, or (without blocking) has no room.
    """
    raw = json.dumps(message, separators=(",", ":")).encode()
    if passing is None:
        end.send(raw)
    else:
        socket.send_fds(end, [raw], [passing.fileno()])


def receive(end: socket.socket) -> tuple[dict[str, Any], socket.socket | None] | None:
    """Return the next message and the socket that came with it, or None when the other end is gone.

    Raises:
        BlockingIOError: nothing is there (a non-blocking end), or the timeout passed (TimeoutError).
    """
    raw, fds, _, _ = socket.recv_fds(end, MAX_DATAGRAM, 1)
    if not raw:
        return None
    passed = socket.socket(fileno=fds[0]) if fds else None
    message: dict[str, Any] = json.loads(raw)
    return message, passed
