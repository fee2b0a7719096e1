"""Many small acts in one durable transaction: each is answered only after the disk has it.

A commit waits for the disk; acts that arrive meanwhile share the next one (group commit). Each is a savepoint of
its own: one that fails takes nothing with it.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance import log
from appliance.database import connect, write
from appliance.errors import ApplianceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

Result = TypeVar("Result")
MOST_AT_ONCE: Final = 64
WAITING_MOST: Final = 1024
ANSWER_SECONDS: Final = 25.0
"""Longer than the database waits for another writer, shorter than a request's time."""
_LOG = log.get(__name__)


class Committer:
    """One thread that writes for all; it begins with the first act.

    Args:
        path: of the database.
        most_at_once: acts of one transaction.
    """

    def __init__(self, path: Path, *, most_at_once: int = MOST_AT_ONCE) -> None:
        self._path = path
        self._most = most_at_once
        self._waiting: queue.Queue[_Act] = queue.Queue(WAITING_MOST)
        self._begin = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, act: Callable[[Database], Result]) -> Result:
        """Do an act inside a write transaction; its result is durable when this returns.

        Args:
            act: gets the connection; runs in another thread, so nothing of the request is at hand there.

        Raises:
            Exception: what the act raised; nothing of it was stored.
            UnavailableError: too many wait, or the disk takes too long. Whether it was stored is then not known.
        """
        self._ensure_thread()
        mine = _Act(act)
        try:
            self._waiting.put_nowait(mine)
        except queue.Full as problem:
            raise _busy() from problem
        try:
            result: Result = mine.answer.result(ANSWER_SECONDS)
        except TimeoutError as problem:
            if mine.answer.done():
                raise  # the act's own
            mine.answer.cancel()  # if it has not begun, it is not done any more
            raise _busy() from problem
        return result

    def _ensure_thread(self) -> None:
        with self._begin:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        db: Database | None = None
        while True:
            acts = self._take()
            try:
                db = db or connect(self._path)
                self._commit(db, acts)
            except Exception as problem:  # noqa: BLE001  the acts' end: whoever waits is told, the thread goes on
                if not isinstance(problem, ApplianceError):
                    _LOG.error("acts could not be committed", acts=len(acts), exc_info=problem)
                for one in acts:
                    one.fail(problem)
                if db is not None:
                    db.conn.close()  # after trouble the next act gets a new one
                    db = None

    def _take(self) -> list[_Act]:
        """Wait for an act; return it with those that wait behind it."""
        taken = [self._waiting.get()]
        while len(taken) < self._most:
            try:
                taken.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return [one for one in taken if one.answer.set_running_or_notify_cancel()]

    def _commit(self, db: Database, acts: list[_Act]) -> None:
        if not acts:
            return
        with write(db):
            for one in acts:
                one.do(db)
        for one in acts:
            one.tell()


class _Act:
    """An act that waits for its turn, and its outcome."""

    def __init__(self, act: Callable[[Database], Any]) -> None:
        self._act = act
        self.answer: Future[Any] = Future()
        self._result: Any = None
        self._problem: BaseException | None = None

    def do(self, db: Database) -> None:
        """Do it as a savepoint of the open transaction.

        Raises:
            sqlite3.Error: it ended the whole transaction, as a full disk does.
        """
        try:
            with write(db):
                self._result = self._act(db)
        except Exception as problem:  # whatever it is, it is this act's alone and its caller is told
            if not db.conn.in_transaction:
                raise
            self._problem = problem
            if isinstance(problem, sqlite3.OperationalError):
                _LOG.error("an act failed in the database", exc_info=problem)

    def tell(self) -> None:
        """Say how it went: it is durable now."""
        if self._problem is not None:
            self.answer.set_exception(self._problem)
        else:
            self.answer.set_result(self._result)

    def fail(self, problem: BaseException) -> None:
        """Say that nothing was committed; what the act itself raised goes before."""
        if not self.answer.done():
            self.answer.set_exception(self._problem or problem)


def _busy() -> UnavailableError:
    return UnavailableError("The box is busy.", hint="Try again in a moment; what was sent may have been stored.")
