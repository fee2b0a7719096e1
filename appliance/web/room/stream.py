"""Live pictures as one lasting answer: of one camera, or of several over one connection.

The messages are capture's own (``appliance/ipc/framing.py``: J, I, K, F). Of several cameras, a ``C`` message goes
before each portion; its one byte is the camera's number in the order asked for, and holds until the next one.
``H`` comes when there was nothing else for a second: silence is a broken connection.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from appliance.ipc import framing
from appliance.web.room.fan import BEGINS_WITHIN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.web.account.sessions import Person
    from appliance.web.services import Services

CONTENT_TYPE = "application/vnd.exambox.live"
HEARTBEAT_SECONDS = 1.0
UNSENT_BYTES = 32 * 1024
"""No more than this waits in the kernel for a viewer: what waits there can no longer be left out."""
_HEARTBEAT = framing.pack(b"H", b"")
_STATE = b'"state":'


class LiveAnswer:
    """One viewer's stream; every way out gives the place back.

    Raises:
        TooManyStreamsError: no place is free.
        NotFoundError, UnavailableError: the one camera of a stream of its own cannot be watched. Of several cameras
            each says in the stream what is wrong with it.
    """

    def __init__(self, box: Services, person: Person, cameras: list[str], *, alone: bool = False) -> None:
        self._alone = alone
        self._answer = box.lasting.begin(person)
        try:
            self._watching = box.fan.watch(cameras, self._answer.wake)
            self._open = True
            if alone:
                self._refuse_what_cannot_be_watched()
        except BaseException:
            self.close()
            raise

    def _refuse_what_cannot_be_watched(self) -> None:
        channel = self._watching.channels[0]
        channel.wait_begun(BEGINS_WITHIN_SECONDS)
        if channel.problem:
            raise channel.problem

    def __iter__(self) -> Iterator[bytes]:
        """Yield portions of whole messages until the session ends, or the process, or the one camera is lost."""
        try:
            yield from self._portions()
        finally:
            self.close()

    def _portions(self) -> Iterator[bytes]:
        wake = self._answer.wake
        told = time.monotonic()
        while not self._answer.ended:
            wake.clear()
            portions = [
                messages if self._alone else framing.pack(b"C", bytes([number])) + messages
                for number, messages in self._watching.take()
            ]
            if portions:
                yield portions[0] if len(portions) == 1 else b"".join(portions)
                told = time.monotonic()
                if self._alone and _ends(portions[0]):
                    return
            elif not wake.wait(HEARTBEAT_SECONDS / 2) and time.monotonic() - told >= HEARTBEAT_SECONDS:
                yield _HEARTBEAT
                told = time.monotonic()

    def close(self) -> None:
        """Leave the cameras and give the place back; safe to call twice (the server calls it, too)."""
        watching = getattr(self, "_watching", None)
        if watching is not None:
            watching.close()
        self._answer.close()


def _ends(portion: bytes) -> bool:
    """Whether a portion is the news that there is no picture (it then stands alone)."""
    return portion[4:5] == b"J" and len(portion) == framing.length_of(portion) and _STATE in portion


def keep_close(connection: Any) -> None:
    """Let little wait in the kernel for a viewer who does not keep up; takes the server's socket, if it is known."""
    if isinstance(connection, socket.socket):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            return  # the viewer is gone, which the first write will find
