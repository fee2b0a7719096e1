"""A day without network: 2,000 sessions and 20,000 warnings, then it comes back."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from appliance.clock import ManualClock, SystemClock
from appliance.database import write
from appliance.outbox import put, status
from tests.faults import tally
from tests.support.lms_receiver import LmsReceiver
from tests.support.waiting import until
from tests.sync.delivering import make_world
from tests.sync.process import syncing

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exchange.json_edge import JsonObject

SESSIONS = 2_000
WARNINGS = 20_000
DAY_S = 24 * 3600
BATCHES = 40
LONGEST_S = 600.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]


def test_a_day_without_network_arrives_once_and_in_order(settings: Settings) -> None:
    """All that waited a day arrives once the LMS answers: each once, in order per session, in minutes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    real = SystemClock()
    world = make_world(settings, f"http://127.0.0.1:{port}", real)
    day = ManualClock(wall_us=real.wall_us() - DAY_S * 1_000_000)
    with syncing(settings) as process:
        _replay(world.db, world.target, day)
        # The LMS is not there: it is tried, but not by each of two thousand sessions.
        until(lambda: status(world.db).targets[0].silent_since_us, 60, "the first attempts")
        vain = int(world.db.conn.execute("SELECT COUNT(*) FROM delivery_attempt").fetchone()[0])
        assert 0 < vain < SESSIONS / 10
        stands = status(world.db).targets[0]
        assert (stands.backlog, stands.last_error) == (WARNINGS, "refused")
        with LmsReceiver(port=port) as lms:
            began = time.monotonic()
            until(lambda: lms.accepted, 90, "the first arrival: a silent LMS is tried each minute")
            found_s, counting = time.monotonic() - began, time.monotonic()
            until(lambda: len(lms.accepted) >= WARNINGS, LONGEST_S, "the last arrival")
            took_s = time.monotonic() - counting
            until(lambda: status(world.db).backlog == 0, 30, "the last commit")
            assert process.stop() == 0
    assert len(lms.arrived) == WARNINGS, "each arrives once: nothing failed after the LMS was back"
    assert not lms.repeated()
    order: dict[str, list[int]] = {}
    for one in lms.accepted:
        order.setdefault(one.value["sessionId"], []).append(one.value["n"])
    assert len(order) == SESSIONS
    assert all(numbers == list(range(WARNINGS // SESSIONS)) for numbers in order.values())
    tally.count(
        tally.Line(
            what=f"a day offline, {WARNINGS / took_s:.0f} a second after",
            faults={"attempts in vain": vain},
            acknowledged=WARNINGS,
            worst_resume=found_s,
        )
    )
    world.db.conn.close()


def _replay(db: Database, target: str, day: ManualClock) -> None:
    """Put the day's warnings as they happen: sessions in turn, spread over a day."""
    each = WARNINGS // BATCHES
    for batch in range(BATCHES):
        with write(db):
            for number in range(batch * each, (batch + 1) * each):
                body: JsonObject = {
                    "sessionId": f"s{number % SESSIONS}",
                    "n": number // SESSIONS,
                    "type": "WARNING_AVERT_EYES",
                }
                put(db, target=target, stream=f"s{number % SESSIONS}", kind="warning", body=body, clock=day)
        day.advance(DAY_S / BATCHES)
