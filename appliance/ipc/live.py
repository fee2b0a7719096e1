"""The client of capture's live socket: status, snapshots and live pictures.

The protocol is described in ``ARCHITECTURE.md``, "Live socket".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from appliance.errors import ApplianceError, BadInputError, NotFoundError, UnavailableError
from appliance.ipc import framing

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

JSON = b"J"
PICTURE = b"P"

# Shorter than a page waits for its status, so that the page can say which process is silent.
ANSWER_SECONDS = 2.0
SILENCE_SECONDS = 8.0
RELAY_BYTES = 256 * 1024
MAX_STATUS_BYTES = 4 * 1024 * 1024

_ERRORS: dict[str, type[ApplianceError]] = {
    error.code: error for error in (BadInputError, NotFoundError, UnavailableError)
}


class LiveClient:
    """Asks capture; each call is a connection of its own, so one client may serve many threads.

    Every method raises UnavailableError when capture does not run, does not answer in time, or is at
    its viewer cap, and NotFoundError for a camera it does not know.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def status(self) -> dict[str, Any]:
        """Return the state of every camera, the disk, the sitting and the clock."""
        with self._ask({"want": "status"}) as connection:
            return _accepted(_receive(connection, MAX_STATUS_BYTES))

    def snapshot(self, camera: str) -> bytes:
        """Return the camera's present picture as a JPEG."""
        with self._ask({"want": "snapshot", "camera": camera}) as connection:
            kind, payload = _receive(connection, framing.MAX_MESSAGE_BYTES)
            if kind == PICTURE:
                return payload
            _accepted((kind, payload))
            raise UnavailableError("The capture process sent no picture.")

    def relay(self, camera: str) -> Iterator[bytes]:
        """Yield the camera's live messages as they come, many or parts of one at a time, for passing on unchanged.

        The first piece is the accepting ``J`` message alone. When capture falls silent or breaks off, the last piece
        is a ``J`` message with state ``lost``, if what came before ended with a whole message.
        """
        with self._ask({"want": "live", "camera": camera}) as connection:
            first = _receive(connection, framing.MAX_MESSAGE_BYTES)
            _accepted(first)
            yield framing.pack(*first)
            connection.settimeout(SILENCE_SECONDS)
            ends = framing.MessageEnds()
            try:
                while piece := connection.recv(RELAY_BYTES):
                    ends.feed(piece)
                    yield piece
                reason = "" if ends.whole else "The capture process broke off in the middle of a message."
            except OSError:
                reason = "The capture process does not answer."
            if reason and ends.whole:
                yield framing.pack_json({"state": "lost", "reason": reason})

    def _ask(self, request: dict[str, Any]) -> socket.socket:
        connection = framing.connect(self._path, timeout=ANSWER_SECONDS, what="capture")
        try:
            framing.send_json(connection, request)
        except OSError as problem:
            connection.close()
            _silent(problem)
        return connection


def _next(connection: socket.socket, limit: int = framing.MAX_MESSAGE_BYTES) -> tuple[bytes, bytes] | None:
    try:
        return framing.receive(connection, limit)
    except BadInputError as problem:
        raise UnavailableError("The capture process broke off in the middle of a message.") from problem
    except OSError as problem:
        _silent(problem)


def _receive(connection: socket.socket, limit: int) -> tuple[bytes, bytes]:
    message = _next(connection, limit)
    if message is None:
        raise UnavailableError("The capture process closed the connection without an answer.")
    return message


def _silent(problem: OSError) -> NoReturn:
    raise UnavailableError(
        "The capture process does not answer.", hint="`exambox doctor` says what it is doing."
    ) from problem


def _accepted(message: tuple[bytes, bytes]) -> dict[str, Any]:
    """Return a ``J`` message's object; raise the error it tells of."""
    kind, payload = message
    try:
        value = json.loads(payload) if kind == JSON else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UnavailableError("The capture process sent an answer that is not understood.")
    if value.get("ok") is not True:
        error = _ERRORS.get(str(value.get("code")), UnavailableError)
        raise error(str(value.get("message") or "The capture process refused."), hint=str(value.get("hint") or ""))
    return value
