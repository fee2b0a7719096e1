"""What capture tells the database: camera events, part rows, log entries. A database that is stuck stops no camera.

Facts wait in memory until they can be written, in order; part rows are also found again from the files themselves
at the next start, so nothing of the recording hangs on them.
"""

from __future__ import annotations

import collections
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance import auditlog, log
from appliance.cameras.events import record_event
from appliance.database import write
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.auditlog.checkpoint import Signer
    from appliance.clock import Clock

MAX_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class CheckpointNews:
    """A part's newest checkpoint, as the log keeps it."""

    part_id: str
    seq: int
    chain: str
    sha256: str


class Facts:
    """Writes facts; used by the supervisor's thread only."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._waiting: collections.deque[Callable[[], None]] = collections.deque(maxlen=MAX_WAITING)
        self._checkpoints: dict[str, CheckpointNews] = {}
        self._log = log.get(__name__)
        self._failing = False

    @property
    def waiting(self) -> int:
        """How many facts could not be written yet."""
        return len(self._waiting)

    def camera_state(self, camera: str, state: str, reason: str, message: str) -> None:
        """A camera was lost or came back."""
        when = _Frozen(self._clock)

        def work() -> None:
            with write(self._db):
                record_event(self._db, camera, "live" if state == "live" else "lost", reason, message, clock=when)
                action = "camera.returned" if state == "live" else "camera.lost"
                auditlog.append(self._db, action, clock=when, detail={"camera": camera, "reason": reason})

        self._add(work)

    def part_opened(self, camera: str, fact: dict[str, Any]) -> None:
        """A part was opened."""
        when = _Frozen(self._clock)
        row = {
            "part_id": fact["part_id"],
            "sitting": fact["sitting"],
            "camera": camera,
            "number": fact["number"],
            "started_us": fact["started_us"],
            "state": "open",
        }

        def work() -> None:
            with write(self._db):
                before = self._db.conn.total_changes
                self._db.table("part").insert(row, pk="part_id", ignore=True)
                if self._db.conn.total_changes > before:  # recovery tells of parts that are mostly known
                    detail = {key: row[key] for key in ("part_id", "sitting", "camera", "number")}
                    detail["opened"] = fact["opened"]
                    auditlog.append(self._db, "vault.part_opened", clock=when, detail=detail)

        self._add(work)

    def part_found(self, row: dict[str, Any]) -> None:
        """A finished part's file is there that the database does not know, or takes for open.

        The database was lost, a vault brought in, or nobody lived to hear that the part was closed. ``row`` is the
        part's row. A part whose end is known in the meantime stays as it is known.
        """
        when = _Frozen(self._clock)

        def work() -> None:
            with write(self._db):
                before = self._db.conn.total_changes
                self._db.table("part").insert(row, pk="part_id", ignore=True)
                self._db.conn.execute(
                    "UPDATE part SET state = :state, ended_us = :ended_us, bytes = :bytes"
                    " WHERE part_id = :part_id AND state IN ('open', 'abandoned')",
                    row,
                )
                if self._db.conn.total_changes > before:
                    auditlog.append(self._db, "vault.part_found", clock=when, detail=row)

        self._add(work)

    def part_ended(self, part_id: str, state: str, fact: dict[str, Any]) -> None:
        """A part was closed, recovered or abandoned; ``fact`` has ``ended_us``, ``bytes``, ``seq``, ``chain``."""
        when = _Frozen(self._clock)
        action = {"closed": "vault.part_closed", "recovered": "vault.part_recovered"}.get(state, "vault.part_abandoned")
        self._checkpoints.pop(part_id, None)

        def work() -> None:
            with write(self._db):
                changed = self._db.conn.execute(
                    "UPDATE part SET state = ?, ended_us = ?, bytes = ? WHERE part_id = ? AND state IN"
                    " ('open', 'abandoned')",
                    (state, fact["ended_us"], fact["bytes"], part_id),
                ).rowcount
                if changed:
                    detail = {"part_id": part_id, **{key: fact.get(key) for key in ("seq", "chain", "sha256")}}
                    auditlog.append(self._db, action, clock=when, detail=detail)

        self._add(work)

    def checkpoint(self, fact: dict[str, Any]) -> None:
        """A part's checkpoint was signed; it enters the log with the next `flush_checkpoints`."""
        self._checkpoints[fact["part_id"]] = CheckpointNews(
            fact["part_id"], int(fact["seq"]), fact["chain"], fact["sha256"]
        )

    def flush_checkpoints(self, sign: Signer | None) -> None:
        """Put the parts' newest checkpoints into the log and sign the log's head."""
        news, self._checkpoints = list(self._checkpoints.values()), {}
        when = _Frozen(self._clock)

        def work() -> None:
            with write(self._db):
                if news:
                    auditlog.log_vault_checkpoints(self._db, news, when)
                if sign is not None:
                    auditlog.checkpoint(self._db, sign, clock=when)

        self._add(work)

    def entry(self, action: str, detail: dict[str, Any]) -> None:
        """Add a log entry of the box itself."""
        when = _Frozen(self._clock)

        def work() -> None:
            auditlog.append(self._db, action, clock=when, detail=detail)

        self._add(work)

    def flush(self) -> None:
        """Write what waits, as far as the database lets."""
        while self._waiting:
            try:
                self._waiting[0]()
            except sqlite3.Error as problem:
                if not self._failing:
                    self._log.error("the database takes no facts; recording goes on", problem=str(problem))
                self._failing = True
                return
            except ApplianceError as problem:
                # A fact that can never be written (its camera's row is gone) must not hold up those behind it.
                self._log.error("a fact was dropped", problem=problem.message)
            self._waiting.popleft()
            if self._failing:
                self._log.info("the database takes facts again")
                self._failing = False

    def _add(self, work: Callable[[], None]) -> None:
        self._waiting.append(work)
        self.flush()


class _Frozen:
    """The moment a fact came up, for when it is written later."""

    def __init__(self, clock: Clock) -> None:
        self._wall = clock.wall_us()
        self._mono = clock.mono_us()

    def wall_us(self) -> int:
        return self._wall

    def mono_us(self) -> int:
        return self._mono

    def sleep(self, seconds: float) -> None:
        """A frozen moment does not pass."""
