"""How many requests may last for long: always fewer than there are threads, so that short ones find one."""

from __future__ import annotations

import threading

from appliance.errors import UnavailableError

RETRY_AFTER_SECONDS = 5


class TooManyStreamsError(UnavailableError):
    """Every place for a live picture is taken."""

    code = "unavailable.streams"


class StreamSlots:
    """Counts live streams; safe to share between threads.

    Args:
        threads: the server's thread pool. A quarter of it, at least two, stays free for everything else.
    """

    def __init__(self, threads: int) -> None:
        self.limit = threads - max(2, threads // 4)
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many streams there are now."""
        with self._lock:
            return self._taken

    def take(self) -> None:
        """Take a place.

        Raises:
            TooManyStreamsError: none is free.
        """
        with self._lock:
            if self._taken >= self.limit:
                raise TooManyStreamsError(
                    f"All {self.limit} places for live pictures are taken.",
                    hint="Close a window that shows live pictures; still pictures go on meanwhile.",
                )
            self._taken += 1

    def give_back(self) -> None:
        """Give one place back."""
        with self._lock:
            self._taken -= 1
