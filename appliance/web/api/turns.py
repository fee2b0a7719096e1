"""One thread at a time computes a call that makes or changes an exam; nobody holds the turn while waiting.

Python computes in one thread at a time anyway. But a thread that waits for the interpreter wakes once a switch
interval to ask for it, and takes it whenever another gives it up for a moment, as each statement of SQL does: with 30
calls under way that was 58 switches of the kernel and a third of the time of a call (measured). A thread that waits for
its turn sleeps until then.
"""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING, Final, NoReturn

from appliance.exchange.json_edge import BODY
from appliance.web.api.paths import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_INTEGRATION: Final = f"{PREFIX}integration/"
_MOST: Final = BODY.size + 1
"""One more than is taken: a longer body is refused by its stated length, before anybody reads it."""


class Turn:
    """A lock that whoever has it can leave for a while, and that says whose it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0

    @property
    def is_mine(self) -> bool:
        """Whether this thread has the turn."""
        return self._owner == threading.get_ident()

    def take(self) -> None:
        """Wait until it is this thread's turn, which does not have it yet."""
        self._lock.acquire()
        self._owner = threading.get_ident()

    def leave(self) -> None:
        """Let another have its turn."""
        self._owner = 0
        self._lock.release()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Compute in turn; a thread that has the turn already goes on."""
        if self.is_mine:
            yield
            return
        self.take()
        try:
            yield
        finally:
            self.leave()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have their turn while the block waits for something; nothing where it is not this thread's."""
        if not self.is_mine:
            yield
            return
        self.leave()
        try:
            yield
        finally:
            self.take()


class InTurn:
    """A WSGI application of whose calls those that make exams are computed in turn; their bodies are read before.

    Args:
        app: the application.
        turn: whose.
    """

    def __init__(self, app: WSGIApplication, turn: Turn) -> None:
        self._app = app
        self._turn = turn

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request. What is returned is sent by the server, out of turn: a caller may be slow to take it."""
        if environ["REQUEST_METHOD"] != "POST" or not is_exams(environ["PATH_INFO"]):
            return self._app(environ, start_response)
        read_ahead(environ)
        with self._turn.held():
            return self._app(environ, start_response)


def is_exams(path: str) -> bool:
    """Whether a path is one that exams are made and changed at, with or without the slash at its end (pure)."""
    return path.startswith(_INTEGRATION) and path.rstrip("/").endswith("/exams")


def read_ahead(environ: WSGIEnvironment) -> None:
    """Read a body of a stated length that may be taken, so that nobody waits for it in turn.

    What goes wrong is raised where the body is read, as without this. A body in chunks is left alone.
    """
    stated = environ.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in environ or not stated.isdecimal() or not 0 < int(stated) <= _MOST:
        return
    try:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(stated)))
    except Exception as problem:  # noqa: BLE001  whatever it is: whoever reads the body meets it
        environ["wsgi.input"] = _Broken(problem)


class _Broken(io.RawIOBase):
    """A body that could not be read."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self._problem = problem

    def read(self, size: int = -1, /) -> NoReturn:  # noqa: ARG002  a file's signature
        """Raise why."""
        raise self._problem
