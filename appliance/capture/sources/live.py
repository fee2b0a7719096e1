"""What sources share that read a live container with FFmpeg: opening by the clock, and closing from another thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import av

from appliance.capture.sources.base import Pace
from appliance.capture.sources.failures import camera_error, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from appliance.capture.sources.base import SourcePacket, StreamInfo

    class Reader(Protocol):
        """Reads one opened container."""

        def packets(self, closing: threading.Event, pace: Pace) -> Iterator[SourcePacket]:
            """Yield until closing, at the pace that is wished."""
            ...

        def close(self) -> None:
            """Release the container."""
            ...


class LiveSource:
    """Opens with `connect`, reads with the reader that gives; only one thread ever touches the container."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._reader: Reader | None = None
        self._closing = threading.Event()
        self.pace = Pace()
        self._reading = threading.Lock()

    def connect(self) -> StreamInfo:
        """Set ``_reader`` and return what it delivers."""
        raise NotImplementedError

    def open(self) -> StreamInfo:
        """Connect; see `Source.open`."""
        with self._reading:
            try:
                return self.connect()
            except (av.FFmpegError, OSError) as problem:
                self._release()
                # FFmpeg's own text holds the address with the password: it must not be chained.
                raise camera_error(reason_of(problem, opening=True), self._what) from None
            except BaseException:
                self._release()
                raise

    def packets(self) -> Iterator[SourcePacket]:
        """Yield packets until closed; see `Source.packets`."""
        with self._reading:
            try:
                if self._reader is None:
                    raise camera_error("lost", self._what)
                yield from self._reader.packets(self._closing, self.pace)
            finally:
                self._release()

    def close(self) -> None:
        """Release the camera; a thread that is reading does it itself, at the latest when its read ends."""
        self._closing.set()
        if self._reading.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._reading.release()

    def _release(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
