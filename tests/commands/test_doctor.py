"""`exambox doctor`."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from appliance.auditlog import append
from appliance.clock import ManualClock, SystemClock
from appliance.config import BoxSettings, Settings, WebSettings
from appliance.database import write
from appliance.diagnosis import box, keys, processes
from appliance.diagnosis.result import Check, Examined
from appliance.diagnosis.result import run as run_check
from appliance.ipc import framing
from appliance.ipc.beat import write_beat
from appliance.vault.disk import DiskSpace
from appliance.vault.keys import init_keys
from appliance.vault.part_rows import part_path
from appliance.vault.retention import HOUR_US
from tests.commands.box import run
from tests.vault.part_material import NOW_US, make_file, row, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database


KEYRING = {"ok": True, "unlocks_itself": True, "protected": False, "idle_lock_us": None, "key_ids": ["0" * 16]}


@pytest.fixture
def examined(settings: Settings, db: Database, clock: ManualClock) -> Examined:
    """A box with keys, a database and its folders."""
    init_keys(settings, passphrase=None, clock=clock)
    settings.vault_dir.mkdir()
    settings.run_dir.mkdir()
    return Examined(settings, clock)


def _one(found: list[Check]) -> Check:
    assert len(found) == 1
    return found[0]


@contextmanager
def _answering(path: Path, answer: dict[str, Any]) -> Iterator[None]:
    """A process that gives one answer to whoever asks."""
    server = framing.listen(path)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                framing.receive_json(connection)
                framing.send_json(connection, answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_a_new_box_is_told_what_to_do_and_exits_1(settings: Settings) -> None:
    """Nothing exists yet: each failure has a hint, none of it is made by looking."""
    result = run(settings, "doctor", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.output)
    by_name = {check["name"]: check for check in answer["checks"]}
    assert not answer["ok"]
    assert {"settings", "software", "disk", "clock", "keys", "capture", "keyring", "web"} <= by_name.keys()
    assert by_name["settings"]["state"] == "ok"
    assert by_name["database"]["state"] == "warn"
    assert by_name["keys"]["hint"] == "`exambox keys init` creates them."
    assert all(check["hint"] for check in answer["checks"] if check["state"] == "fail")
    assert not settings.state_dir.exists()


def test_wrong_settings_are_the_only_finding(settings: Settings) -> None:
    """Nothing else can be looked for without them."""
    result = run(settings, "doctor", EXAMBOX_WEB__PORT="many")
    assert result.exit_code == 1
    assert "FAIL  settings: environment variable EXAMBOX_WEB__PORT: web.port: expected" in result.output
    assert "1 checks: 1 failed, 0 warnings." in result.output


def test_a_running_box_passes(examined: Examined, db: Database) -> None:
    """Folders, keys, database, log, processes and cameras of a healthy trial box: no failure, exit code 0."""
    append(db, "box.started", clock=examined.clock)
    settings = examined.settings
    camera = {"camera": "front", "name": "Front", "state": "live", "recording": True, "width": 1280, "height": 720}
    status = {"ok": True, "cameras": [camera], "sitting": "s", "disk": {}}
    ring = {
        "ok": True,
        "locked": False,
        "unlocks_itself": True,
        "protected": False,
        "idle_lock_us": None,
        "key_ids": [],
    }
    for folder in (settings.vault_dir, settings.run_dir, settings.state_dir, settings.database.parent):
        folder.chmod(0o750)
    write_beat(settings.sync_beat, SystemClock(), began_us=0, duties={"deliveries": True})
    write_beat(settings.devices_beat, SystemClock(), began_us=0, duties={"writing": True})
    with (
        socket.create_server(("127.0.0.1", 0)) as web,
        _answering(settings.live_socket, status),
        _answering(settings.keyring_socket, ring),
    ):
        result = run(settings, "doctor", EXAMBOX_WEB__PORT=str(web.getsockname()[1]))
    assert "FAIL" not in result.output
    assert result.exit_code == 0
    assert "ok    camera front: Front: live, 1280x720; gaps: 0, restarts: 0" in result.output
    assert "ok    capture: running, recording sitting s" in result.output


def test_no_secret_is_printed(examined: Examined) -> None:
    """Neither the private device key nor any line of the other private key files."""
    settings = examined.settings
    output = run(settings, "doctor", "--json").output
    assert (settings.keys_dir / "device.key").read_bytes().hex() not in output
    private = json.loads((settings.keys_dir / "review.key").read_text())
    texts = [value for value in str(private).split("'") if len(value) > 100]
    assert texts
    public = {text for text in texts if text in (settings.keys_dir / "recipients.json").read_text()}
    assert not any(text in output for text in set(texts) - public)


@pytest.mark.parametrize(("name", "mode"), [("device.key", 0o644), ("review.key", 0o640), ("capture.key", 0o604)])
def test_a_private_key_open_to_others_fails(examined: Examined, name: str, mode: int) -> None:
    """The file and its mode are named."""
    assert _one(keys.check_key_modes(examined)).state == "ok"
    (examined.settings.keys_dir / name).chmod(mode)
    check = _one(keys.check_key_modes(examined))
    assert (check.state, f"{name} ({mode:04o})" in check.message) == ("fail", True)


def test_a_lost_or_exchanged_device_key_fails(examined: Examined) -> None:
    """A private key that does not fit the public one, and one that is gone."""
    assert _one(keys.check_keys(examined)).state == "ok"
    file = examined.settings.keys_dir / "device.key"
    file.write_bytes(os.urandom(32))
    check = _one(keys.check_keys(examined))
    assert (check.state, "do not belong together" in check.message) == ("fail", True)
    file.unlink()
    check = _one(keys.check_keys(examined))
    assert (check.state, "device.key missing" in check.message) == ("fail", True)


def test_a_recipients_list_that_was_changed_fails(examined: Examined) -> None:
    """Somebody who adds a recipient of his own is found."""
    assert _one(run_check(keys.check_recipients, examined)).state == "ok"
    file = examined.settings.keys_dir / "recipients.json"
    file.write_text(file.read_text().replace("review", "escrow", 1))
    assert _one(run_check(keys.check_recipients, examined)).state == "fail"


def test_a_provisioned_box_without_escrow_is_warned(examined: Examined) -> None:
    """If only the room can open its recordings, a lost key loses them."""
    provisioned = Settings(box=BoxSettings(trial=False), paths=examined.settings.paths)
    assert _one(keys.check_recipients(Examined(provisioned, examined.clock))).state == "warn"


def test_a_forged_log_fails(examined: Examined, db: Database) -> None:
    """The doctor verifies the log."""
    append(db, "box.started", clock=examined.clock)
    assert _one(keys.check_log(examined)).state == "ok"
    with write(db):
        db.conn.execute("UPDATE log_personal SET value = 'eve'")
    assert _one(keys.check_log(examined)).state == "fail"


def test_a_damaged_database_fails_and_the_other_checks_go_on(examined: Examined, db: Database) -> None:
    """Garbage in the middle of the file is found, told plainly, and stops nothing else."""
    assert _one(box.check_database(examined)).state == "ok"
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.conn.close()
    path = examined.settings.database
    raw = bytearray(path.read_bytes())
    raw[4096:] = os.urandom(len(raw) - 4096)
    path.write_bytes(raw)
    assert _one(run_check(box.check_database, examined)).state == "fail"
    output = run(examined.settings, "doctor").output
    assert "FAIL  database" in output
    assert "ok    keys" in output


def test_a_newer_database_fails(examined: Examined, db: Database) -> None:
    """The support person learns which software to install."""
    with write(db):
        db.conn.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('exambox','m9','x')")
    assert "newer" in _one(box.check_database(examined)).message


@pytest.mark.parametrize(("free", "state"), [(500, "ok"), (140, "warn"), (90, "warn"), (20, "fail")])
def test_disk_room_is_judged_by_the_thresholds(
    examined: Examined, db: Database, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    """With the time that is left at the present rate."""
    part = store(db, row(1, state="open", ended_us=None, started_us=NOW_US - HOUR_US, bytes=0))
    file = part_path(examined.settings.vault_dir, part)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 10)
    monkeypatch.setattr(box, "read_space", lambda _: DiskSpace(1000, free))
    check = _one(box.check_disk(examined))
    assert check.state == state
    assert "at the present rate" in check.message


def test_a_slow_disk_is_warned_about(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    """One durable write that takes a second will lose pictures under load."""
    assert _one(box.check_disk_speed(examined)).state == "ok"
    clock = examined.clock
    assert isinstance(clock, ManualClock)
    monkeypatch.setattr(os, "fsync", lambda _: clock.advance(1))
    check = _one(box.check_disk_speed(examined))
    assert (check.state, "1000 ms" in check.message) == ("warn", True)


@pytest.mark.parametrize(("trusted", "state"), [(True, "ok"), (False, "warn")])
def test_the_clock_is_judged(examined: Examined, monkeypatch: pytest.MonkeyPatch, *, trusted: bool, state: str) -> None:
    """Synchronised or not; a clock of the past fails."""
    monkeypatch.setattr(box, "clock_is_trusted", lambda: trusted)
    assert _one(box.check_clock(examined)).state == state
    assert _one(box.check_clock(Examined(examined.settings, ManualClock(wall_us=0)))).state == "fail"


def test_overdue_and_half_deleted_parts_are_seen(examined: Examined, db: Database) -> None:
    """Retention that does not happen is a legal problem somebody must hear of."""
    assert _one(box.check_retention(examined)).state == "ok"
    store(db, row(1))
    store(db, row(2, state="deleting", sitting="other"))
    check = _one(box.check_retention(examined))
    assert (check.state, check.message) == ("warn", "1 parts are overdue, 1 half deleted.")


def test_part_files_without_a_row_are_seen(examined: Examined, db: Database) -> None:
    """After a lost database nothing would ever delete them."""
    known, unknown = store(db, row(1, ended_us=NOW_US)), row(2)
    make_file(examined.settings.vault_dir, known)
    assert _one(box.check_retention(examined)).state == "ok"
    path = make_file(examined.settings.vault_dir, unknown)
    check = _one(box.check_retention(examined))
    assert (check.state, str(path) in check.message) == ("warn", True)


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"state": "lost", "reason": "timeout"}, "fail", "lost (it answers too slowly)"),
        ({"state": "starting"}, "warn", "starting"),
        ({"state": "live", "recording": False}, "warn", "not recorded although"),
        ({"state": "live", "recording": True}, "ok", "live"),
        ({}, "warn", "None"),
    ],
)
def test_cameras_are_judged_by_what_capture_says(
    examined: Examined, changes: dict[str, Any], state: str, words: str
) -> None:
    """Lost fails, starting warns, live but not recorded although wished warns."""
    status = {"ok": True, "cameras": [{"camera": "front", "name": "Front", **changes}], "sitting": "s"}
    with _answering(examined.settings.live_socket, status):
        check = _one(processes.check_cameras(examined))
    assert (check.state, words in check.message) == (state, True)


def test_a_full_disk_and_a_locked_key_are_told(examined: Examined) -> None:
    """Recording that has stopped fails; a locked key is normal, playback waits."""
    with _answering(examined.settings.live_socket, {"ok": True, "cameras": [], "disk": {"stopped": True}}):
        assert _one(processes.check_capture(examined)).state == "fail"
    ring = {**KEYRING, "locked": True}
    with _answering(examined.settings.keyring_socket, ring):
        check = _one(processes.check_keyring(examined))
    assert (check.state, "locked" in check.message, bool(check.hint)) == ("ok", True, True)


def test_a_dead_dashboard_fails(examined: Examined) -> None:
    """Nothing answers at its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(web=WebSettings(port=port), paths=examined.settings.paths)
    assert _one(processes.check_web(Examined(settings, examined.clock))).state == "fail"


@pytest.mark.parametrize(("name", "mode"), [("keys", 0o755), ("vault", 0o777)])
def test_folders_open_to_everybody_fail(examined: Examined, name: str, mode: int) -> None:
    """Keys are closed to others altogether, the vault to their writing."""
    folder = {"keys": examined.settings.keys_dir, "vault": examined.settings.vault_dir}[name]
    folder.chmod(mode)
    found = {check.name: check for check in box.check_folders(examined)}
    assert found[f"folder {name}"].state == "fail"


def test_a_keyring_that_cannot_read_the_review_key_fails(examined: Examined) -> None:
    """The file is there, and the process names no key of it: its owner or mode is wrong."""
    with _answering(examined.settings.keyring_socket, {**KEYRING, "locked": True, "key_ids": []}):
        check = _one(processes.check_keyring(examined))
    assert (check.state, "cannot read the review key" in check.message) == ("fail", True)


@pytest.mark.parametrize("version", ["0.0.9", "99.0"])
def test_processes_of_another_version_are_warned_of(examined: Examined, version: str) -> None:
    """Half an update is seen, with what to do."""
    with _answering(examined.settings.live_socket, {"ok": True, "cameras": [], "version": version}):
        assert _one(processes.check_capture(examined)).state == "warn"
    with _answering(examined.settings.keyring_socket, {**KEYRING, "locked": False, "version": version}):
        assert _one(processes.check_keyring(examined)).state == "warn"
