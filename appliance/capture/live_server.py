"""The live socket: answers status itself, hands viewers and snapshots over to the camera's own process."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Protocol

from appliance import log
from appliance.capture.inquiries import WANTS, may_inquire
from appliance.errors import ApplianceError, BadInputError, NotFoundError, UnavailableError
from appliance.ipc import framing

if TYPE_CHECKING:
    from pathlib import Path

REQUEST_SECONDS = 2.0
MAX_WAITING = 128


class Cameras(Protocol):
    """What the server asks the supervisor for, from its own threads."""

    def status(self) -> dict[str, Any]:
        """Return the whole status answer."""
        ...

    def hand_over(self, camera: str, order: str, connection: socket.socket) -> None:
        """Give a connection to a camera's process.

        Raises:
            NotFoundError: no such camera.
            UnavailableError: it is not running.
        """
        ...

    def viewers(self) -> int:
        """Return how many watch at present, all cameras together."""
        ...


class Inquirer(Protocol):
    """Answers questions about cameras that are not recorded."""

    def answer(self, request: dict[str, Any], connection: socket.socket) -> None:
        """Answer one of `WANTS`; see `appliance.capture.inquiries.Inquiries`."""
        ...


class LiveServer:
    """Listens on the live socket. A peer that is slow, silent or hostile costs one short-lived thread."""

    def __init__(self, path: Path, cameras: Cameras, inquiries: Inquirer, *, max_viewers: int) -> None:
        self._path = path
        self._cameras = cameras
        self._inquiries = inquiries
        self._max_viewers = max_viewers
        self._slots = threading.BoundedSemaphore(MAX_WAITING)
        self._server = framing.listen(path)
        self._group = path.stat().st_gid
        self._stopped = False
        self._log = log.get(__name__)
        self._thread = threading.Thread(target=self._accept, name="live socket", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, _ = self._server.accept()
            except OSError:
                continue  # the listener was closed (the loop ends), or a peer went away while it was accepted
            if not self._slots.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(REQUEST_SECONDS)
                try:
                    self._answer(connection)
                except ApplianceError as problem:
                    framing.send_json(connection, framing.error_message(problem))
        finally:
            self._slots.release()

    def _answer(self, connection: socket.socket) -> None:
        peer = framing.peer_of(connection)
        if not framing.may_connect(peer, self._group):
            self._log.warning("peer refused", pid=peer.pid, uid=peer.uid, us=os.getuid())
            raise BadInputError(f"{peer.name} may not see the cameras.", hint="Join the group exambox.")
        request = framing.receive_json(connection)
        if request is None:
            return
        match request:
            case {"want": "status"}:
                framing.send_json(connection, {"ok": True, **self._cameras.status()})
            case {"want": "snapshot", "camera": str(camera)}:
                self._cameras.hand_over(camera, "snapshot", connection)
            case {"want": "uncovered", "camera": str(camera)}:
                self._check_inquirer(peer)
                self._log.info("a picture is taken without masks", camera=camera[:60], peer=peer.name)
                self._cameras.hand_over(camera, "uncovered", connection)
            case {"want": str(want)} if want in WANTS:
                self._check_inquirer(peer)
                self._inquiries.answer(request, connection)
            case {"want": "live", "camera": str(camera)}:
                if self._cameras.viewers() >= self._max_viewers:
                    raise UnavailableError(
                        f"{self._max_viewers} people are watching; that is as many as this box serves.",
                        hint="Close a window that is not needed.",
                    )
                self._cameras.hand_over(camera, "view", connection)
            case _:
                raise BadInputError(
                    "want: must be status, snapshot, uncovered, live (these three with a camera), probe, devices, "
                    "discover or streams."
                )

    @staticmethod
    def _check_inquirer(peer: framing.Peer) -> None:
        if not may_inquire(peer):
            raise BadInputError(f"{peer.name} may not ask for this.", hint="Only root and the dashboard may.")


def not_there(camera: str) -> NotFoundError:
    """Return the error for a camera that capture does not know."""
    return NotFoundError(f"There is no camera {camera[:60]!r}.", hint="`exambox cameras list` shows them.")
