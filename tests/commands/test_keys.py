"""`exambox keys` as a person types it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from appliance import auditlog
from appliance.cli import exambox
from appliance.clock import SystemClock
from appliance.config import BoxSettings, KeySettings, PathSettings, Settings
from appliance.database import open_box_database
from appliance.errors import (
    ApplianceError,
    BadInputError,
    ConflictError,
    LockedError,
    MissingKeyError,
    UnavailableError,
)
from appliance.ipc.keyring import KeyringClient
from appliance.keyring import server
from appliance.vault import keys, review_key
from tests.keyring.conftest import serves
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORDS = "correct horse battery staple"
OTHER = "another good passphrase"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing in tests, and the keyring ends soon."""
    monkeypatch.setattr(review_key, "DEFAULT_COST", review_key.Cost(2**4, 8, 1))
    monkeypatch.setattr(server, "_LOOK_SECONDS", 0.02)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A provisioned box that the commands find through the environment."""
    state, run = str(tmp_path / "state"), str(tmp_path / "run")
    monkeypatch.setenv("EXAMBOX_PATHS__STATE", state)
    monkeypatch.setenv("EXAMBOX_PATHS__RUN", run)
    monkeypatch.setenv("EXAMBOX_BOX__TRIAL", "false")
    return Settings(box=BoxSettings(trial=False), paths=PathSettings(state=state, run=run))


@pytest.fixture
def run(box: Settings) -> Callable[..., str]:
    """Run a subcommand with typed lines; errors come up as they are."""

    def call(*arguments: str, typed: str = "") -> str:
        outcome = CliRunner().invoke(exambox, ["keys", *arguments], input=typed)
        if isinstance(outcome.exception, ApplianceError):
            raise outcome.exception
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    return call


@pytest.fixture
def keyring(box: Settings) -> Iterator[KeyringClient]:
    """The box's keyring, serving."""
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(box, SystemClock(), stop))
    thread.start()
    client = KeyringClient(box.keyring_socket)
    until(lambda: serves(client), what="the keyring's first answer")
    yield client
    stop.set()
    thread.join(10)


def logged(box: Settings) -> list[tuple[str, dict[str, Any]]]:
    """Return what the log says of keys, oldest first."""
    db = open_box_database(box.database)
    lines = sorted(auditlog.show(db), key=lambda line: line.seq)
    db.conn.close()
    return [(line.action, line.detail) for line in lines]


def test_init_asks_twice_and_protects_the_key(box: Settings, run: Callable[..., str]) -> None:
    """The passphrase that was typed opens the review key, and stands in no output or log."""
    output = run("init", typed=f"{WORDS}\n{WORDS}\n")
    assert "protected by a passphrase" in output
    assert WORDS not in output
    assert keys.load_review_key(box.keys_dir, WORDS).key_ids
    assert [action for action, _ in logged(box)] == ["keys.created"]
    assert "nothing was changed" in run("init")


def test_init_asks_again_for_a_bad_or_differing_passphrase(box: Settings, run: Callable[..., str]) -> None:
    """Too short, or not the same twice: asked again, until it is right."""
    run("init", typed=f"short\n{WORDS}\n{OTHER}\n{WORDS}\n{WORDS}\n")
    assert keys.load_review_key(box.keys_dir, WORDS).key_ids


def test_init_reads_a_passphrase_file(box: Settings, run: Callable[..., str], tmp_path: Path) -> None:
    """Its first line is the passphrase; a missing or empty file is named and nothing is made."""
    (tmp_path / "empty").write_text("")
    for bad in ("none", "empty"):
        with pytest.raises(BadInputError, match=bad):
            run("init", "--passphrase-file", str(tmp_path / bad))
    assert not box.keys_dir.exists()
    (tmp_path / "words").write_text(f"{WORDS}\nsecond line\n")
    run("init", "--passphrase-file", str(tmp_path / "words"))
    assert keys.load_review_key(box.keys_dir, WORDS).key_ids


def test_a_trial_box_is_not_asked_and_told_what_that_means(
    run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No passphrase, and the plain words that whoever has the disk can open it."""
    monkeypatch.setenv("EXAMBOX_BOX__TRIAL", "true")
    assert "anybody who has this disk" in run("init")


@pytest.fixture
def made(run: Callable[..., str]) -> Callable[..., str]:
    """A box with keys."""
    run("init", typed=f"{WORDS}\n{WORDS}\n")
    return run


def test_show_tells_who_can_open_recordings(box: Settings, made: Callable[..., str]) -> None:
    """Fingerprint, recipients and protection, for people and for machines."""
    public = keys.load_device_public(box.keys_dir)
    text, data = made("show"), json.loads(made("show", "--json"))
    assert keys.fingerprint(public) in text
    assert "plays back in this room" in text
    assert (data["device_key"], data["review_key_protected"]) == (public.hex(), True)
    assert [one["role"] for one in data["recipients"]] == ["review"]


def test_commands_on_a_box_without_keys_say_so(run: Callable[..., str]) -> None:
    """Each points at init."""
    for command in (["show"], ["recipients", "list"], ["rotate", "--yes"], ["recipients", "remove", "0" * 16, "--yes"]):
        with pytest.raises(MissingKeyError, match=r"missing|cannot be opened"):
            run(*command)


def test_an_auditor_is_added_and_removed(box: Settings, made: Callable[..., str], tmp_path: Path) -> None:
    """From a new key pair to a signed list and back, each step confirmed and logged."""
    made("recipients", "new", "Anna", "--out", str(tmp_path))
    public, private = tmp_path / "anna.public.json", tmp_path / "anna.private.json"
    with pytest.raises(BadInputError, match="private key file"):
        made("recipients", "add", str(private), "--yes")
    with pytest.raises(AssertionError, match="Aborted"):
        made("recipients", "add", str(public), typed="n\n")
    assert len(keys.load_recipients(box.keys_dir).recipients) == 1
    assert "Anna" in made("recipients", "add", str(public), "--role", "escrow", "--label", "Anna's safe", typed="y\n")
    rows = json.loads(made("recipients", "list", "--json"))["recipients"]
    assert [(one["label"], one["role"]) for one in rows][1] == ("Anna's safe", "escrow")
    with pytest.raises(ConflictError):
        made("recipients", "add", str(public), "--yes")
    assert "Anna's safe" in made("recipients", "remove", rows[1]["key_id"], typed="y\n")
    assert "Anna" not in made("recipients", "list")
    actions = [action for action, _ in logged(box)]
    assert actions == ["keys.created", "keys.recipient_added", "keys.recipient_removed"]


def test_an_auditors_private_key_does_not_stay_on_the_box(box: Settings, made: Callable[..., str]) -> None:
    """The box's own folders are no place for it."""
    with pytest.raises(BadInputError, match="must not stay"):
        made("recipients", "new", "Anna", "--out", str(box.keys_dir))


def test_rotation_is_confirmed_logged_and_keeps_the_old_key(box: Settings, made: Callable[..., str]) -> None:
    """No without a yes, no with a wrong passphrase; then there are two generations."""
    with pytest.raises(AssertionError, match="Aborted"):
        made("rotate", typed="n\n")
    with pytest.raises(LockedError):
        made("rotate", "--yes", typed="wrong wrong wrong\n")
    assert [action for action, _ in logged(box)] == ["keys.created"]
    made("rotate", typed=f"y\n{WORDS}\n")
    generations = keys.load_review_key(box.keys_dir, WORDS).key_ids
    assert len(generations) == 2
    action, detail = logged(box)[-1]
    assert (action, detail["key_id"]) == ("keys.review_rotated", generations[1])


def test_the_passphrase_is_changed(box: Settings, made: Callable[..., str], tmp_path: Path) -> None:
    """The old one is needed; removing it is refused on a box that does not unlock itself."""
    (tmp_path / "new").write_text(OTHER)
    with pytest.raises(LockedError):
        made("passphrase", "--new-passphrase-file", str(tmp_path / "new"), typed="wrong wrong wrong\n")
    made("passphrase", "--new-passphrase-file", str(tmp_path / "new"), typed=f"{WORDS}\n")
    assert keys.load_review_key(box.keys_dir, OTHER).key_ids
    with pytest.raises(BadInputError, match="--remove"):
        made("passphrase", "--remove", "--yes")


def test_a_box_that_unlocks_itself_may_drop_its_passphrase(
    box: Settings, made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With auto_unlock set, and after a yes, the key is plain."""
    monkeypatch.setenv("EXAMBOX_KEYS__AUTO_UNLOCK", "true")
    assert Settings(keys=KeySettings(auto_unlock=True)).unlocks_itself
    made("passphrase", "--remove", typed=f"y\n{WORDS}\n")
    assert keys.load_review_key(box.keys_dir, None).key_ids


def test_lock_and_unlock_through_the_keyring(made: Callable[..., str], keyring: KeyringClient, tmp_path: Path) -> None:
    """Unlock asks only where a passphrase is needed; the state is told in plain words."""
    assert "is locked" in made("status")
    with pytest.raises(LockedError, match="wrong"):
        made("unlock", typed="wrong wrong wrong\n")
    (tmp_path / "words").write_text(WORDS)
    until(lambda: _unlocks(made, tmp_path / "words"), what="unlocking after the wait")
    assert "locks itself in 30 min" in made("status")
    assert json.loads(made("status", "--json"))["locked"] is False
    assert "already" in made("unlock")
    made("lock")
    assert keyring.status()["locked"]


def _unlocks(made: Callable[..., str], words: Path) -> bool:
    try:
        made("unlock", "--passphrase-file", str(words))
    except LockedError:
        return False
    return True


def test_rotation_locks_a_running_keyring(made: Callable[..., str], keyring: KeyringClient) -> None:
    """The new key is not open until somebody unlocks again, and that is said."""
    made("unlock", typed=f"{WORDS}\n")
    assert "has locked" in made("rotate", "--yes", typed=f"{WORDS}\n")
    assert keyring.status()["locked"]


def test_without_a_keyring_the_process_to_start_is_named(made: Callable[..., str]) -> None:
    """Lock, unlock and status need the process and say so."""
    for command in ("lock", "unlock", "status"):
        with pytest.raises(UnavailableError, match="keyring process is not running"):
            made(command)


def test_a_log_that_cannot_be_opened_leaves_the_keys_alone(box: Settings, made: Callable[..., str]) -> None:
    """No change of keys goes unlogged."""
    for path in box.database.parent.iterdir():
        path.unlink()
    box.database.mkdir()
    before = (box.keys_dir / "recipients.json").read_bytes()
    with pytest.raises(ApplianceError, match="database"):
        made("rotate", "--yes", typed=f"{WORDS}\n")
    assert (box.keys_dir / "recipients.json").read_bytes() == before
