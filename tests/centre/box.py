"""A box that belongs, or is about to belong, to a hub: its duty driven in rounds, without a process around it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.centre.context import Taking
from appliance.centre.enrolling import enrol
from appliance.centre.keys import load_centre_keys
from appliance.centre.store import Centre, get_centre
from appliance.config import BoxSettings, PathSettings, Settings, SyncSettings
from appliance.database import open_box_database, write
from appliance.integrations.exchange_key import exchange_key
from appliance.outbox import CENTRE, put, retry_now
from appliance.sync.centre_duty import CentreDuty
from appliance.vault.keys import init_keys, load_box_id

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exchange.json_edge import JsonObject
    from tests.support.hub_server import HubServer


@dataclass
class Box:
    """A box with all its state in one folder."""

    folder: Path
    clock: ManualClock
    machine: str | None = None
    trusted: bool = True
    settings: Settings = field(init=False)
    db: Database = field(init=False)
    duty: CentreDuty = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(
            box=BoxSettings(trial=True, room="Hall 2"),
            paths=PathSettings(state=str(self.folder / "state"), run=str(self.folder / "run")),
            sync=SyncSettings(timeout_seconds=5.0),
        )
        init_keys(self.settings, passphrase=None, clock=self.clock)
        self.open()

    def open(self) -> None:
        """Start what a start of the process starts."""
        self.db = open_box_database(self.settings.database)
        self.duty = CentreDuty(
            self.settings,
            open_box_database(self.settings.database),
            self.clock,
            roll=lambda: 0.0,
            own_trusted=lambda: self.trusted,
            machine=self.machine,
        )

    def close(self) -> None:
        """End it."""
        self.duty.close()
        self.db.conn.close()

    @property
    def id(self) -> str:
        """The box's name."""
        return load_box_id(self.settings.keys_dir)

    @property
    def centre(self) -> Centre:
        """The central service it belongs to."""
        return get_centre(self.db)

    @property
    def taking(self) -> Taking:
        """Who takes changes over in the box's name, with its keys; an invigilator where one accepts."""
        keys = load_centre_keys(self.settings.keys_dir)
        return Taking(self.settings, self.clock, self.id, exchange_key(self.settings), keys, accepted_by="ida")

    def enrol(self, server: HubServer, **more: Any) -> Centre:
        """Join a hub."""
        return enrol(self.db, self.settings, server.code(), address=server.address, clock=self.clock, who="ann", **more)

    def round(self, seconds: float = 6.0) -> None:
        """Let time pass and do what is due then."""
        self.clock.advance(seconds)
        self.duty.run()
        while self.duty._more:
            self.duty.run()

    def again(self) -> None:
        """Try at once after trouble, as `exambox sync now` does, and do a round."""
        retry_now(self.db, CENTRE)
        self.round()

    def put(self, n: int, *, stream: str = "", kind: str = "incident") -> None:
        """Cause one item for the centre."""
        body: JsonObject = {"n": n}
        with write(self.db):
            put(self.db, target=CENTRE, stream=stream, kind=kind, body=body, clock=self.clock)

    def review(self, conclusion: str) -> None:
        """Cause a review of one session of the LMS ``campus``, instead of one that waits."""
        message: JsonObject = {"accountId": 1, "sessionId": "one", "conclusion": conclusion}
        body: JsonObject = {"integration": "campus", "kind": "review", "message": message}
        with write(self.db):
            put(self.db, target=CENTRE, stream="s", kind="review", body=body, clock=self.clock, supersedes=True)

    def states(self) -> dict[str, int]:
        """Return how many deliveries to the centre are in each state."""
        rows = self.db.conn.execute("SELECT state, COUNT(*) FROM delivery WHERE target = 'centre' GROUP BY state")
        return dict(rows.fetchall())

    def logged(self, action: str) -> list[dict[str, Any]]:
        """Return the details of the log's entries of an action."""
        bodies = [json.loads(row[0]) for row in self.db.conn.execute("SELECT body FROM log_entry ORDER BY seq")]
        return [one["detail"] for one in bodies if one["action"] == action]

    def epoch(self) -> tuple[str, str]:
        """Return the present epoch and why it began."""
        row = self.db.conn.execute("SELECT name, reason FROM epoch ORDER BY begun_us DESC LIMIT 1").fetchone()
        return str(row[0]), str(row[1])

    def backup(self, to: Path) -> None:
        """Copy the database as a backup does."""
        self.db.conn.execute("VACUUM INTO ?", (str(to),))

    def restore(self, backup: Path) -> None:
        """Put yesterday's database in the place of today's, and start again."""
        self.close()
        for name in ("exambox.db", "exambox.db-wal", "exambox.db-shm"):
            (self.settings.database.parent / name).unlink(missing_ok=True)
        shutil.copy(backup, self.settings.database)
        self.open()


def held_items(server: HubServer, box: str) -> list[tuple[str, int]]:
    """Return what the hub holds of a box in the order it arrived: stream and the number in the body."""
    rows = server.db.conn.execute(
        "SELECT stream, json_extract(body, '$.n') FROM hub_item WHERE box = ? AND json_extract(body, '$.n') IS NOT NULL"
        " ORDER BY number",
        (box,),
    )
    return [(str(stream), int(n)) for stream, n in rows]
