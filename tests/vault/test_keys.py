from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.clock import SystemClock
from appliance.config import BoxSettings, KeySettings, PathSettings, Settings
from appliance.errors import BadInputError, LockedError, MissingKeyError, VaultError
from appliance.vault import keys, review_key

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock

FILES = {
    "box.json": 0o644,
    "capture.key": 0o600,
    "capture.pub": 0o644,
    "centre-seal.key": 0o600,
    "centre.key": 0o600,
    "device.key": 0o600,
    "device.pub": 0o644,
    "exchange.key": 0o600,
    "recipients.json": 0o644,
    "review.key": 0o600,
    "usb.key": 0o600,
    "usb.pub": 0o644,
}
WORDS = "correct horse battery staple"


def contents(keys_dir: Path) -> dict[str, bytes]:
    """Return every file of the folder."""
    return {path.name: path.read_bytes() for path in keys_dir.iterdir()}


def provisioned(tmp_path: Path) -> Settings:
    """Return the settings of a box that needs a passphrase."""
    return Settings(box=BoxSettings(trial=False), paths=PathSettings(state=str(tmp_path), run=str(tmp_path / "run")))


def test_a_new_box_gets_all_its_keys_with_exact_modes(settings: Settings, clock: ManualClock) -> None:
    """Private files are readable by their owner alone, and the folder by nobody else."""
    summary = keys.init_keys(settings, passphrase=None, clock=clock)
    found = {path.name: path.stat().st_mode & 0o777 for path in settings.keys_dir.iterdir()}
    assert {**found, "device.key": found["device.key"] & 0o700} == FILES
    assert settings.keys_dir.stat().st_mode & 0o027 == 0
    assert set(summary.created) == set(FILES)
    assert [one.role for one in summary.recipients] == ["review"]
    assert summary.protected is False


def test_init_never_overwrites(settings: Settings, clock: ManualClock) -> None:
    """A second init changes no byte and says that it created nothing."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    before = contents(settings.keys_dir)
    assert keys.init_keys(settings, passphrase=WORDS, clock=clock).created == ()
    assert contents(settings.keys_dir) == before


@pytest.mark.parametrize("keep", range(8))
def test_an_interrupted_init_is_finished_by_the_next(settings: Settings, clock: ManualClock, keep: int) -> None:
    """After a power cut between any two files the next init completes the set and keeps what was there."""
    order = keys.init_keys(settings, passphrase=None, clock=clock).created
    for name in order[keep:]:
        (settings.keys_dir / name).unlink()
    before = contents(settings.keys_dir)
    assert keys.init_keys(settings, passphrase=None, clock=clock).created == order[keep:]
    assert before.items() <= contents(settings.keys_dir).items()
    keys.load_review_key(settings.keys_dir, None).private_for(keys.load_recipients(settings.keys_dir).review.key_id)


def _init_until(state: str, call: str, number: int) -> None:
    """Init, and die without any cleaning up at the n-th call of a function of `os`."""
    real, calls = getattr(os, call), 0

    def counted(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == number:
            os._exit(9)
        return real(*arguments, **named)

    setattr(os, call, counted)
    keys.init_keys(Settings(paths=PathSettings(state=state)), passphrase=None, clock=SystemClock())


@pytest.mark.parametrize("call", ["open", "fsync", "fchmod", "link"])
def test_init_killed_at_any_step_is_finished_by_the_next(tmp_path: Path, call: str) -> None:
    """Wherever the process dies, the next one completes the keys, and no temporary file is left."""
    fork = multiprocessing.get_context("fork")
    for number in range(1, 100):
        state = tmp_path / str(number)
        worker = fork.Process(target=_init_until, args=(str(state), call, number))
        worker.start()
        worker.join(30)
        settings = Settings(paths=PathSettings(state=str(state)))
        keys.init_keys(settings, passphrase=None, clock=SystemClock())
        assert {path.name for path in settings.keys_dir.iterdir()} == set(FILES)
        review = keys.load_recipients(settings.keys_dir).review
        assert keys.load_review_key(settings.keys_dir, None).key_ids == (review.key_id,)
        if worker.exitcode == 0:
            break
    assert worker.exitcode == 0
    assert number > len(FILES)


@pytest.mark.parametrize(
    ("lost", "moved"),
    [
        ("device.key", ["device.pub", "recipients.json"]),
        ("review.key", ["recipients.json"]),
        ("capture.key", ["capture.pub"]),
    ],
)
def test_the_documented_way_on_after_a_loss_works(
    settings: Settings, clock: ManualClock, lost: str, moved: list[str]
) -> None:
    """What docs/operator/keys.md tells under "A lost key" gives a working box, and touches no other key."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    for name in (lost, *moved):
        (settings.keys_dir / name).unlink()
    kept = contents(settings.keys_dir)
    keys.init_keys(settings, passphrase=None, clock=clock)
    assert kept.items() <= contents(settings.keys_dir).items()
    listed = keys.load_recipients(settings.keys_dir)
    keys.load_review_key(settings.keys_dir, None).private_for(listed.review.key_id)
    sealed = keys.seal_for_capture(settings.keys_dir, b"x", context="c")
    assert keys.open_for_capture(settings.keys_dir, sealed, context="c") == b"x"


@pytest.mark.parametrize("lost", ["device.key", "review.key", "capture.key"])
def test_a_lost_private_key_is_not_silently_replaced(settings: Settings, clock: ManualClock, lost: str) -> None:
    """A fresh key in a lost one's place would be a decision nobody made: init refuses and says what to do."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    (settings.keys_dir / lost).unlink()
    with pytest.raises(MissingKeyError, match="lost") as caught:
        keys.init_keys(settings, passphrase=None, clock=clock)
    assert "docs/operator/keys.md" in caught.value.hint
    assert not (settings.keys_dir / lost).exists()


def _init(state: str, barrier: object, results: multiprocessing.Queue[tuple[str, ...]]) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    made = keys.init_keys(Settings(paths=PathSettings(state=state)), passphrase=None, clock=SystemClock())
    results.put(made.created)


def test_processes_that_start_at_once_make_one_set_of_keys(tmp_path: Path) -> None:
    """However many start together, each file is made once and all agree."""
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(4), fork.Queue()
    workers = [fork.Process(target=_init, args=(str(tmp_path), barrier, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    made = [name for _ in workers for name in results.get(timeout=30)]
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sorted(made) == sorted(FILES)
    keys.load_recipients(tmp_path / "keys")


def test_a_provisioned_box_needs_a_passphrase(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one, or with a weak one, no review key is made; with one it is not readable without it."""
    monkeypatch.setattr(review_key, "DEFAULT_COST", review_key.Cost(2**4, 8, 1))
    settings = provisioned(tmp_path)
    for bad in (None, "", "too short", "x" * 1025):
        with pytest.raises(BadInputError):
            keys.init_keys(settings, passphrase=bad, clock=clock)
        assert not (settings.keys_dir / "review.key").exists()
    assert keys.init_keys(settings, passphrase=WORDS, clock=clock).protected is True
    for wrong in (None, "", "wrong horse battery staple"):
        with pytest.raises(LockedError):
            keys.load_review_key(settings.keys_dir, wrong)
    assert keys.load_review_key(settings.keys_dir, WORDS).key_ids


def test_auto_unlock_alone_decides_whether_a_passphrase_is_needed(tmp_path: Path, clock: ManualClock) -> None:
    """A provisioned box that is set to unlock itself may have a plain key."""
    settings = Settings(
        box=BoxSettings(trial=False), paths=PathSettings(state=str(tmp_path)), keys=KeySettings(auto_unlock=True)
    )
    assert keys.init_keys(settings, passphrase=None, clock=clock).protected is False


def test_the_device_key_signs(settings: Settings, clock: ManualClock) -> None:
    """What it signs verifies under the public file with any Ed25519 implementation."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    device = keys.load_device_key(settings.keys_dir)
    Ed25519PublicKey.from_public_bytes(keys.load_device_public(settings.keys_dir)).verify(device.sign(b"x"), b"x")
    assert device.private_bytes().hex() not in repr(device)


@pytest.mark.parametrize("damage", [b"", b"x", b"[]", b'{"box":"../x"}', b'{"box":1e400}', b"\xff"])
def test_damaged_files_are_named(settings: Settings, clock: ManualClock, damage: bytes) -> None:
    """Each damaged key file is a plain error, never a crash."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    for name in FILES:
        (settings.keys_dir / name).write_bytes(damage)
    for load in (keys.load_box_id, keys.load_device_key, keys.load_device_public, keys.load_recipients):
        with pytest.raises(VaultError):
            load(settings.keys_dir)
    with pytest.raises(MissingKeyError):
        keys.load_review_key(settings.keys_dir, None)
    with pytest.raises(MissingKeyError):
        keys.seal_for_capture(settings.keys_dir, b"x", context="camera/a")


def test_a_sealed_password_opens_for_its_camera_only(settings: Settings, clock: ManualClock) -> None:
    """Bound to its context, different each time, unreadable when one bit differs."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    sealed = keys.seal_for_capture(settings.keys_dir, b"hunter2", context="camera/a")
    assert b"hunter2" not in sealed
    assert sealed != keys.seal_for_capture(settings.keys_dir, b"hunter2", context="camera/a")
    assert keys.open_for_capture(settings.keys_dir, sealed, context="camera/a") == b"hunter2"
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for wrong, context in ((sealed, "camera/b"), (altered, "camera/a"), (b"", "camera/a")):
        with pytest.raises(MissingKeyError):
            keys.open_for_capture(settings.keys_dir, wrong, context=context)
    with pytest.raises(BadInputError):
        keys.seal_for_capture(settings.keys_dir, b"x" * 3000, context="camera/a")


def test_sealing_needs_no_private_key(settings: Settings, clock: ManualClock) -> None:
    """The web and the command line can store a password they cannot read back."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    (settings.keys_dir / "capture.key").unlink()
    sealed = keys.seal_for_capture(settings.keys_dir, b"hunter2", context="camera/a")
    with pytest.raises(MissingKeyError):
        keys.open_for_capture(settings.keys_dir, sealed, context="camera/a")


def test_the_fingerprint_is_what_people_can_compare() -> None:
    """Eight groups of four hex digits of SHA-256."""
    assert keys.fingerprint(b"") == "e3b0 c442 98fc 1c14 9afb f4c8 996f b924"
