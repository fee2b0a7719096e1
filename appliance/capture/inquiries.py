"""Questions about cameras that are not (yet) recorded: does this one work, which are there? For the dashboard alone.

Each is asked in a child process with a limit of time; at most two at once, so that curiosity costs no recording.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance import log
from appliance.cameras.credentials import credential_context, unpack_credential
from appliance.cameras.model import camera_from
from appliance.capture.in_child import ChildDiedError, ChildLateError, in_child
from appliance.capture.onvif.model import OnvifTarget, checked_target
from appliance.capture.probe import probe
from appliance.capture.sources.failure_words import camera_error
from appliance.capture.sources.v4l2_names import discover, distinct
from appliance.errors import BadInputError, CameraError, UnavailableError
from appliance.ipc import framing
from appliance.vault.capture_key import open_for_capture

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from appliance.cameras.credentials import Credential
    from appliance.capture.onvif.model import OnvifDevice, OnvifOffer
    from appliance.config import Settings
    from appliance.ipc.framing import Peer

WANTS: Final = frozenset({"probe", "devices", "discover", "streams"})
AT_ONCE: Final = 2
SEARCH_SECONDS: Final = 3.0
STREAMS_SECONDS: Final = 8.0
STARTING_SECONDS: Final = 3.0
MEMORY_BYTES: Final = 512 * 1024 * 1024
_WEB_ACCOUNT: Final = "exambox-web"


def may_inquire(peer: Peer) -> bool:
    """Return whether a peer may ask: root, this process's own user (a trial box), or the dashboard."""
    return peer.uid in {0, os.getuid()} or peer.name == _WEB_ACCOUNT


class Inquiries:
    """Answers on the live socket, from its threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._log = log.get(__name__)

    def answer(self, request: dict[str, Any], connection: socket.socket) -> None:
        """Answer one of `WANTS`.

        Raises:
            BadInputError: the request is not understood.
            UnavailableError: others are asking.
        """
        if request == {"want": "devices"}:  # a look into a folder, which waits for nobody
            framing.send_json(connection, {"ok": True, "usb": distinct(discover())})
            return
        try:
            with self._slot():
                self._answer(request, connection)
        except CameraError as problem:
            framing.send_json(connection, {**framing.error_message(problem), "reason": problem.reason})

    def _answer(self, request: dict[str, Any], connection: socket.socket) -> None:
        match request:
            case {"want": "probe", "camera": dict(camera)}:
                self._probe(camera, request.get("sealed"), connection)
            case {"want": "streams", "target": dict(target), "id": str(camera)}:
                self._streams(target, camera, request.get("sealed"), connection)
            case {"want": "discover"}:
                framing.send_json(connection, {"ok": True, "devices": msgspec.to_builtins(look_around(self._settings))})
            case _:
                raise BadInputError("want: a probe needs a camera; streams need a target and an id.")

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            raise UnavailableError("Other cameras are being tried at this moment.", hint="Try again in a few seconds.")
        try:
            yield
        finally:
            self._slots.release()

    def _probe(self, raw: dict[str, Any], sealed: Any, connection: socket.socket) -> None:
        camera = camera_from(raw)
        self._log.info("camera is tried", camera=camera.id, kind=camera.kind, address=camera.address)
        result = probe(camera, self._opened(camera.id, camera.address, sealed), self._settings)
        facts = {"seconds_milli": round(result.seconds * 1000), **msgspec.to_builtins(result.info)}
        framing.send_json(connection, {"ok": True, **facts})
        connection.sendall(framing.pack(b"P", result.jpeg))

    def _streams(self, raw: dict[str, Any], camera: str, sealed: Any, connection: socket.socket) -> None:
        try:
            target = msgspec.convert(raw, OnvifTarget)
        except msgspec.ValidationError as problem:
            raise BadInputError(f"target: {problem}.") from problem
        self._log.info("camera is asked for its streams", host=target.host, port=target.port)
        only = self._settings.capture.discovery_addresses
        offer = _child(
            target.host,
            _streams,
            target,
            self._opened(camera, f"rtsp://{target.host}", sealed),
            only,
            seconds=STREAMS_SECONDS,
        )
        framing.send_json(connection, {"ok": True, **msgspec.to_builtins(offer)})

    def _opened(self, camera: str, address: str, sealed: Any) -> Credential | None:
        """Open what the dashboard sealed for this camera at this host; it cannot itself."""
        if sealed is None:
            return None
        try:
            raw = bytes.fromhex(sealed)
        except (TypeError, ValueError):
            raise BadInputError("sealed: is no hex text.") from None
        context = credential_context(camera, address)
        return unpack_credential(open_for_capture(self._settings.keys_dir, raw, context=context))


def look_around(settings: Settings) -> list[OnvifDevice]:
    """Look for ONVIF cameras on the box's networks for some seconds.

    Raises:
        CameraError: the search did not end in time, or died of what it heard.
    """
    found: list[OnvifDevice] = _child(
        "The network", _search, settings.capture.discovery_addresses, seconds=SEARCH_SECONDS
    )
    return found


def _child(what: str, work: Any, *given: Any, seconds: float) -> Any:
    try:
        return in_child(work, *given, seconds, seconds=seconds + STARTING_SECONDS, memory_bytes=MEMORY_BYTES)
    except ChildLateError:
        raise camera_error("timeout", what) from None
    except ChildDiedError:
        raise camera_error("invalid", what) from None


def _search(only: Sequence[str], seconds: float) -> list[OnvifDevice]:
    """Look for cameras; in the child."""
    from appliance.capture.onvif.discovery import search  # noqa: PLC0415  only the child needs them
    from appliance.capture.onvif.networks import own_networks  # noqa: PLC0415

    return search(own_networks(only), seconds)


def _streams(target: OnvifTarget, credential: Credential | None, only: Sequence[str], seconds: float) -> OnvifOffer:
    """Ask a device for its streams; in the child."""
    from appliance.capture.onvif.networks import own_networks  # noqa: PLC0415  as above
    from appliance.capture.onvif.streams import ask_streams  # noqa: PLC0415

    return ask_streams(checked_target(target, own_networks(only)), credential, seconds)
