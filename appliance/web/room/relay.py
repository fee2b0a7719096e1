"""Live pictures from capture's socket to a browser, message by message, nothing kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.web.services import Services

CONTENT_TYPE = "application/vnd.exambox.live"


class Relay:
    """One viewer's stream: the messages as capture sent them (``appliance/ipc/framing.py``).

    The first message is fetched at once, so that a camera which cannot be watched is an HTTP error and
    not a broken stream. Every way out gives the place back: the end, an error, the viewer leaving.

    Raises:
        TooManyStreamsError: no place is free.
        NotFoundError: no such camera.
        UnavailableError: capture does not serve it now.
    """

    def __init__(self, box: Services, camera: str) -> None:
        self._box = box
        self._open = True
        box.slots.take()
        try:
            self._pieces = box.live.relay(camera)
            self._first = next(self._pieces)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield what capture sends until it ends or this process is asked to."""
        try:
            yield self._first
            for piece in self._pieces:
                if self._box.stopping.is_set():
                    return
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Leave capture's socket and give the place back; safe to call twice (the server calls it, too)."""
        if not self._open:
            return
        self._open = False
        self._box.slots.give_back()
        closing = getattr(getattr(self, "_pieces", None), "close", None)
        if closing:
            closing()
