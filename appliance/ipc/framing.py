"""Messages on a Unix stream socket: 4 bytes length, 1 byte kind, payload.

Kind ``J`` is a JSON object; other kinds carry bytes and are named by the protocol that uses them.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.errors import ApplianceError, BadInputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_REQUEST_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_PREFIX = struct.Struct(">Ic")
PREFIX_BYTES = _PREFIX.size
_UCRED = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says (SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The account's name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


def peer_of(connection: socket.socket) -> Peer:
    """Return the credentials of a connected Unix socket's other end."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return Peer(*_UCRED.unpack(raw))


def may_connect(peer: Peer, socket_gid: int) -> bool:
    """Return whether a peer may speak to a box socket: root, this process's own user, or the socket's group."""
    if peer.uid in {0, os.getuid()} or peer.gid == socket_gid:
        return True
    try:
        name = pwd.getpwuid(peer.uid).pw_name
        return socket_gid in os.getgrouplist(name, peer.gid)
    except KeyError:
        return False


def pack(kind: bytes, payload: bytes) -> bytes:
    """Return one message's bytes."""
    return _PREFIX.pack(len(payload), kind) + payload


def pack_json(value: dict[str, Any]) -> bytes:
    """Return one ``J`` message's bytes."""
    return pack(b"J", json.dumps(value, separators=(",", ":")).encode())


def length_of(message: bytes) -> int:
    """Return how many bytes the first message has, its prefix included."""
    return PREFIX_BYTES + int(_PREFIX.unpack_from(message)[0])


def send_json(connection: socket.socket, value: dict[str, Any]) -> None:
    """Send one ``J`` message."""
    connection.sendall(pack_json(value))


def receive(connection: socket.socket, limit: int = MAX_MESSAGE_BYTES) -> tuple[bytes, bytes] | None:
    """Return the next message's kind and payload, or None when the other end has closed.

    Raises:
        BadInputError: the message is longer than ``limit`` or was cut short.
        TimeoutError: the socket's own timeout passed.
    """
    prefix = _read(connection, PREFIX_BYTES)
    if not prefix:
        return None
    length, kind = _PREFIX.unpack(prefix)
    if length > limit:
        raise BadInputError(f"A message of {length} bytes is longer than the {limit} allowed.")
    payload = _read(connection, length) if length else b""
    if len(payload) != length:
        raise BadInputError("A message was cut short.")
    return kind, payload


def receive_json(connection: socket.socket, limit: int = MAX_REQUEST_BYTES) -> dict[str, Any] | None:
    """Return the next message, which must be a JSON object; None when the other end has closed.

    Raises:
        BadInputError: it is something else.
    """
    message = receive(connection, limit)
    if message is None:
        return None
    kind, payload = message
    try:
        value = json.loads(payload) if kind == b"J" else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadInputError("A message is not a JSON object.")
    return value


class MessageEnds:
    """Tells whether the bytes seen so far end with a whole message, without keeping or copying them."""

    def __init__(self) -> None:
        self._prefix = b""
        self._left = 0

    @property
    def whole(self) -> bool:
        """Whether the last byte seen ended a message (or nothing has been seen)."""
        return self._left == 0 and not self._prefix

    def feed(self, piece: bytes) -> None:
        """See more bytes of the same connection."""
        at = 0
        while at < len(piece):
            if self._left:
                step = min(self._left, len(piece) - at)
                self._left -= step
                at += step
                continue
            take = PREFIX_BYTES - len(self._prefix)
            self._prefix += piece[at : at + take]
            at += take
            if len(self._prefix) == PREFIX_BYTES:
                self._left = int(_PREFIX.unpack(self._prefix)[0])
                self._prefix = b""


class Messages:
    """Cuts a stream of bytes, in pieces of any size, into whole messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the kind and all bytes (prefix included) of each message that is now complete.

        Raises:
            BadInputError: a message is longer than `MAX_MESSAGE_BYTES`.
        """
        data = self._rest + piece if self._rest else piece
        at = 0
        while len(data) - at >= PREFIX_BYTES:
            length, kind = _PREFIX.unpack_from(data, at)
            if length > MAX_MESSAGE_BYTES:
                raise BadInputError(f"A message of {length} bytes is longer than the {MAX_MESSAGE_BYTES} allowed.")
            end = at + PREFIX_BYTES + length
            if end > len(data):
                break
            yield kind, data[at:end]
            at = end
        self._rest = data[at:]


def _read(connection: socket.socket, count: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < count:
        piece = connection.recv(min(count - len(pieces), 1 << 20))
        if not piece:
            if pieces:
                raise BadInputError("A message was cut short.")
            return b""
        pieces += piece
    return bytes(pieces)


def connect(path: Path, *, timeout: float, what: str) -> socket.socket:
    """Connect to a box socket.

    Raises:
        UnavailableError: nobody listens there, or this user may not; ``what`` names the process.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except PermissionError as problem:
        connection.close()
        raise UnavailableError(
            f"This user may not speak to the {what} process.", hint="Run as root or as a member of the group exambox."
        ) from problem
    except OSError as problem:
        connection.close()
        raise UnavailableError(
            f"The {what} process is not running.",
            hint=f"Start it with `systemctl start exambox-{what}`, or the whole box with `make run`.",
        ) from problem
    return connection


def listen(path: Path, *, mode: int = 0o660, backlog: int = 64) -> socket.socket:
    """Listen at ``path``, replacing what a dead process left there. The folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    path.chmod(mode)
    server.listen(backlog)
    return server


def error_message(problem: ApplianceError) -> dict[str, Any]:
    """Return the answer that tells the other end of a failure."""
    return {"ok": False, **problem.as_dict()}
