"""The sync process itself beside a real hub: killed at any moment it loses and doubles nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.centre.enrolling import enrol
from appliance.centre.measuring import read_state, state_path
from appliance.centre.witness import read_witness, witness_path
from appliance.clock import SystemClock
from appliance.database import open_box_database, write
from appliance.outbox import CENTRE, put, waiting
from appliance.sittings.exams import list_exams
from appliance.vault.keys import init_keys, load_box_id
from tests.support.hub_server import serving_hub
from tests.support.waiting import until
from tests.sync.process import SyncProcess

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings


EACH = 700


def cause(db: Database, first: int, count: int) -> None:
    """Cause items of three streams."""
    with write(db):
        for n in range(first, first + count):
            put(db, target=CENTRE, stream=f"s{n % 3}", kind="incident", body={"n": n}, clock=SystemClock())


def test_killed_and_started_again_everything_arrives_once_and_in_order(settings: Settings, tmp_path: Path) -> None:
    """Items caused before, between and after two kills arrive once, in order of their streams; an exam comes along."""
    clock = SystemClock()
    init_keys(settings, passphrase=None, clock=clock)
    with serving_hub(tmp_path / "there", clock) as server:
        db = open_box_database(settings.database)
        enrol(db, settings, server.code(), address=server.address, clock=clock, who="ann")
        box = load_box_id(settings.keys_dir)
        lms, _ = server.lms()
        server.give("exam", server.exam(lms, "law"), box)
        for round_ in range(2):
            cause(db, round_ * EACH, EACH)
            server.asked.clear()
            process = SyncProcess(settings)
            try:
                until(lambda: server.asked, 30, "the first call")
            finally:
                process.kill()
        cause(db, 2 * EACH, EACH)
        process = SyncProcess(settings)
        try:
            until(lambda: not waiting(db, CENTRE), 60, "all items")
            until(lambda: list_exams(db, now_us=0), 30, "the exam")
            until(lambda: read_state(state_path(settings)).reported_us, 30, "a report")
        finally:
            assert process.stop() == 0
        rows = server.db.conn.execute(
            "SELECT stream, json_extract(body, '$.n') FROM hub_item WHERE kind = 'incident' ORDER BY number"
        ).fetchall()
        for stream in ("s0", "s1", "s2"):
            numbers = [n for of, n in rows if of == stream]
            assert numbers == sorted(set(numbers))
        assert len(rows) == 3 * EACH
        assert [row[0] for row in db.conn.execute("SELECT reason FROM epoch")] == ["first"]
        witness = read_witness(witness_path(settings.state_dir))
        assert witness is not None
        assert witness.seq >= 3 * EACH
        db.conn.close()
