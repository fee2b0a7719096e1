"""The keyring's socket: one request a connection, one thread a connection, few at a time, none for long."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import log
from appliance.clock import SECOND_US
from appliance.database import open_box_database
from appliance.errors import ApplianceError, ConflictError, UnavailableError
from appliance.ipc import framing
from appliance.ipc.keyring import MAX_REQUEST_BYTES
from appliance.ipc.notify import Notifier
from appliance.keyring.agent import Agent
from appliance.keyring.requests import parse_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.clock import Clock
    from appliance.config import Settings

_LOG = log.get(__name__)
MOST_CONNECTIONS = 32
REQUEST_SECONDS = 10
"""A request must have arrived whole within this time, however it trickles."""
_LOOK_SECONDS = 0.5
_LAST_WORK_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    deadline_us: int | None


class _Connections:
    """Those that are being served; shared by the accepting loop and the serving threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[_Connection] = set()

    def admit(self, connection: _Connection) -> bool:
        """Take one more, unless there are too many."""
        with self._changed:
            if len(self._open) >= MOST_CONNECTIONS:
                return False
            self._open.add(connection)
            return True

    def release(self, connection: _Connection) -> None:
        """Forget one that is served."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def cut(self, now_us: int) -> None:
        """Cut off those whose request has not arrived in time."""
        with self._changed:
            for connection in self._open:
                if connection.deadline_us is not None and now_us > connection.deadline_us:
                    _shut(connection.socket)

    def end(self) -> None:
        """Let those whose work has begun finish for a moment, then cut off all."""
        with self._changed:
            for connection in self._open:
                if connection.deadline_us is not None:
                    _shut(connection.socket)
            self._changed.wait_for(lambda: not self._open, timeout=_LAST_WORK_SECONDS)
            for connection in self._open:
                _shut(connection.socket)


def _shut(connection: socket.socket) -> None:
    """Wake the thread that reads from or writes to a connection."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def serve(settings: Settings, clock: Clock, stop: threading.Event, *, notifier: Notifier | None = None) -> None:
    """Answer on the keyring's socket until ``stop`` is set; then the private keys are overwritten.

    Args:
        settings: socket, keys, idle time.
        clock: idle time, deadlines and throttling run on its monotonic time.
        stop: set it to end; the loop looks twice a second.
        notifier: who is told that the process is ready and alive.

    Raises:
        ConflictError: another keyring serves this socket.
        DatabaseError: the log cannot be opened.
    """
    notifier = notifier or Notifier()
    path = settings.keyring_socket
    with _only_one(path):
        db = open_box_database(settings.database)
        agent = Agent(settings, db, clock)
        connections = _Connections()
        try:
            agent.start()
            with _listening(path) as server:
                _accept(server, agent, connections, clock, stop=stop, notifier=notifier)
        finally:
            notifier.stopping()
            connections.end()
            agent.close()
            db.conn.close()


def _accept(
    server: socket.socket,
    agent: Agent,
    connections: _Connections,
    clock: Clock,
    *,
    stop: threading.Event,
    notifier: Notifier,
) -> None:
    socket_gid = Path(server.getsockname()).stat().st_gid
    server.settimeout(_LOOK_SECONDS)
    told: bool | None = None
    notifier.ready()
    while not stop.is_set():
        locked = agent.locked
        if locked != told:
            notifier.status(f"The review key is {'locked' if locked else 'unlocked'}.")
            told = locked
        notifier.watchdog()
        _tick(agent)
        connections.cut(clock.mono_us())
        try:
            accepted, _ = server.accept()
        except TimeoutError:
            continue
        except OSError as problem:  # out of file descriptors: those in use come back
            _LOG.warning("no connection could be accepted", reason=str(problem))
            stop.wait(_LOOK_SECONDS)
            continue
        connection = _Connection(accepted, clock.mono_us() + REQUEST_SECONDS * SECOND_US)
        _admit(connection, connections, agent, socket_gid)


def _tick(agent: Agent) -> None:
    try:
        agent.tick()
    except ApplianceError as problem:
        _LOG.error("locking after the idle time could not be logged", reason=problem.message)


def _admit(connection: _Connection, connections: _Connections, agent: Agent, socket_gid: int) -> None:
    """Start a thread for a connection, or refuse it at no cost."""
    accepted = connection.socket
    try:
        accepted.settimeout(REQUEST_SECONDS)
        peer = framing.peer_of(accepted)
        if not framing.may_connect(peer, socket_gid):
            _LOG.warning("refused", account=peer.name, pid=peer.pid)
            accepted.close()
            return
    except OSError:
        accepted.close()
        return
    if not connections.admit(connection):
        busy = UnavailableError("The keyring is busy.", hint="Try again in a moment.")
        with contextlib.suppress(OSError):
            accepted.send(framing.pack_json(framing.error_message(busy)))
        accepted.close()
        return
    work = threading.Thread(target=_serve_one, args=(connection, connections, agent, peer.name), daemon=True)
    work.start()


def _serve_one(connection: _Connection, connections: _Connections, agent: Agent, peer: str) -> None:
    try:
        with connection.socket, contextlib.suppress(OSError):  # the other end is gone, or was cut off
            answer = _answer(connection, agent, peer)
            if answer is not None:
                framing.send_json(connection.socket, answer)
    finally:
        connections.release(connection)


def _answer(connection: _Connection, agent: Agent, peer: str) -> dict[str, Any] | None:
    try:
        value = framing.receive_json(connection.socket, MAX_REQUEST_BYTES)
        if value is None:
            return None
        connection.deadline_us = None  # what takes long from here on is our own work
        return {"ok": True, **agent.answer(parse_request(value), peer)}
    except ApplianceError as problem:
        return framing.error_message(problem)
    except OSError:
        if connection.deadline_us is not None:
            return None
        _LOG.exception("a request failed")
    except Exception:  # noqa: BLE001  a request's end: the next one must be served whatever this one met
        _LOG.exception("a request failed")
    return framing.error_message(UnavailableError("The keyring failed at this.", hint="Its journal says why."))


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Listen, and at the end take away the socket's file if it is still this process's."""
    with framing.listen(path) as server:
        ours = path.stat().st_ino
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                if path.stat().st_ino == ours:
                    path.unlink()


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold a lock beside the socket for this process's life; the kernel releases it whatever kills the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise ConflictError(
                "A keyring process is running already for this box.", hint="Stop it first, or use that one."
            ) from problem
        yield
