from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import appliance
from appliance import __version__, auditlog
from appliance.config import BoxSettings, KeySettings, Settings
from appliance.database import connect
from appliance.errors import BadInputError, LockedError, MissingKeyError, UnavailableError
from appliance.keyring import server
from appliance.vault import keys
from appliance.vault.format import export_message
from tests.keyring.conftest import WORDS, Ask, Keyring, serving
from tests.support.waiting import until

if TYPE_CHECKING:
    from appliance.clock import ManualClock


def entries(keyring: Keyring) -> list[auditlog.LogLine]:
    """Return the log, oldest first."""
    db = connect(keyring.settings.database, read_only=True)
    try:
        return sorted(auditlog.show(db), key=lambda line: line.seq)
    finally:
        db.conn.close()


def actions(keyring: Keyring) -> list[str]:
    """Return the log's actions, oldest first."""
    return [line.action for line in entries(keyring)]


def test_a_trial_box_is_unlocked_from_the_start(trial: Keyring, ask: Ask) -> None:
    """It gives out a part's key, and says that it unlocks itself and never locks itself."""
    assert trial.client.part_key(**ask(b"q" * 32)) == b"q" * 32
    status = trial.client.status()
    review = keys.load_recipients(trial.settings.keys_dir).review
    assert status == {
        "locked": False,
        "unlocks_itself": True,
        "protected": False,
        "idle_lock_us": None,
        "retry_us": 0,
        "key_ids": [review.key_id],
        "generations": [{"key_id": review.key_id, "suite": review.suite, "created_us": trial.clock.wall_us()}],
        "version": __version__,
        "up_us": 0,
    }
    trial.clock.advance(24 * 3600)
    assert trial.client.part_key(**ask()) == b"k" * 32


def test_a_trial_box_can_be_locked_and_unlocked_without_a_passphrase(trial: Keyring, ask: Ask) -> None:
    """Lock holds until somebody unlocks; both are in the log with the person."""
    trial.client.lock("anna")
    with pytest.raises(LockedError):
        trial.client.part_key(**ask())
    trial.client.unlock(None, "bert")
    trial.client.part_key(**ask())
    told = [(line.action, line.who) for line in entries(trial)]
    assert told == [
        ("keyring.unlocked", "box"),
        ("keyring.locked", "anna"),
        ("keyring.unlocked", "bert"),
        ("keyring.part_key_used", "anna"),
    ]


def test_a_provisioned_box_is_locked_until_the_passphrase_comes(provisioned: Keyring, ask: Ask) -> None:
    """Without it nothing is given out; with it, part keys are."""
    assert provisioned.client.status()["locked"]
    for attempt in (None, ""):
        with pytest.raises(LockedError):
            provisioned.client.unlock(attempt, "anna")
    with pytest.raises(LockedError):
        provisioned.client.part_key(**ask())
    provisioned.client.unlock(WORDS, "anna")
    assert provisioned.client.part_key(**ask()) == b"k" * 32


def test_the_key_locks_itself_when_nobody_uses_it(provisioned: Keyring, ask: Ask) -> None:
    """The idle time begins anew with each use, and the status tells what is left."""
    provisioned.client.unlock(WORDS, "anna")
    provisioned.clock.advance(29 * 60)
    assert provisioned.client.status()["idle_lock_us"] == 60_000_000
    provisioned.client.part_key(**ask())
    provisioned.clock.advance(29 * 60)
    provisioned.client.part_key(**ask())
    provisioned.clock.advance(30 * 60)
    until(lambda: actions(provisioned)[-1] == "keyring.locked", what="locking after the idle time")
    assert provisioned.client.status()["locked"]
    locked = entries(provisioned)[-1]
    assert (locked.action, locked.who, locked.detail) == ("keyring.locked", "box", {"reason": "idle"})


def test_guesses_are_slowed_and_logged(provisioned: Keyring) -> None:
    """A second guess at once is not even looked at, right or wrong; after the wait the right one opens."""
    with pytest.raises(LockedError, match="wrong"):
        provisioned.client.unlock("not the passphrase", "eve")
    with pytest.raises(LockedError, match="wait 1 s"):
        provisioned.client.unlock(WORDS, "eve")
    provisioned.clock.advance(1)
    with pytest.raises(LockedError, match="wrong"):
        provisioned.client.unlock("not the passphrase", "eve")
    provisioned.clock.advance(2)
    provisioned.client.unlock(WORDS, "anna")
    assert actions(provisioned) == ["keyring.unlock_failed"] * 2 + ["keyring.unlocked"]


def test_each_use_is_logged_once_in_ten_minutes(trial: Keyring, ask: Ask) -> None:
    """Another person, part or purpose is an entry of its own; so is the same one after ten minutes."""
    for changes in ({}, {}, {"person": "bert"}, {"part_id": b"\2" * 16}, {"purpose": "export"}, {}):
        trial.client.part_key(**ask(**changes))
    used = [line for line in entries(trial) if line.action == "keyring.part_key_used"]
    assert [line.who for line in used] == ["anna", "bert", "anna", "anna"]
    assert used[0].detail == {
        "camera": "front",
        "part": 1,
        "part_id": "01" * 16,
        "purpose": "playback",
        "sitting": "maths",
    }
    trial.clock.advance(600)
    trial.client.part_key(**ask())
    assert actions(trial).count("keyring.part_key_used") == 5


def test_without_a_name_the_account_at_the_other_end_is_logged(trial: Keyring, ask: Ask) -> None:
    """Nobody acts unnamed: the kernel tells who is there."""
    import getpass

    trial.client.part_key(**ask(person=""))
    assert entries(trial)[-1].who == getpass.getuser()


def test_a_use_that_cannot_be_logged_does_not_happen(trial: Keyring, ask: Ask) -> None:
    """With the log gone no key is given out and nothing is signed; locking works all the same."""
    db = connect(trial.settings.database)
    db.conn.execute("ALTER TABLE log_entry RENAME TO gone")
    with pytest.raises(UnavailableError, match="log"):
        trial.client.part_key(**ask())
    with pytest.raises(UnavailableError, match="log"):
        trial.client.lock("anna")
    with pytest.raises(UnavailableError, match="log"):
        trial.client.unlock(None, "anna")
    assert trial.client.status()["locked"]
    db.conn.execute("ALTER TABLE gone RENAME TO log_entry")
    db.conn.close()
    trial.client.unlock(None, "anna")
    assert trial.client.part_key(**ask()) == b"k" * 32


def test_a_key_bound_to_another_part_does_not_open(trial: Keyring, ask: Ask) -> None:
    """Whoever swaps sitting, camera, number or id gets nothing, and it is no entry."""
    good = ask()
    for wrong in ({"sitting": "other"}, {"camera": "back"}, {"part": 2}, {"part_id": b"\2" * 16}, {"box": "other"}):
        with pytest.raises(MissingKeyError):
            trial.client.part_key(**{**good, **wrong})
    with pytest.raises(MissingKeyError, match="does not include"):
        trial.client.part_key(**{**good, "key_id": "0" * 16})
    with pytest.raises(MissingKeyError):
        trial.client.part_key(**{**good, "wrapped": good["wrapped"][:-1]})
    with pytest.raises(BadInputError):
        trial.client.part_key(**{**good, "suite": "X25519"})
    assert "keyring.part_key_used" not in actions(trial)


def test_rotation_is_noticed_by_a_box_that_unlocks_itself(trial: Keyring, ask: Ask, clock: ManualClock) -> None:
    """Parts sealed to the new key open at once, and those sealed to the old one still do."""
    before = ask(b"a" * 32)
    keys.rotate_review(trial.settings.keys_dir, suite="MLKEM768-X25519", passphrase=None, label="room", clock=clock)
    assert trial.client.part_key(**ask(b"b" * 32)) == b"b" * 32
    assert trial.client.part_key(**before) == b"a" * 32


def test_rotation_locks_a_provisioned_box_until_it_is_unlocked_again(
    provisioned: Keyring, ask: Ask, clock: ManualClock
) -> None:
    """The passphrase is needed once for the new key; then old and new open."""
    provisioned.client.unlock(WORDS, "anna")
    before = ask(b"a" * 32)
    keys_dir = provisioned.settings.keys_dir
    keys.rotate_review(keys_dir, suite="MLKEM768-X25519", passphrase=WORDS, label="room", clock=clock)
    with pytest.raises(LockedError, match="replaced"):
        provisioned.client.part_key(**ask(b"b" * 32))
    assert provisioned.client.status()["locked"]
    provisioned.client.unlock(WORDS, "anna")
    assert provisioned.client.part_key(**ask(b"b" * 32)) == b"b" * 32
    assert provisioned.client.part_key(**before) == b"a" * 32


def _manifest(settings: Settings, **changes: Any) -> bytes:
    value = {
        "format": "exambox-export-1",
        "file": {"name": "maths-front.mp4", "bytes": 1, "sha256": "0" * 64},
        "box": keys.load_box_id(settings.keys_dir),
        "sitting": "maths",
        "camera": "front",
        "device_key": keys.load_device_public(settings.keys_dir).hex(),
        "made": {"by": "Anna Prüfer"},
    }
    return json.dumps({**value, **changes}, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def test_an_export_of_this_box_is_signed_and_logged(provisioned: Keyring) -> None:
    """The signature fits the exact bytes, also while the review key is locked, and the log names file and hash."""
    manifest = _manifest(provisioned.settings)
    signature = provisioned.client.sign_export(manifest, "anna")
    public = keys.load_device_public(provisioned.settings.keys_dir)
    Ed25519PublicKey.from_public_bytes(public).verify(signature, export_message(manifest))
    signed = entries(provisioned)[-1]
    assert (signed.action, signed.who, signed.detail["file"]) == ("keyring.export_signed", "anna", "maths-front.mp4")


def test_a_long_exports_manifest_has_room(trial: Keyring) -> None:
    """Twelve hours of segments fit; what is beyond all sense is refused before it is sent."""
    records = [[number, "0" * 64] for number in range(24_000)]
    assert len(trial.client.sign_export(_manifest(trial.settings, parts=[{"records": records}]), "anna")) == 64
    with pytest.raises(BadInputError, match="too large"):
        trial.client.sign_export(b"x" * 9_000_000, "anna")


@pytest.mark.parametrize(
    "change", [{"format": "exambox-checkpoint-1"}, {"box": "other"}, {"device_key": "0" * 64}, {"sitting": "../x"}]
)
def test_nothing_else_is_signed(trial: Keyring, change: dict[str, Any]) -> None:
    """The device key signs export manifests of this box here, never a checkpoint or another box's claim."""
    with pytest.raises(BadInputError):
        trial.client.sign_export(_manifest(trial.settings, **change), "anna")
    with pytest.raises(BadInputError):
        trial.client.sign_export(b"\xff\xfe", "anna")
    assert "keyring.export_signed" not in actions(trial)


def test_a_passphrase_file_unlocks_at_the_start_only(
    provisioned_settings: Settings, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A systemd credential opens the key at start; once it has locked itself a person is needed."""
    (tmp_path / "review").write_text(WORDS + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings: Settings = msgspec.structs.replace(provisioned_settings, keys=KeySettings(passphrase_file="review"))
    with serving(settings, clock) as keyring:
        assert not keyring.client.status()["locked"]
        keyring.client.lock("anna")
        with pytest.raises(LockedError):
            keyring.client.unlock(None, "anna")


@pytest.mark.parametrize("content", [None, b"", b"wrong horse battery staple", b"\xff\xfe"])
def test_a_bad_passphrase_file_leaves_the_box_locked_and_serving(
    provisioned_settings: Settings, clock: ManualClock, tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, wrong or unreadable: a person can still unlock."""
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    settings: Settings = msgspec.structs.replace(provisioned_settings, keys=KeySettings(passphrase_file=str(path)))
    with serving(settings, clock) as keyring:
        assert keyring.client.status()["locked"]
        keyring.client.unlock(WORDS, "anna")


def test_every_action_is_in_the_list_auditors_read() -> None:
    """What the keyring and the key commands log has words for people."""
    root = Path(appliance.__file__).parent
    sources = [*root.glob("keyring/*.py"), *root.glob("commands/key*.py")]
    used = {name for path in sources for name in re.findall(r'"((?:keyring|keys)\.[a-z_]+)"', path.read_text())}
    assert {"keyring.part_key_used", "keys.review_rotated"} <= used
    assert used <= auditlog.ACTIONS.keys()


def test_missing_keys_are_said(settings: Settings, clock: ManualClock) -> None:
    """A keyring on a box without keys serves, and says what is missing."""
    bare: Settings = msgspec.structs.replace(settings, box=BoxSettings(trial=False))
    with serving(bare, clock) as keyring:
        assert keyring.client.status()["key_ids"] == []
        with pytest.raises(MissingKeyError, match="missing"):
            keyring.client.unlock(WORDS, "anna")


def test_the_private_keys_are_overwritten_at_the_end(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the keyring ends, the memory that held private keys holds zeros."""
    agents = []
    real = server.Agent
    monkeypatch.setattr(server, "Agent", lambda *given: agents.append(real(*given)) or agents[-1])
    keys.init_keys(settings, passphrase=None, clock=clock)
    with serving(settings, clock):
        held = [private for _, private in agents[0]._keys._keys.values()]
        assert all(any(private) for private in held)
    assert not any(any(private) for private in held)
    assert agents[0].locked


def test_the_status_tells_how_long_a_guess_has_to_wait(provisioned: Keyring) -> None:
    """After wrong passphrases, and no longer when the wait is over."""
    assert provisioned.client.status()["retry_us"] == 0
    for wait in (1, 2):
        with pytest.raises(LockedError):
            provisioned.client.unlock("not the passphrase", "anna")
        assert provisioned.client.status()["retry_us"] == wait * 1_000_000
        provisioned.clock.advance(wait)
    assert provisioned.client.status()["retry_us"] == 0
