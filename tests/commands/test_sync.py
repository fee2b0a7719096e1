"""`exambox sync`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from appliance.auditlog import show
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.outbox import get_delivery
from appliance.outbox.settling import Tried, settle
from tests.commands.box import run
from tests.sync.delivering import make_world

if TYPE_CHECKING:
    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_status_says_what_waits_and_why(settings: Settings, clock: ManualClock) -> None:
    """By the integration's name: backlog, age, next try, last success, why, and what is parked."""
    world = make_world(settings, "http://127.0.0.1:9", clock)
    assert run(settings, "sync", "status").stdout == "Nothing was to be delivered yet.\n"
    for stream in ("a", "b", "b"):
        world.put(stream, 0)
    refused = Tried(2, 0, 0, 422, reason="status: 422")
    for _ in range(5):
        settle(world.db, [refused], clock=clock, roll=lambda: 0.0)
    settle(world.db, [Tried(1, 0, 0, None, reason="refused")], silent=[world.target], clock=clock, roll=lambda: 0.0)
    said = run(settings, "sync", "status")
    assert "does not run: nothing is delivered" in said.stderr
    assert said.stdout.startswith("moodle\n  last success: none yet\n  waiting: 3, the oldest for ")
    assert "; parked: 1, behind them: 1\n" in said.stdout
    assert "  why: nothing listens at its address\n" in said.stdout
    assert "  parked 2: warning of b to moodle, of " in said.stdout
    told = json.loads(run(settings, "sync", "status", "--json").stdout)
    assert told["running"] is False
    assert [(one["name"], one["backlog"], one["parked"]) for one in told["targets"]] == [("moodle", 3, 1)]
    assert [one["id"] for one in told["parked"]] == [2]
    assert "text" not in told["parked"][0]


def test_now_retry_and_discard(settings: Settings, clock: ManualClock) -> None:
    """At the command line a person does what the page offers, logged under their name."""
    world = make_world(settings, "http://127.0.0.1:9", clock)
    assert run(settings, "sync", "now").stdout == "Nothing waits.\n"
    world.put("a", 0)
    world.put("b", 0)
    settle(world.db, [Tried(1, 0, 0, 500, reason="status: 500")], clock=clock, roll=lambda: 0.0)
    assert get_delivery(world.db, 1).next_try_us > 0
    assert run(settings, "sync", "now", "moodle").stdout == "2 to be tried now.\n"
    assert get_delivery(world.db, 1).next_try_us == 0
    assert isinstance(run(settings, "sync", "now", "none").exception, NotFoundError)
    for _ in range(5):
        settle(world.db, [Tried(2, 0, 0, 400)], clock=clock, roll=lambda: 0.0)
    assert run(settings, "sync", "retry", "2", SUDO_USER="ann").exit_code == 0
    assert get_delivery(world.db, 2).state == "waiting"
    assert run(settings, "sync", "retry", "1").exit_code == 0
    assert run(settings, "sync", "discard", "1", "--reason", "a trial", SUDO_USER="ann").exit_code == 0
    assert isinstance(run(settings, "sync", "discard", "1", "--reason", "again").exception, ConflictError)
    assert isinstance(run(settings, "sync", "discard", "2", "--reason", " ").exception, BadInputError)
    acts = [line for line in show(world.db, action="delivery") if line.who.startswith("ann")]
    assert [line.action for line in acts] == ["delivery.unparked", "delivery.discarded"]
