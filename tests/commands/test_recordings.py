"""`exambox recordings`, with a real keyring where one is needed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.auditlog import show
from appliance.clock import SystemClock
from appliance.errors import BadInputError, ConflictError, MissingKeyError, NotFoundError, UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.keyring.server import serve
from appliance.vault.keys import init_keys, load_box_id, load_device_key, load_recipients
from appliance.vault.part import WriterKeys
from tests.commands.box import run
from tests.vault.recorded import DEVICE, PRIVATE, Recorder, clock_at, frame_numbers, movie

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.config import Settings


@pytest.fixture
def vault(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The box's vault with exam/front: 4 s, then 2 s of nothing, then 4 s, sealed to a key in a file."""
    recorder = Recorder(settings.vault_dir, clock_at())
    recorder.part(movie(8), gap_at=(4, 2))
    return settings.vault_dir


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The private key file of an auditor."""
    path = tmp_path / "auditor.key"
    path.write_text(json.dumps({"suite": "X25519", "private": PRIVATE.hex()}), encoding="ascii")
    return str(path)


@pytest.fixture
def keyring(settings: Settings) -> Iterator[KeyringClient]:
    """A box with keys of its own, a recording sealed to them, and its keyring running."""
    clock = SystemClock()
    init_keys(settings, passphrase=None, clock=clock)
    recipients = load_recipients(settings.keys_dir).recipients
    box = WriterKeys(load_box_id(settings.keys_dir), load_device_key(settings.keys_dir), recipients)
    Recorder(settings.vault_dir, clock_at(), keys=box).part(movie(4))
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(settings, clock, stop))
    thread.start()
    client = KeyringClient(settings.keyring_socket)
    waiting = threading.Event()
    for _ in range(200):
        try:
            client.status()
            break
        except UnavailableError:
            waiting.wait(0.05)
    yield client
    stop.set()
    thread.join(10)


def test_list_shows_the_rooms_time_gaps_and_damage(settings: Settings, vault: Path) -> None:
    """The table tells times in the room's zone; gaps and damaged parts are named below."""
    (vault / "exam" / "side").mkdir()
    (vault / "exam" / "side" / "0001.sqlite").write_bytes(b"garbage" * 99)
    result = run(settings, "recordings", "list", "--gaps", EXAMBOX_BOX__TIMEZONE="Asia/Tokyo")
    assert result.exit_code == 0
    assert "exam     front   2027-01-15 17:00:00  2027-01-15 17:00:10  0:00:10" in result.output
    assert "gap 2027-01-15 17:00:04 for 2.0 s: camera lost" in result.output
    assert "damaged: 0001.sqlite" in result.output
    listed = json.loads(run(settings, "recordings", "list", "--json").stdout)
    assert [(item["camera"], item["state"]) for item in listed] == [("front", "closed"), ("side", "damaged")]


def test_an_empty_vault_is_said(settings: Settings) -> None:
    """Before anything was recorded, the list says so."""
    assert run(settings, "recordings", "list").output == "There are no recordings.\n"


def test_start_and_stop_are_wishes(settings: Settings, db: Database) -> None:
    """Start and stop write the wish that capture follows, once each."""
    assert "sitting math-1" in run(settings, "recordings", "start", "--sitting", "math-1").output
    assert isinstance(run(settings, "recordings", "start").exception, ConflictError)
    assert "math-1" in run(settings, "recordings", "stop").output
    assert isinstance(run(settings, "recordings", "stop").exception, ConflictError)
    assert [line.action for line in show(db, action="recording")] == ["recording.started", "recording.stopped"]


def test_verify_says_verified_and_exits_0(settings: Settings, vault: Path, key: str) -> None:
    """A sound recording passes every level, the highest with a key file."""
    device = DEVICE.public.hex()
    for level in ("presence", "chain"):
        result = run(settings, "recordings", "verify", "exam", "--level", level, "--device-key", device)
        assert (result.exit_code, f"exam/front: verified ({level})" in result.output) == (0, True)
    result = run(settings, "recordings", "verify", "exam", "front", "--key", key, "--json")
    assert result.exit_code == 0
    (report,) = json.loads(result.stdout)
    assert (report["verdict"], report["findings"]) == ("verified (full)", [])


def test_verify_names_findings_and_exits_10(settings: Settings, vault: Path, db: Database) -> None:
    """Altered material, and a key other than expected, are findings with their codes; the log says who looked."""
    with sqlite3.connect(vault / "exam" / "front" / "0001.sqlite") as connection:
        connection.execute("UPDATE record SET start_us = start_us + 1 WHERE seq = 2")
    result = run(settings, "recordings", "verify", "exam")
    assert result.exit_code == 10
    assert "part 1: column_mismatch: the columns of record 2 differ" in result.output
    assert "NOT VERIFIED: 1 finding" in result.output
    result = run(settings, "recordings", "verify", "exam", "--device-key", "ab" * 32, "--json")
    assert json.loads(result.stdout)[0]["findings"][0]["code"] == "device_unexpected"
    assert [line.action for line in show(db, action="recording")] == ["recording.verified"] * 2


def test_verify_of_an_open_recording_exits_11(settings: Settings, db: Database) -> None:
    """While it is recorded it is "open"; once the wish has ended, an open part is a finding."""
    run(settings, "recordings", "start", "--sitting", "exam")
    writer = Recorder(settings.vault_dir, clock_at()).part(movie(1), close=False)
    result = run(settings, "recordings", "verify", "exam")
    assert (result.exit_code, "open, verified up to record" in result.output) == (11, True)
    run(settings, "recordings", "stop")
    result = run(settings, "recordings", "verify", "exam")
    assert (result.exit_code, "final_missing" in result.output) == (10, True)
    writer.close()


def test_verify_accepts_a_device_key_file_and_refuses_others(settings: Settings, vault: Path, tmp_path: Path) -> None:
    """The expected key may be hex or a file; anything else is bad input."""
    path = tmp_path / "device.pub"
    path.write_bytes(DEVICE.public)
    assert run(settings, "recordings", "verify", "exam", "--device-key", str(path)).exit_code == 0
    for wrong in ("abcd", "zz" * 32, str(tmp_path)):
        result = run(settings, "recordings", "verify", "exam", "--device-key", wrong)
        assert isinstance(result.exception, BadInputError)


def test_unknown_recordings_are_not_found(settings: Settings, vault: Path) -> None:
    """A sitting or camera that was not recorded is said to be missing."""
    for arguments in (("verify", "other"), ("verify", "exam", "back"), ("export", "exam", "back")):
        assert isinstance(run(settings, "recordings", *arguments).exception, NotFoundError)


def test_an_auditor_verifies_a_copy(settings: Settings, vault: Path, tmp_path: Path, key: str) -> None:
    """A copy of a vault is verified anywhere, and a reminder says whose key was trusted."""
    copy = shutil.copytree(vault, tmp_path / "copy")
    shutil.rmtree(vault)
    result = run(settings, "recordings", "verify", "exam", "--vault", str(copy), "--key", key)
    assert (result.exit_code, "verified (full)" in result.output) == (0, True)
    assert "--device-key" in result.output


def test_export_with_a_key_file_needs_a_signature_or_a_word(
    settings: Settings, vault: Path, tmp_path: Path, key: str
) -> None:
    """Where nothing can sign, the export is refused with a hint, and made when that is asked for."""
    arguments = ("recordings", "export", "exam", "front", "--key", key, "--out", str(tmp_path / "c.mp4"))
    refused = run(settings, *arguments)
    assert isinstance(refused.exception, MissingKeyError)
    assert "--unsigned" in refused.exception.hint
    assert not (tmp_path / "c.mp4").exists()
    made = run(
        settings, *arguments, "--from", "17:00:05", "--to", "-1s", "--unsigned", EXAMBOX_BOX__TIMEZONE="Asia/Tokyo"
    )
    assert (made.exit_code, "NOT SIGNED" in made.output) == (0, True)
    numbers = [number for _, number in frame_numbers(tmp_path / "c.mp4")]
    assert numbers == list(range(40, 70))


def test_export_without_keyring_says_that_none_runs(settings: Settings, vault: Path, tmp_path: Path) -> None:
    """Without a key file the keyring is asked; if it does not run the error says so and nothing is left."""
    result = run(settings, "recordings", "export", "exam", "front", "--out", str(tmp_path / "c.mp4"))
    assert isinstance(result.exception, UnavailableError)
    assert not list(tmp_path.glob("*c.mp4*"))


def test_export_and_verify_through_the_keyring(
    settings: Settings, keyring: KeyringClient, db: Database, tmp_path: Path
) -> None:
    """On the box itself the keyring opens and signs; openssl agrees, and the log names who did it."""
    out = tmp_path / "clips"
    out.mkdir()
    result = run(settings, "recordings", "export", "exam", "front", "--from", "+1s", "--out", str(out), SUDO_USER="ann")
    assert result.exit_code == 0, result.output
    (clip,) = out.glob("*.mp4")
    assert clip.name == "exam-front-20270115-080001.mp4"
    assert [number for _, number in frame_numbers(clip)] == list(range(10, 40))
    manifest: dict[str, Any] = json.loads(clip.with_suffix(".manifest.json").read_bytes())
    for command in manifest["how"]:
        assert command in result.output
        assert subprocess.run(["sh", "-c", command], cwd=out, check=False, capture_output=True).returncode == 0
    assert run(settings, "recordings", "verify", "exam", "--level", "full").exit_code == 0
    exported = next(show(db, action="recording.exported"))
    assert exported.who.startswith("ann")
    assert any(line.action == "keyring.part_key_used" for line in show(db, action="keyring"))


def test_export_while_locked_is_refused(settings: Settings, keyring: KeyringClient, tmp_path: Path) -> None:
    """A locked review key lets nothing out, and nothing is left behind."""
    from appliance.errors import LockedError

    keyring.lock("ann")
    result = run(settings, "recordings", "export", "exam", "front", "--out", str(tmp_path / "c.mp4"))
    assert isinstance(result.exception, LockedError)
    assert not list(tmp_path.glob("*c.mp4*"))
