"""Keeps the box's epoch true: decided when the process starts and after each word of the hub; the witness goes along.

No delivery may leave the box before `EpochKeeper.note` has written down the numbers given so far.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.centre.witness import read_witness, witness_path, write_witness
from appliance.database import write
from appliance.exchange.centre.epochs import KEEP, Decision, Mark, decide
from appliance.outbox.epochs import begin_epoch

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.epochs import HubWord

_MACHINE: Final = "sync.machine"
_LOG = log.get(__name__)
_writing = threading.Lock()
"""Duties note side by side: who reads the database later writes later, so that the witness never goes back."""


class EpochKeeper:
    """The epoch of one box, in its database and beside it.

    Args:
        db: the box's.
        state_dir: the box's.
        machine: of the computer this runs on (`machine.machine_of`); empty for one that only notes.
        clock: dates epochs.
    """

    def __init__(self, db: Database, state_dir: Path, *, machine: str, clock: Clock) -> None:
        self._db = db
        self._path = witness_path(state_dir)
        self._machine = machine
        self._clock = clock
        self._noted: Mark | None = None

    def check(self, hub: HubWord | None = None) -> Decision:
        """Begin a new epoch if one is needed, and return what was decided.

        Args:
            hub: what the hub said of the present epoch; None where it was not asked.

        Raises:
            OSError: the witness can be neither read nor written.
        """
        witness = self._noted or read_witness(self._path)
        with write(self._db):
            mark = database_mark(self._db)
            if mark is not None and not mark.machine:  # numbers were given before anything could leave the box
                mark = Mark(mark.epoch, mark.seq if witness else 0, self._machine, mark.previous)
            decision = decide(mark, witness, machine=self._machine, hub=hub)
            if decision.new and (mark is None or decision.reason != "first"):
                begin_epoch(self._db, decision.reason or "first", self._clock)
            else:
                decision = KEEP
            if decision.new or mark is None or known_machine(self._db) != self._machine:
                _keep_machine(self._db, self._machine)
        if decision.new and decision.reason != "first":
            _LOG.warning("a new epoch was begun", reason=decision.reason, why=decision.why)
        self._noted = witness if self._noted is None else self._noted
        self.note()
        return decision

    def note(self) -> Mark:
        """Write the numbers given so far into the witness, if there are new ones; return the box's mark.

        Nothing is written before `check` has noted which computer this is.

        Raises:
            OSError: it cannot be written; nothing may leave the box then.
        """
        with _writing:
            mark = database_mark(self._db)
            if mark is None:
                raise LookupError("the box has no epoch: check() first")
            if mark != self._noted and mark.machine:
                write_witness(self._path, mark)
                self._noted = mark
        return mark


def database_mark(db: Database) -> Mark | None:
    """Return how far the database knows the box to be; None where it has no epoch yet."""
    rows = db.conn.execute("SELECT name, last_seq FROM epoch ORDER BY begun_us DESC LIMIT 2").fetchall()
    if not rows:
        return None
    previous = str(rows[1][0]) if len(rows) > 1 else ""
    return Mark(str(rows[0][0]), int(rows[0][1]), known_machine(db), previous)


def known_machine(db: Database) -> str:
    """Return the computer that gave the last numbers, empty where none was noted yet."""
    row = db.conn.execute("SELECT json_extract(value, '$') FROM setting WHERE key = ?", (_MACHINE,)).fetchone()
    return "" if row is None else str(row[0])


def _keep_machine(db: Database, machine: str) -> None:
    db.conn.execute(
        "INSERT INTO setting (key, value) VALUES (?, json_quote(?))"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_MACHINE, machine),
    )
