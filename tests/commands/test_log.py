"""`exambox log`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import append, checkpoint, open_log_head
from appliance.clock import format_utc
from appliance.errors import BadInputError, IntegrityError
from appliance.vault.keys import init_keys, load_device_key
from tests.commands.box import run

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def logged(settings: Settings, db: Database, clock: ManualClock) -> Database:
    """A box with keys and three entries, the first two under a checkpoint."""
    init_keys(settings, passphrase=None, clock=clock)
    append(db, "camera.added", clock=clock, who="ann", where="10.0.0.1", detail={"camera": "front"})
    append(db, "hold.placed", clock=clock, who="bob", personal={"reason": "appeal"})
    checkpoint(db, load_device_key(settings.keys_dir), clock=clock)
    clock.advance(60)
    append(db, "camera.removed", clock=clock, who="ann\x1b[2J", detail={"camera": "front"})
    return db


def _first_own(db: Database) -> int:
    return int(
        db.conn.execute("SELECT min(seq) FROM log_entry WHERE CAST(body AS TEXT) LIKE '%camera.added%'").fetchone()[0]
    )


def test_show_tells_who_did_what_when_and_from_where(settings: Settings, logged: Database) -> None:
    """One line an entry, in plain words."""
    result = run(settings, "log", "show")
    assert result.exit_code == 0
    lines = [line.split("  ", 1)[1] for line in result.output.splitlines()[-3:]]
    assert lines[0].endswith("ann from 10.0.0.1: a camera was added (camera=front)")
    assert lines[1].endswith("bob: a legal hold was placed (reason=appeal)")


def test_names_from_outside_cannot_steer_the_terminal(settings: Settings, logged: Database) -> None:
    """Control characters are shown as replacement characters."""
    output = run(settings, "log", "show").output
    assert "\x1b" not in output
    assert "ann\N{REPLACEMENT CHARACTER}[2J" in output


def test_show_narrows_and_speaks_json(settings: Settings, logged: Database, clock: ManualClock) -> None:
    """Time, action and person narrow; JSON has every field."""
    result = run(settings, "log", "show", "--json", "--who", "bob")
    line = json.loads(result.output)
    assert (line["action"], line["personal"], line["at_us"]) == (
        "hold.placed",
        {"reason": "appeal"},
        clock.wall_us() - 60_000_000,
    )
    since = format_utc(clock.wall_us())
    assert len(run(settings, "log", "show", "--since", since).output.splitlines()) == 1
    assert len(run(settings, "log", "show", "--action", "camera").output.splitlines()) == 2
    assert len(run(settings, "log", "show", "--limit", "2").output.splitlines()) == 2
    problem = run(settings, "log", "show", "--since", "yesterday").exception
    assert isinstance(problem, BadInputError)


def test_verify_says_how_far_signatures_reach(settings: Settings, logged: Database) -> None:
    """A whole log exits 0 and prints its head."""
    result = run(settings, "log", "verify")
    assert result.exit_code == 0
    seq, chain = open_log_head(logged)
    assert f"verified: {seq} entries" in result.output
    assert f"signed up to entry {seq - 1}" in result.output
    assert f"Head: {seq}:{chain.hex()}" in result.output


def test_verify_finds_a_forged_value(settings: Settings, logged: Database) -> None:
    """A finding each on a line, in words and as JSON, and exit code 1."""
    first = _first_own(logged)
    logged.conn.execute("UPDATE log_personal SET value = 'eve' WHERE seq = ? AND field = 'who'", (first,))
    logged.conn.commit()
    result = run(settings, "log", "verify")
    assert isinstance(result.exception, IntegrityError)
    assert "personal.changed: " in result.output
    assert "NOT verified" in result.output
    report = json.loads(run(settings, "log", "verify", "--json").output)
    assert (report["ok"], [one["seq"] for one in report["findings"]]) == (False, [first])


def test_a_witness_is_compared(settings: Settings, logged: Database) -> None:
    """The head printed earlier fits later; another does not; nonsense is refused."""
    head = run(settings, "log", "head").output.strip()
    assert run(settings, "log", "verify", "--witness", head).exit_code == 0
    seq = head.partition(":")[0]
    wrong = run(settings, "log", "verify", "--witness", f"{seq}:{'00' * 32}")
    assert isinstance(wrong.exception, IntegrityError)
    assert "witness.chain" in wrong.output
    assert isinstance(run(settings, "log", "verify", "--witness", "12").exception, BadInputError)
