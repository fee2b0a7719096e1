"""Many small acts in one durable transaction: each is answered only after the disk has it.

A commit waits for the disk; acts that arrive meanwhile share the next one (group commit). Whoever comes first leads:
commits for all who wait, and passes the lead on. Each act is a savepoint of its own: one that fails takes nothing
with it. Without company an act is done in its caller's thread, and costs what a transaction costs.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from appliance import log
from appliance.database import connect, write
from appliance.errors import ApplianceError, UnavailableError
from appliance.web.api.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

Result = TypeVar("Result")
MOST_AT_ONCE: Final = 64
WAITING_MOST: Final = 1024
ANSWER_SECONDS: Final = 25.0
"""Longer than the database waits for another writer, shorter than a request's time."""
_MAY_PASS: Final = re.compile(r"locked|busy|full|disk I/O")
_LOG = log.get(__name__)


class Committer:
    """Writes for all threads over one connection, which is opened for the first act.

    Args:
        path: of the database.
        turn: acts are done in it; who waits for the database or for others is not in it.
        most_at_once: acts of one transaction.
    """

    def __init__(self, path: Path, turn: Turn | None = None, *, most_at_once: int = MOST_AT_ONCE) -> None:
        self._path = path
        self._turn = turn or Turn()
        self._most = most_at_once
        self._lock = threading.Lock()
        self._waiting: deque[_Act] = deque()
        self._led = False
        self._db: Database | None = None

    def run(self, act: Callable[[Database], Result]) -> Result:
        """Do an act inside a write transaction; its result is durable when this returns.

        Args:
            act: gets the connection; may run in another request's thread, so it uses nothing of its own request's.

        Raises:
            Exception: what the act raised; nothing of it was stored.
            UnavailableError: too many wait, or the disk takes too long. Whether it was stored is then not known.
        """
        mine = _Act(act)
        with self._lock:
            if len(self._waiting) >= WAITING_MOST:
                raise _busy()
            self._waiting.append(mine)
            leads, self._led = not self._led, True
        if not leads:
            with self._turn.aside():
                called = mine.called.wait(ANSWER_SECONDS)
            if not called:
                self._give_up(mine)
        if leads or mine.leads:
            try:
                while not mine.over:
                    self._commit()
            finally:
                self._pass_on()
        return cast("Result", mine.result())

    def _give_up(self, mine: _Act) -> None:
        """Stop waiting, unless it is this one's turn just now.

        Raises:
            UnavailableError: it is not done, or it is not known whether it is.
        """
        with self._lock:
            if mine.called.is_set():
                return
            if mine in self._waiting:
                self._waiting.remove(mine)
        raise _busy()

    def _take(self) -> list[_Act]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]

    def _pass_on(self) -> None:
        """Let the next who waits lead, or nobody."""
        with self._lock:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].called.set()
            else:
                self._led = False

    def _commit(self) -> None:
        """Do the acts that wait in one transaction and tell each how it went; never raises."""
        acts: list[_Act] = []
        try:
            db = self._db = self._db or connect(self._path)
            # Other writers and the disk are waited for out of turn; those who come meanwhile are done with the rest.
            with self._turn.aside(), write(db), self._turn.held():
                acts = self._take()
                for one in acts:
                    one.do(db)
        except Exception as problem:  # noqa: BLE001  the acts' end: whoever waits is told
            acts = acts or self._take()
            if not isinstance(problem, ApplianceError):
                _LOG.error("acts could not be committed", acts=len(acts), exc_info=problem)
            for one in acts:
                one.problem = one.problem or _passing(problem)
            if self._db is not None:
                self._db.conn.close()  # after trouble the next act gets a new one
                self._db = None
        for one in acts:
            one.over = True
            one.called.set()


class _Act:
    """An act that waits for its turn, and how it went.

    Attributes:
        called: set when it is over, or when its thread is to lead.
        leads: whether the lead was passed to its thread.
        over: whether it was committed, or failed.
        problem: why it failed.
    """

    def __init__(self, act: Callable[[Database], Any]) -> None:
        self._act = act
        self._result: Any = None
        self.called = threading.Event()
        self.leads = False
        self.over = False
        self.problem: Exception | None = None

    def do(self, db: Database) -> None:
        """Do it as a savepoint of the open transaction.

        Raises:
            Exception: it ended the whole transaction, as a full disk does.
        """
        try:
            with write(db):
                self._result = self._act(db)
        except Exception as problem:  # whatever it is, it is this act's alone and its caller is told
            self.problem = _passing(problem)
            if not db.conn.in_transaction:
                raise
            if isinstance(problem, sqlite3.OperationalError):
                _LOG.error("an act failed in the database", exc_info=problem)

    def result(self) -> Any:
        """Return its result, or raise why it failed."""
        if self.problem is not None:
            raise self.problem
        return self._result


def _passing(problem: Exception) -> Exception:
    """Return a refusal of the database that may be over soon as one a caller tries again after."""
    if isinstance(problem, sqlite3.OperationalError) and _MAY_PASS.search(str(problem)):
        return UnavailableError(
            "The box cannot store anything at present.", hint="Try again in a moment; nothing was stored."
        )
    return problem


def _busy() -> UnavailableError:
    return UnavailableError("The box is busy.", hint="Try again in a moment; what was sent may have been stored.")
