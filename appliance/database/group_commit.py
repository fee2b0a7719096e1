"""Several threads' writes in one transaction: each is durable when it returns, and they share the wait for the disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from appliance.database.connection import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

Result = TypeVar("Result")
MOST_AT_ONCE: Final = 64


@dataclass(slots=True, eq=False)
class _Call:
    work: Callable[[Database], Any]
    done: bool = False
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Runs writes of many threads on one connection, as many in a transaction as wait for it.

    SQLite lets one writer in at a time, and each commit waits for the disk. Threads that write one by one wait for one
    another's commits, and by SQLite's sleeps, which are not fair. Here whoever comes first does what waits for all.
    """

    def __init__(self, db: Database) -> None:
        """Write through ``db``, which nobody else uses meanwhile."""
        self._db = db
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        self._waiting: list[_Call] = []

    def run(self, work: Callable[[Database], Result]) -> Result:
        """Return what ``work`` returns, when what it has written is durable.

        It runs in a write transaction. What it raises is raised here, and undoes what it wrote and nobody else's.
        """
        call = _Call(work)
        with self._queue:
            self._waiting.append(call)
        while not call.done:  # more than once only where more were before it than fit into one transaction
            with self._turn:
                if not call.done:
                    with self._queue:
                        batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                    self._run(batch)
        if call.error is not None:
            raise call.error
        result: Result = call.result
        return result

    def _run(self, batch: list[_Call]) -> None:
        try:
            with write(self._db):
                for call in batch:
                    self._one(call)
        except BaseException as problem:  # the transaction is gone, and with it what each had written
            for call in batch:
                call.error = problem
            if not isinstance(problem, Exception):
                raise
        finally:
            for call in batch:
                call.done = True

    def _one(self, call: _Call) -> None:
        try:
            with write(self._db):
                call.result = call.work(self._db)
        except Exception as problem:  # noqa: BLE001  it is raised where the work came from
            call.error = problem
