"""Adding to the log."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import append, log_vault_checkpoints, open_log_head, show, verify
from appliance.auditlog.entry import chain_next, chain_start, commit
from appliance.database import write
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_entry_numbers_and_chain_follow_the_documented_formula(db: Database, clock: ManualClock) -> None:
    """Entries count from 1 and chain[n] = SHA-256(chain[n-1] || SHA-256(body))."""
    assert open_log_head(db) == (0, chain_start())
    assert [append(db, "box.started", clock=clock) for _ in range(3)] == [1, 2, 3]
    chain = chain_start()
    for body, stored in db.conn.execute("SELECT body, chain FROM log_entry ORDER BY seq"):
        chain = chain_next(chain, body)
        assert stored == chain
    assert open_log_head(db) == (3, chain)


def test_personal_values_stand_in_the_entry_only_as_salted_commitments(db: Database, clock: ManualClock) -> None:
    """No name, address or further personal value is in the body; each one's commitment is."""
    append(db, "camera.added", clock=clock, who="Ann Lee", where="10.1.2.3", personal={"candidate": "Eve Fox"})
    raw = db.conn.execute("SELECT body FROM log_entry").fetchone()[0]
    for value in (b"Ann", b"10.1.2.3", b"Eve"):
        assert value not in raw
    stated = json.loads(raw)["personal"]
    rows = {row[0]: row[1:] for row in db.conn.execute("SELECT field, salt, value FROM log_personal")}
    assert set(rows) == {"who", "where", "candidate"} == set(stated)
    for field, (salt, value) in rows.items():
        assert stated[field] == {"salted": commit(salt, value)}


def test_equal_values_have_different_commitments(db: Database, clock: ManualClock) -> None:
    """Nobody can tell from two entries' commitments whether the same person acted."""
    append(db, "box.started", clock=clock, who="ann")
    append(db, "box.started", clock=clock, who="ann")
    bodies = [json.loads(row[0]) for row in db.conn.execute("SELECT body FROM log_entry")]
    assert bodies[0]["personal"]["who"] != bodies[1]["personal"]["who"]


def test_an_entry_falls_with_the_transaction_it_joined(db: Database, clock: ManualClock) -> None:
    """An act that is rolled back leaves no entry."""

    class UndoneError(Exception):
        pass

    def act() -> None:
        with write(db):
            append(db, "camera.added", clock=clock)
            raise UndoneError

    with pytest.raises(UndoneError):
        act()
    assert open_log_head(db)[0] == 0
    assert append(db, "camera.added", clock=clock) == 1


@pytest.mark.parametrize(
    "action", ["", "camera", "Camera.added", "camera.added.twice", "camera.added\n", "x." + "y" * 99]
)
def test_a_malformed_action_is_refused_and_nothing_stored(db: Database, clock: ManualClock, action: str) -> None:
    """Actions are noun.verb words."""
    with pytest.raises(BadInputError):
        append(db, action, clock=clock)
    assert open_log_head(db)[0] == 0


@pytest.mark.parametrize("field", ["who", "where", "Upper", "", "a b"])
def test_a_personal_field_cannot_take_a_fixed_fields_place(db: Database, clock: ManualClock, field: str) -> None:
    """Further personal values have names of their own."""
    with pytest.raises(BadInputError):
        append(db, "camera.added", clock=clock, personal={field: "x"})


def test_floats_and_oversized_details_are_refused(db: Database, clock: ManualClock) -> None:
    """A body is canonical and bounded, or it is not written."""
    with pytest.raises(TypeError):
        append(db, "camera.added", clock=clock, detail={"a": [1, {"b": 0.5}]})
    with pytest.raises(BadInputError, match="larger"):
        append(db, "camera.added", clock=clock, detail={"a": "x" * 70_000})
    assert open_log_head(db)[0] == 0


def test_long_and_unencodable_values_are_stored_cut_and_still_verify(db: Database, clock: ManualClock) -> None:
    """What an attacker sends as a name (very long, lone surrogates) can neither break nor fill the log."""
    append(db, "account.sign_in_failed", clock=clock, who="\ud800" + "x" * 10_000)
    assert len(next(show(db)).who) == 500
    assert verify(db, None).ok


def test_the_database_refuses_to_change_or_remove_entries(filled: Database) -> None:
    """The log is append-only for every program that uses the database."""
    for statement in (
        "UPDATE log_entry SET chain = x'00' WHERE seq = 1",
        "DELETE FROM log_entry WHERE seq = 8",
        "UPDATE log_checkpoint SET seq = 1",
        "DELETE FROM log_checkpoint",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            filled.conn.execute(statement)
    assert verify(filled, None).ok


@dataclass(frozen=True)
class _Fact:
    part_id: bytes
    seq: int
    chain: bytes
    sha256: bytes


def test_vault_checkpoints_enter_as_one_entry_a_batch(db: Database, clock: ManualClock) -> None:
    """Up to 100 checkpoints share an entry, which holds part, record, chain and hash as hex."""
    facts = [_Fact(bytes([n % 256] * 16), n, b"\x01" * 32, b"\x02" * 32) for n in range(101)]
    assert log_vault_checkpoints(db, facts, clock) == [1, 2]
    assert log_vault_checkpoints(db, [], clock) == []
    first, second = show(db, action="vault.checkpoint")
    assert len(first.detail["checkpoints"]) == 100
    assert second.detail["checkpoints"] == [
        {"part_id": "64" * 16, "seq": 100, "chain": "01" * 32, "sha256": "02" * 32},
    ]


_WRITER = """
import sys
from pathlib import Path
from appliance.auditlog import append
from appliance.clock import SystemClock
from appliance.database import open_box_database
db = open_box_database(Path(sys.argv[1]))
for _ in range(40):
    append(db, "box.started", clock=SystemClock(), who=sys.argv[2])
"""


def test_several_processes_append_without_hole_or_broken_chain(settings: Settings, db: Database) -> None:
    """Four processes that write at once, each 40 entries, leave 160 in one unbroken chain."""
    running = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(settings.database), f"writer {n}"]) for n in range(4)
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0, 0]
    report = verify(db, None)
    assert (report.ok, report.entries) == (True, 160)
    assert sum(1 for _ in show(db, who="writer 3")) == 40
