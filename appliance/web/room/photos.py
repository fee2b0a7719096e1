"""The room's pictures at the second something was found: kept in memory alone, so that nothing unsealed is stored.

What is no longer here is in the sealed recording, for whoever may open it.
"""

from __future__ import annotations

import collections
import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEPT: Final = 40
"""Warnings whose pictures are kept; the oldest go."""
CAMERAS: Final = 4
MAX_BYTES: Final = 2 * 1024 * 1024
_LOG = log.get(__name__)


class Photos:
    """Pictures by warning and camera; safe to share between threads.

    Args:
        snapshot: returns a camera's present picture (JPEG); raises ApplianceError where there is none.
    """

    def __init__(self, snapshot: Callable[[str], bytes]) -> None:
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[int, dict[str, bytes]] = collections.OrderedDict()

    def take(self, number: int, cameras: Iterable[str]) -> threading.Thread:
        """Take the pictures that belong to a warning, in a thread of its own; return the thread."""
        chosen = list(cameras)[:CAMERAS]
        with self._lock:
            self._kept.setdefault(number, {})
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        thread = threading.Thread(target=self._take, args=(number, chosen), name=f"photo {number}", daemon=True)
        thread.start()
        return thread

    def _take(self, number: int, cameras: list[str]) -> None:
        for camera in cameras:
            try:
                picture = self._snapshot(camera)
            except (ApplianceError, OSError) as problem:
                _LOG.info("no picture of a warning", warning=number, camera=camera, problem=str(problem))
                continue
            if len(picture) <= MAX_BYTES:
                self._keep(number, camera, picture)

    def _keep(self, number: int, camera: str, picture: bytes) -> None:
        with self._lock:
            if number in self._kept:
                self._kept[number][camera] = picture

    def of(self, number: int) -> list[str]:
        """Return the cameras there are pictures of for a warning."""
        with self._lock:
            return list(self._kept.get(number, {}))

    def picture(self, number: int, camera: str) -> bytes | None:
        """Return a picture (JPEG); None where there is none any more."""
        with self._lock:
            return self._kept.get(number, {}).get(camera)
