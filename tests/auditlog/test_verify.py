"""Verifying the log: whatever somebody with the database in his hands does to it is found."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from appliance.auditlog import append, checkpoint, open_log_head, verify
from appliance.auditlog.entry import chain_next, chain_start
from appliance.auditlog.verify import GUARDS
from appliance.clock import ManualClock
from appliance.database import migrate, open_box_database
from tests.auditlog.conftest import Key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _codes(db: Database, key: Key, **more: tuple[int, bytes]) -> set[str]:
    return {finding.code for finding in verify(db, key.public, **more).findings}


def _drop_guards(db: Database) -> list[str]:
    """Do as somebody who has the file: take the triggers away; return how to put them back."""
    made = [
        row[0]
        for row in db.conn.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'log_%'")
    ]
    for name in GUARDS:
        db.conn.execute(f"DROP TRIGGER {name}")
    db.conn.execute("PRAGMA foreign_keys=OFF")
    return made


def _tamper(db: Database, *statements: str) -> None:
    """Change the log behind the triggers' back, leaving them as they were."""
    guards = _drop_guards(db)
    for statement in [*statements, *guards]:
        db.conn.execute(statement)
    db.conn.commit()


def _rechain(db: Database) -> None:
    """Recompute every chain value, as a forger would who knows the format."""
    guards = _drop_guards(db)
    chain = chain_start()
    for seq, body in db.conn.execute("SELECT seq, body FROM log_entry ORDER BY seq").fetchall():
        chain = chain_next(chain, body)
        db.conn.execute("UPDATE log_entry SET chain = ? WHERE seq = ?", (chain, seq))
    for guard in guards:
        db.conn.execute(guard)
    db.conn.commit()


def test_an_untouched_log_verifies(filled: Database, key: Key) -> None:
    """The report counts entries and checkpoints and says how far signatures reach."""
    report = verify(filled, key.public, witness=open_log_head(filled))
    assert report.ok
    assert (report.entries, report.checkpoints, report.covered, report.erased) == (8, 2, 6, 0)
    assert (report.entries, report.head) == open_log_head(filled)


def test_an_empty_log_verifies(db: Database, key: Key) -> None:
    """A new box has nothing to be found."""
    assert verify(db, key.public).ok


def test_without_a_key_the_report_says_that_signatures_were_not_checked(filled: Database) -> None:
    """Nobody mistakes an unsigned check for a signed one."""
    report = verify(filled, None)
    assert report.ok
    assert not report.signatures_checked


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE log_entry SET body = replace(body, 'c3', 'c9') WHERE seq = 4", "entry.chain"),
        ("UPDATE log_entry SET chain = zeroblob(32) WHERE seq = 7", "entry.chain"),
        ("DELETE FROM log_entry WHERE seq = 4", "entry.missing"),
        ("DELETE FROM log_entry WHERE seq = 1", "entry.missing"),
        ("DELETE FROM log_entry WHERE seq >= 6", "log.cut"),
        ("UPDATE log_personal SET value = 'mallory' WHERE seq = 2 AND field = 'who'", "personal.changed"),
        ("UPDATE log_personal SET salt = zeroblob(16) WHERE seq = 2 AND field = 'who'", "personal.changed"),
        ("DELETE FROM log_personal WHERE seq = 2 AND field = 'who'", "personal.removed"),
        ("INSERT INTO log_personal VALUES (3, 'seat', x'00', '12')", "personal.changed"),
        ("INSERT INTO log_personal VALUES (99, 'who', x'00', 'x')", "personal.orphan"),
        ("UPDATE log_checkpoint SET signature = zeroblob(64) WHERE id = 1", "checkpoint.signature"),
        ("UPDATE log_checkpoint SET body = replace(body, '\"seq\":3', '\"seq\":2') WHERE id = 1", "checkpoint.seq"),
        ("UPDATE log_checkpoint SET seq = 5 WHERE id = 2", "checkpoint.seq"),
        ("UPDATE log_checkpoint SET seq = 2 WHERE id = 2", "checkpoint.order"),
        ("UPDATE log_checkpoint SET body = x'7b7d' WHERE id = 2", "checkpoint.malformed"),
        ("DELETE FROM log_checkpoint WHERE id = 1", "checkpoint.missing"),
        ("UPDATE log_entry SET body = x'ff' WHERE seq = 8", "entry.malformed"),
    ],
)
def test_each_kind_of_tampering_has_its_finding(filled: Database, key: Key, statement: str, code: str) -> None:
    """A change behind the triggers' back is named for what it is, and not mistaken for missing triggers."""
    _tamper(
        filled,
        statement.replace("replace(body", "CAST(replace(CAST(body AS TEXT)").replace("') WHERE", "') AS BLOB) WHERE"),
    )
    codes = _codes(filled, key)
    assert code in codes
    assert "log.unguarded" not in codes


def test_removed_triggers_are_found(filled: Database, key: Key) -> None:
    """A log that anybody may rewrite is not silently accepted."""
    _drop_guards(filled)
    report = verify(filled, key.public)
    assert [finding.code for finding in report.findings] == ["log.unguarded"] * 4


def test_a_rewritten_entry_with_a_recomputed_chain_is_found_by_the_signature(filled: Database, key: Key) -> None:
    """Who rewrites history needs the device key."""
    _tamper(
        filled,
        "UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '\"c3\"', '\"c9\"') AS BLOB) WHERE seq = 4",
    )
    _rechain(filled)
    assert _codes(filled, key) == {"checkpoint.chain"}


def test_two_swapped_entries_are_found(filled: Database, key: Key) -> None:
    """The order of what happened cannot be changed, even with a recomputed chain."""
    first, second = (
        filled.conn.execute("SELECT body FROM log_entry WHERE seq = ?", (n,)).fetchone()[0] for n in (7, 8)
    )
    guards = _drop_guards(filled)
    filled.conn.execute("UPDATE log_entry SET body = ? WHERE seq = 7", (second,))
    filled.conn.execute("UPDATE log_entry SET body = ? WHERE seq = 8", (first,))
    for guard in guards:
        filled.conn.execute(guard)
    filled.conn.commit()
    _rechain(filled)
    assert "entry.seq" in _codes(filled, key)


def test_a_tail_cut_off_after_the_last_checkpoint_is_found_by_a_witness(filled: Database, key: Key) -> None:
    """The box alone cannot see it; the head somebody else kept shows it."""
    head = open_log_head(filled)
    _tamper(filled, "DELETE FROM log_personal WHERE seq = 8", "DELETE FROM log_entry WHERE seq = 8")
    assert _codes(filled, key) == set()
    assert _codes(filled, key, witness=head) == {"log.cut"}


def test_a_tail_rewritten_after_the_last_checkpoint_is_found_by_a_witness(filled: Database, key: Key) -> None:
    """The witness has seen other words."""
    head = open_log_head(filled)
    _tamper(
        filled,
        "UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '\"c7\"', '\"c1\"') AS BLOB) WHERE seq = 8",
    )
    _rechain(filled)
    assert _codes(filled, key) == set()
    assert _codes(filled, key, witness=head) == {"witness.chain"}


def test_another_boxes_key_does_not_pass(filled: Database) -> None:
    """Checkpoints must be signed by the key the verifier expects."""
    assert _codes(filled, Key()) == {"checkpoint.signature"}


@dataclass(frozen=True)
class Image:
    """A database's bytes, not printed when a test fails."""

    raw: bytes = field(repr=False)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, key: Key) -> Iterator[Image]:
    """The bytes of a database with twelve entries, all under a checkpoint."""
    path: Path = tmp_path_factory.mktemp("log") / "exambox.db"
    db, clock = open_box_database(path), ManualClock()
    for number in range(12):
        append(db, "hold.placed", clock=clock, who=f"person {number}", detail={"n": number})
    checkpoint(db, key, clock=clock)
    db.conn.execute("PRAGMA journal_mode=DELETE")  # a copy in memory cannot have a write-ahead log
    yield Image(db.conn.serialize())
    db.conn.close()


def _copy(image: Image) -> Database:
    conn = sqlite3.connect(":memory:")
    conn.deserialize(image.raw)
    return Database(conn)


_COLUMNS = {
    "body": ("SELECT body FROM log_entry WHERE seq = ?", "UPDATE log_entry SET body = ? WHERE seq = ?"),
    "chain": ("SELECT chain FROM log_entry WHERE seq = ?", "UPDATE log_entry SET chain = ? WHERE seq = ?"),
}


@given(seq=st.integers(1, 12), column=st.sampled_from(sorted(_COLUMNS)), data=st.data())
def test_any_flipped_bit_of_any_entry_is_found(
    many: Image, key: Key, seq: int, column: str, data: st.DataObject
) -> None:
    """One bit anywhere in a body or chain value, with or without a recomputed chain."""
    db = _copy(many)
    read, change = _COLUMNS[column]
    raw = bytearray(db.conn.execute(read, (seq,)).fetchone()[0])
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << (place % 8)
    guards = _drop_guards(db)
    db.conn.execute(change, (bytes(raw), seq))
    for guard in guards:
        db.conn.execute(guard)
    assert not verify(db, key.public).ok
    if column == "body":
        _rechain(db)
        assert not verify(db, key.public).ok


@given(order=st.permutations(range(1, 13)), keep=st.integers(0, 12))
def test_any_removal_or_reordering_is_found(many: Image, key: Key, order: list[int], keep: int) -> None:
    """Entries put in another order, or some of them left out, renumbered and with a recomputed chain."""
    chosen = order[:keep]
    db = _copy(many)
    bodies = dict(db.conn.execute("SELECT seq, body FROM log_entry").fetchall())
    guards = _drop_guards(db)
    db.conn.execute("DELETE FROM log_entry")
    db.conn.executemany(
        "INSERT INTO log_entry VALUES (?, ?, x'')", [(n, bodies[old]) for n, old in enumerate(chosen, 1)]
    )
    for guard in guards:
        db.conn.execute(guard)
    _rechain(db)
    assert verify(db, key.public).ok == (chosen == list(range(1, 13)))


def test_the_copied_database_is_the_real_one(many: Image, key: Key) -> None:
    """The two tests above begin with a log that verifies."""
    db = _copy(many)
    migrate(db)
    report = verify(db, key.public)
    assert (report.ok, report.entries, report.covered) == (True, 12, 12)
