"""The client of capture's live socket: status, snapshots and live pictures.

The protocol is described in ``ARCHITECTURE.md``, "Live socket".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from appliance.errors import (
    ApplianceError,
    BadInputError,
    CameraError,
    MissingKeyError,
    NotFoundError,
    UnavailableError,
)
from appliance.ipc import framing

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator
    from pathlib import Path

JSON = b"J"
PICTURE = b"P"

# Shorter than a page waits for its status, so that the page can say which process is silent.
ANSWER_SECONDS = 2.0
SILENCE_SECONDS = 8.0
RELAY_BYTES = 256 * 1024
# Trying a camera takes at most 5 s, asking a device for its streams 11; the rest is a busy machine.
PROBE_SECONDS = 10.0
STREAMS_SECONDS = 15.0
MAX_STATUS_BYTES = 4 * 1024 * 1024
MAX_FOUND_BYTES = 256 * 1024
MAX_PICTURE_BYTES = 8 * 1024 * 1024

_ERRORS: dict[str, type[ApplianceError]] = {
    error.code: error for error in (BadInputError, MissingKeyError, NotFoundError, UnavailableError)
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
        return self._picture({"want": "snapshot", "camera": camera}, ANSWER_SECONDS)

    def uncovered(self, camera: str) -> bytes:
        """Return the camera's present picture as a JPEG, as it is before masking. Whoever asks enters it in the log."""
        return self._picture({"want": "uncovered", "camera": camera}, PROBE_SECONDS)

    def probe(self, camera: dict[str, Any], sealed: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Try a camera that is not recorded and return what it delivers and a JPEG of what it sees.

        Args:
            camera: the fields of `appliance.cameras.model.Camera`.
            sealed: user and password sealed to capture for this camera and its host (`credential_context`).

        Raises:
            CameraError: within 5 seconds, with reason, message and hint.
        """
        with self._ask({"want": "probe", "camera": camera, "sealed": sealed.hex() if sealed else None}) as connection:
            connection.settimeout(PROBE_SECONDS)
            facts = _accepted(_receive(connection, MAX_FOUND_BYTES))
            kind, payload = _receive(connection, MAX_PICTURE_BYTES)
            if kind != PICTURE:
                raise UnavailableError("The capture process sent no picture.")
            return facts, payload

    def devices(self) -> list[str]:
        """Return the stable names of the USB cameras plugged in."""
        with self._ask({"want": "devices"}) as connection:
            return [str(name) for name in _accepted(_receive(connection, MAX_FOUND_BYTES)).get("usb", [])]

    def discover(self) -> list[dict[str, Any]]:
        """Look for ONVIF cameras for some seconds; return those that answered (`capture/onvif/model.py`).

        Raises:
            CameraError: the search failed.
        """
        with self._ask({"want": "discover"}) as connection:
            connection.settimeout(PROBE_SECONDS)
            return list(_accepted(_receive(connection, MAX_FOUND_BYTES)).get("devices", []))

    def streams(self, target: dict[str, Any], camera: str, sealed: bytes | None) -> dict[str, Any]:
        """Return what an ONVIF device offers: maker, model, streams.

        Args:
            target: ``host``, ``port``, ``tls`` of its service; on a network of this box.
            camera: the id ``sealed`` was sealed for.
            sealed: user and password sealed to capture.

        Raises:
            CameraError: with reason, message and hint.
        """
        request = {"want": "streams", "target": target, "id": camera, "sealed": sealed.hex() if sealed else None}
        with self._ask(request) as connection:
            connection.settimeout(STREAMS_SECONDS)
            return _accepted(_receive(connection, MAX_FOUND_BYTES))

    def _picture(self, request: dict[str, Any], seconds: float) -> bytes:
        with self._ask(request) as connection:
            connection.settimeout(seconds)
            kind, payload = _receive(connection, framing.MAX_MESSAGE_BYTES)
            if kind == PICTURE:
                return payload
            _accepted((kind, payload))
            raise UnavailableError("The capture process sent no picture.")

    def relay(self, camera: str) -> Generator[bytes]:
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
        words = str(value.get("message") or "The capture process refused.")
        hint = str(value.get("hint") or "")
        if value.get("code") == CameraError.code:
            raise CameraError(words, reason=str(value.get("reason") or "invalid"), hint=hint)
        raise _ERRORS.get(str(value.get("code")), UnavailableError)(words, hint=hint)
    return value
