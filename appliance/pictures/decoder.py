"""Has keyframes decoded by a child process, so that hostile camera data cannot harm the process that asks."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.errors import CameraError, UnavailableError
from appliance.pictures.child_protocol import ANSWER, MAX_PICTURE, Answer, request

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_SECONDS: Final = 2.0
"""A picture that takes longer is given up, and the child with it."""
START_SECONDS: Final = 15.0
MAX_WAITING: Final = 12
COMMAND: Final = (sys.executable, "-I", "-m", "appliance.pictures.child")
_LOG = log.get(__name__)


class Decoder:
    """One child, started when it is first needed and again when it died or hung. Safe to use from several threads."""

    def __init__(self, command: Sequence[str] = COMMAND, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._command = list(command)
        self._limit = limit_seconds
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._child: subprocess.Popen[bytes] | None = None

    def jpeg(self, init: bytes, fragment: bytes, *, widest: int) -> bytes:
        """Return a JPEG, at most ``widest`` columns wide, of the keyframe a fragment begins with.

        Args:
            init: the initialisation segment (``ftyp moov``).
            fragment: fragments (``moof mdat``), the first with the keyframe.
            widest: 1 to 1920.

        Raises:
            CameraError: ``invalid``; there is no decodable picture in it, or decoding took longer than 2 s.
            UnavailableError: too many pictures are being waited for, or no child can be started.
            ValueError: a piece is larger than the child takes.
        """
        asked = request(init, fragment, widest)
        if not self._places.acquire(blocking=False):
            raise UnavailableError("Too many small pictures are being made.", hint="Try again in a second.")
        try:
            with self._turn:
                return self._ask(asked)
        finally:
            self._places.release()

    def close(self) -> None:
        """End the child; the next picture starts another."""
        with self._turn:
            self._end()

    def _ask(self, asked: bytes) -> bytes:
        child = self._running()
        try:
            kind, payload = self._exchange(child, asked, self._limit)
        except (OSError, EOFError, TimeoutError) as problem:
            _LOG.warning("decoding child ended", reason=type(problem).__name__, code=child.poll())
            self._end()
            kind, payload = Answer.UNDECODABLE, b""
        if kind != Answer.PICTURE:
            raise CameraError("The picture cannot be decoded.", reason="invalid", hint="Try another moment.")
        return payload

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        try:
            self._child = subprocess.Popen(  # noqa: S603  our own module, nothing from outside in it
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                bufsize=0,
                start_new_session=True,
            )
            kind, _ = self._exchange(self._child, b"", START_SECONDS)
        except (OSError, EOFError, TimeoutError) as problem:
            self._end()
            raise UnavailableError("Small pictures cannot be made now.", hint="Try again in a moment.") from problem
        if kind != Answer.READY:
            self._end()
            raise UnavailableError("Small pictures cannot be made now.", hint="Try again in a moment.")
        return self._child

    def _exchange(self, child: subprocess.Popen[bytes], asked: bytes, seconds: float) -> tuple[int, bytes]:
        """Write a request and read an answer at the same time, so that neither side waits for a full pipe."""
        if child.stdin is None or child.stdout is None:
            raise EOFError
        deadline = time.monotonic() + seconds
        waiting, heard = memoryview(asked), bytearray()
        os.set_blocking(child.stdin.fileno(), False)
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdout, selectors.EVENT_READ)
            if waiting:
                ready.register(child.stdin, selectors.EVENT_WRITE)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                for key, _ in ready.select(left):
                    if key.fileobj is child.stdin:
                        waiting = waiting[os.write(child.stdin.fileno(), waiting[: 1 << 16]) :]
                        if not waiting:
                            ready.unregister(child.stdin)
                    else:
                        piece = os.read(child.stdout.fileno(), 1 << 16)
                        if not piece:
                            raise EOFError
                        heard += piece
                        answer = _whole(heard)
                        if answer is not None:
                            return answer

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        child.kill()
        child.wait()


def _whole(heard: bytearray) -> tuple[int, bytes] | None:
    """Return the answer once all of it is there.

    Raises:
        EOFError: what was heard is no answer.
    """
    if len(heard) < ANSWER.size:
        return None
    kind, size = ANSWER.unpack_from(heard)
    if size > MAX_PICTURE or len(heard) > ANSWER.size + size:
        raise EOFError
    return (kind, bytes(heard[ANSWER.size :])) if len(heard) == ANSWER.size + size else None
