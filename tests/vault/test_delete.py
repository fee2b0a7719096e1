"""Deleting parts, also when the power goes at any moment of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from appliance.auditlog import show, verify
from appliance.clock import ManualClock
from appliance.database import open_box_database
from appliance.errors import ConflictError, IntegrityError, NotFoundError, VaultError
from appliance.vault import delete
from appliance.vault.delete import begin_deletion, delete_part, destroy_keys, finish_deletion, finish_deletions
from appliance.vault.holds import place_hold
from appliance.vault.part_rows import deleted_parts, get_part, part_path
from appliance.vault.retention import HOUR_US
from appliance.vault.verify import verify_recording
from tests.vault.part_material import NOW_US, WRAPPED, checkpoint_hash, make_file, row, store
from tests.vault.recorded import Recorder, clock_at, file_keys, movie

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.vault.retention import PartRow


@pytest.fixture
def vault(settings: Settings) -> Path:
    """The vault's folder."""
    settings.vault_dir.mkdir(parents=True)
    return settings.vault_dir


def _delete(db: Database, vault: Path, part: PartRow, clock: ManualClock) -> int:
    return delete_part(db, vault, part.part_id, default_hours=72, clock=clock)


def test_a_deleted_part_leaves_a_certificate_and_nothing_else(db: Database, vault: Path, clock: ManualClock) -> None:
    """The file and its empty folders are gone; the log says what it was, by which rule it went, and its last hash."""
    part = store(db, row())
    make_file(vault, part)
    number = _delete(db, vault, part, clock)
    assert list(vault.iterdir()) == []
    assert get_part(db, part.part_id).state == "deleted"
    (line,) = show(db, action="vault.part_deleted")
    assert line.seq == number
    assert line.detail == {
        "part_id": part.part_id,
        "sitting": "exam",
        "camera": "front",
        "part": 1,
        "started_us": part.started_us,
        "ended_us": part.ended_us,
        "bytes": 1000,
        "chain": "ab" * 32,
        "checkpoint_sha256": checkpoint_hash(part),
        "rule": "retention of 72 h after the sitting's end",
        "file": "whole",
        "keys_destroyed": True,
    }
    (gone,) = deleted_parts(db)
    assert (gone.part_id, gone.number, gone.chain, gone.certificate) == (part.part_id, 1, "ab" * 32, number)
    assert gone.deleted_us == clock.wall_us()


def test_a_neighbour_stays_untouched(db: Database, vault: Path, clock: ManualClock) -> None:
    """The folder and the parts beside it remain, byte for byte."""
    part, other = store(db, row(1)), store(db, row(2))
    make_file(vault, part)
    beside = make_file(vault, other)
    before = beside.read_bytes()
    _delete(db, vault, part, clock)
    assert beside.read_bytes() == before
    assert not part_path(vault, part).exists()


def test_destroyed_keys_are_overwritten_in_the_file(vault: Path) -> None:
    """No byte of a wrapped key is left in the file or beside it, and the rest of it is still whole."""
    path = make_file(vault, row())
    assert path.read_bytes().count(WRAPPED[:32]) >= 2
    assert destroy_keys(path)
    assert not any(WRAPPED[:32] in file.read_bytes() for file in path.parent.iterdir())
    conn = sqlite3.connect(path)
    assert conn.execute("SELECT count(*) FROM recipient").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM manifest").fetchone() == (1,)
    assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    conn.close()
    assert destroy_keys(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "open", "ended_us": None},
        {"ended_us": NOW_US - 72 * HOUR_US + 1},
        {"state": "deleted"},
    ],
)
def test_what_may_not_go_is_refused_and_untouched(
    db: Database, vault: Path, clock: ManualClock, changes: dict[str, Any]
) -> None:
    """Open, young and deleted parts: a conflict, no change of state, the file as it was."""
    part = store(db, row(1, **changes))
    path = make_file(vault, part)
    before = path.read_bytes()
    with pytest.raises(ConflictError):
        _delete(db, vault, part, clock)
    assert path.read_bytes() == before
    assert get_part(db, part.part_id) == part
    assert list(show(db)) == []


def test_a_hold_placed_after_the_decision_was_prepared_still_wins(
    db: Database, vault: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look at holds is taken under the same lock that starts the deletion."""
    part = store(db, row())
    path = make_file(vault, part)
    original = delete.read_facts

    def placed_meanwhile(file: Path, part_id: str) -> delete.FileFacts:
        place_hold(db, "exam", None, reason="court order", clock=clock, who="ann")
        return original(file, part_id)

    monkeypatch.setattr(delete, "read_facts", placed_meanwhile)
    with pytest.raises(ConflictError):
        _delete(db, vault, part, clock)
    assert WRAPPED[:32] in path.read_bytes()


def test_another_part_at_its_place_is_not_touched(db: Database, vault: Path, clock: ManualClock) -> None:
    """A file that somebody put there is evidence, not rubbish."""
    part = store(db, row())
    path = make_file(vault, row(1, bytes=5))
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match="another part"):
        _delete(db, vault, part, clock)
    assert path.read_bytes() == before
    assert get_part(db, part.part_id).state == "closed"


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, None])
def test_damaged_and_missing_files_go_with_an_honest_certificate(
    db: Database, vault: Path, clock: ManualClock, content: bytes | None
) -> None:
    """Retention also ends for a part nobody can read; the certificate says what was found."""
    part = store(db, row())
    path = part_path(vault, part)
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    _delete(db, vault, part, clock)
    assert not path.exists()
    (line,) = show(db, action="vault.part_deleted")
    assert line.detail["file"] == ("missing" if content is None else "damaged")
    assert (line.detail["keys_destroyed"], line.detail["chain"]) == (False, None)


def test_what_sqlite_left_beside_the_file_goes_with_it(db: Database, vault: Path, clock: ManualClock) -> None:
    """A journal may hold copies of pages; it does not outlive its part."""
    part = store(db, row())
    path = make_file(vault, part)
    path.with_name(path.name + "-journal").write_bytes(bytes(512))
    _delete(db, vault, part, clock)
    assert not path.parent.exists()


def test_a_disk_that_refuses_leaves_the_deletion_to_be_finished(
    db: Database, vault: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part stays "deleting", the failure is told plainly, and the next run completes it."""
    part = store(db, row())
    path = make_file(vault, part)

    def refuse(_path: Path, _vault: Path) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(delete, "unlink_part", refuse)
        with pytest.raises(VaultError, match="Read-only"):
            _delete(db, vault, part, clock)
        assert finish_deletions(db, vault, clock=clock)[0] == []
    assert get_part(db, part.part_id).state == "deleting"
    done, failed = finish_deletions(db, vault, clock=clock)
    assert (len(done), failed) == (1, [])
    assert not path.exists()


def test_a_part_that_is_being_read_waits(
    db: Database, vault: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that holds the file is not pulled away from it; the deletion is finished later."""
    monkeypatch.setattr(delete, "_BUSY_SECONDS", 0.01)
    part = store(db, row())
    path = make_file(vault, part)
    reader = sqlite3.connect(path)
    cursor = reader.execute("SELECT wrapped FROM recipient")
    cursor.fetchone()
    with pytest.raises(VaultError, match="locked"):
        _delete(db, vault, part, clock)
    assert path.exists()
    cursor.close()
    reader.close()
    finish_deletion(db, vault, part.part_id, clock=clock)
    assert not path.exists()


def test_unknown_and_finished_parts_have_plain_errors(db: Database, vault: Path, clock: ManualClock) -> None:
    """A wrong id is not found; a deletion that was never begun is not finished."""
    with pytest.raises(NotFoundError):
        finish_deletion(db, vault, "00" * 16, clock=clock)
    part = store(db, row())
    with pytest.raises(ConflictError):
        finish_deletion(db, vault, part.part_id, clock=clock)
    begin_deletion(db, vault, part.part_id, default_hours=72, clock=clock)
    with pytest.raises(ConflictError):
        begin_deletion(db, vault, part.part_id, default_hours=72, clock=clock)


def _delete_and_die(settings: Settings, part: PartRow, at: int) -> int:
    """Delete in a child process that is killed at its n-th step; return how it ended.

    A step is an SQL statement on any database, an opened file, or a removed name.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        _arm(at)
        db = open_box_database(settings.database)
        _delete(db, settings.vault_dir, part, ManualClock())
        code = 0
    except Exception:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _arm(at: int) -> None:
    steps = itertools.count(1)

    def step(*_about: object) -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = original(*arguments, **options)
        connection.set_trace_callback(step)
        return connection

    original, sqlite3.connect = sqlite3.connect, connect
    sys.addaudithook(lambda event, _: step() if event in {"os.remove", "os.rmdir", "open"} else None)


def test_killed_at_any_step_the_deletion_is_completed(settings: Settings, clock: ManualClock) -> None:
    """Kill -9 between any two steps: never a file gone without its keys destroyed, always one certificate at last."""
    settings.vault_dir.mkdir(parents=True)
    open_box_database(settings.database).conn.close()
    for at in itertools.count(1):
        part = row(at, sitting=f"s{at}")
        db = open_box_database(settings.database)
        store(db, part)
        path = make_file(settings.vault_dir, part)
        db.conn.close()
        ended = _delete_and_die(settings, part, at)
        assert ended in {0, -signal.SIGKILL}

        db = open_box_database(settings.database)
        state = get_part(db, part.part_id).state
        assert path.exists() or state in {"deleting", "deleted"}
        assert state != "closed" or WRAPPED[:32] in path.read_bytes()
        if state == "closed":
            _delete(db, settings.vault_dir, part, clock)
        else:
            finish_deletions(db, settings.vault_dir, clock=clock)
        certificates = [
            line for line in show(db, action="vault.part_deleted") if line.detail["part_id"] == part.part_id
        ]
        assert len(certificates) == 1
        assert certificates[0].detail["keys_destroyed"]
        assert certificates[0].detail["checkpoint_sha256"] == checkpoint_hash(part)
        assert not path.exists()
        assert get_part(db, part.part_id).state == "deleted"
        assert verify(db, None).ok
        db.conn.close()
        if ended == 0:
            break
    assert at > 30, "the child was killed at every one of its steps"


def test_the_certificate_survives_as_written(db: Database, vault: Path, clock: ManualClock) -> None:
    """A certificate is an entry like any other: under the chain, nothing personal in it but who applied the rule."""
    part = store(db, row())
    make_file(vault, part)
    delete_part(db, vault, part.part_id, default_hours=72, clock=clock, who="ann")
    body = json.loads(db.conn.execute("SELECT body FROM log_entry").fetchone()[0])
    assert set(body["personal"]) == {"who"}
    assert verify(db, None).ok


def test_a_real_recording_verifies_before_and_after_its_first_part_is_deleted(
    db: Database, vault: Path, clock: ManualClock
) -> None:
    """Sealed by the part writer: the hole its deletion leaves is explained by the certificate, and by nothing else."""
    recorder = Recorder(vault, clock_at())
    parts = [recorder.part(movie(1)) for _ in range(2)]
    hour_ago = NOW_US - 100 * HOUR_US
    rows = [
        store(db, row(number, part_id=part.part_id.hex(), started_us=hour_ago - 1000 + number, ended_us=hour_ago))
        for number, part in enumerate(parts, start=1)
    ]
    sealed = part_path(vault, rows[0])
    wrapped = sqlite3.connect(sealed).execute("SELECT wrapped FROM recipient").fetchone()[0]
    assert wrapped in sealed.read_bytes()
    assert verify_recording(vault, "exam", "front", "full", keys=file_keys()).ok
    assert destroy_keys(sealed)
    assert wrapped not in sealed.read_bytes()
    assert verify_recording(vault, "exam", "front", "chain").ok, "without keys it still verifies, and is never read"
    assert not verify_recording(vault, "exam", "front", "full", keys=file_keys()).ok
    _delete(db, vault, rows[0], clock)
    assert not verify_recording(vault, "exam", "front", "chain").ok
    assert verify_recording(vault, "exam", "front", "chain", deleted=deleted_parts(db)).ok
