"""Live pictures from capture's socket to a browser, message by message, nothing kept."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from appliance.errors import UnavailableError
from appliance.ipc import framing

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
            self._messages = box.live.watch(camera)
            self._first = next(self._messages)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield packed messages until capture ends or this process is asked to."""
        try:
            for kind, payload in itertools.chain([self._first], self._messages):
                if self._box.stopping.is_set():
                    return
                yield framing.pack(kind, payload)
        except UnavailableError as problem:
            yield framing.pack_json({"state": "lost", "reason": problem.message})
        finally:
            self.close()

    def close(self) -> None:
        """Leave capture's socket and give the place back; safe to call twice (the server calls it, too)."""
        if not self._open:
            return
        self._open = False
        self._box.slots.give_back()
        closing = getattr(getattr(self, "_messages", None), "close", None)
        if closing:
            closing()
