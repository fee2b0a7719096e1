from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import BadInputError, LockedError, MissingKeyError
from appliance.vault import crypto, keys, recipients, review_key

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock
    from appliance.config import Settings

WORDS = "correct horse battery staple"
SUITE: crypto.Suite = "MLKEM768-X25519"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing in tests; one test looks at the real cost."""
    monkeypatch.setattr(review_key, "DEFAULT_COST", review_key.Cost(2**4, 8, 1))


@pytest.fixture
def keys_dir(settings: Settings, clock: ManualClock) -> Path:
    """A box with a review key under a passphrase."""
    keys.init_keys(settings, passphrase=WORDS, clock=clock)
    return settings.keys_dir


def rotate(keys_dir: Path, clock: ManualClock, passphrase: str | None = WORDS) -> recipients.Recipient:
    """Replace the review key."""
    return keys.rotate_review(keys_dir, suite=SUITE, passphrase=passphrase, label="room", clock=clock)


def test_rotation_keeps_what_was_readable(keys_dir: Path, clock: ManualClock) -> None:
    """A part key wrapped before opens as one wrapped after does; new parts are wrapped to the new key only."""
    old = keys.load_recipients(keys_dir).review
    wrapped = crypto.wrap(old.suite, old.public, b"info", b"k" * 32)
    new = rotate(keys_dir, clock)
    listed = keys.load_recipients(keys_dir)
    assert listed.recipients == (new,)
    assert listed.version == 2
    opened = keys.load_review_key(keys_dir, WORDS)
    assert opened.key_ids == (old.key_id, new.key_id)
    suite, private = opened.private_for(old.key_id)
    assert crypto.unwrap(suite, private, b"info", wrapped) == b"k" * 32


def test_a_rotation_that_was_cut_short_loses_nothing(
    keys_dir: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new private key is on the disk before anything is sealed to it: never the other way round."""
    before = keys.load_recipients(keys_dir)

    def cut(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(review_key, "_replace_review", cut)
        with pytest.raises(KeyboardInterrupt):
            rotate(keys_dir, clock)
    assert keys.load_recipients(keys_dir) == before
    assert before.review.key_id in keys.load_review_key(keys_dir, WORDS).key_ids
    assert rotate(keys_dir, clock).key_id in keys.load_review_key(keys_dir, WORDS).key_ids


def test_a_wrong_passphrase_rotates_nothing(keys_dir: Path, clock: ManualClock) -> None:
    """Wrong or missing: no file changes."""
    before = (keys_dir / "review.key").read_bytes()
    for wrong in ("wrong horse battery staple", "", None):
        with pytest.raises(LockedError):
            rotate(keys_dir, clock, wrong)
    assert (keys_dir / "review.key").read_bytes() == before


def test_rotation_to_another_suite_needs_all_to_go_along(keys_dir: Path, clock: ManualClock) -> None:
    """A part has one suite: a mixture is refused before anything is written."""
    public = crypto.public_of(SUITE, crypto.generate_private(SUITE))
    auditor = recipients.make_recipient(suite=SUITE, public=public, label="Auditor", role="auditor")
    keys.add_recipient(keys_dir, auditor, clock=clock)
    with pytest.raises(BadInputError, match="suite"):
        keys.rotate_review(keys_dir, suite="X25519", passphrase=WORDS, label="room", clock=clock)
    assert len(keys.load_review_key(keys_dir, WORDS).key_ids) == 1


def test_the_passphrase_can_be_set_changed_and_removed(keys_dir: Path, clock: ManualClock) -> None:
    """All generations move to the new protection together; the old passphrase opens nothing any more."""
    rotate(keys_dir, clock)
    ids = keys.load_review_key(keys_dir, WORDS).key_ids
    review_key.change_passphrase(keys_dir, old=WORDS, new="another good passphrase")
    with pytest.raises(LockedError):
        keys.load_review_key(keys_dir, WORDS)
    assert keys.load_review_key(keys_dir, "another good passphrase").key_ids == ids
    review_key.change_passphrase(keys_dir, old="another good passphrase", new=None)
    assert not review_key.review_facts(keys_dir).protected
    assert keys.load_review_key(keys_dir, None).key_ids == ids
    review_key.change_passphrase(keys_dir, old=None, new=WORDS)
    with pytest.raises(LockedError):
        keys.load_review_key(keys_dir, None)


def test_the_same_passphrase_from_another_keyboard_opens(keys_dir: Path) -> None:
    """Composed and decomposed letters are one passphrase."""
    review_key.change_passphrase(keys_dir, old=WORDS, new="schlüssel für prüfungen")
    assert keys.load_review_key(keys_dir, "schlu\u0308ssel fu\u0308r pru\u0308fungen").key_ids


def test_private_keys_are_not_in_the_file_in_clear(keys_dir: Path) -> None:
    """Under a passphrase the file holds no private key, nor the passphrase."""
    opened = keys.load_review_key(keys_dir, WORDS)
    raw = (keys_dir / "review.key").read_bytes()
    _, private = opened.private_for(opened.key_ids[0])
    assert private.hex().encode() not in raw
    assert WORDS.encode() not in raw


def test_a_guess_costs_what_is_promised(keys_dir: Path, clock: ManualClock) -> None:
    """The real parameters are scrypt with 128 MiB, and they stand in the file."""
    cost = review_key.Cost(2**17, 8, 1)
    review_key.change_passphrase(keys_dir, old=WORDS, new=WORDS, cost=cost)
    content = json.loads((keys_dir / "review.key").read_text())
    assert content["protection"]["cost"] == {"n": 131072, "r": 8, "p": 1}
    assert keys.load_review_key(keys_dir, WORDS).key_ids


def test_wiped_keys_are_gone(keys_dir: Path) -> None:
    """After wiping, no key is given out, and the bytes that were held are zeros."""
    opened = keys.load_review_key(keys_dir, WORDS)
    held = [private for _, private in opened._keys.values()]
    name = opened.key_ids[0]
    opened.wipe()
    assert all(not any(private) for private in held)
    with pytest.raises(MissingKeyError):
        opened.private_for(name)


def _set(content: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for step in parents:
        content = content[int(step) if step.isdigit() else step]  # type: ignore[call-overload]
    content[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "exambox-review-key-2"),
        ("generations", []),
        ("generations.0.key_id", "0" * 16),
        ("generations.0.private", "00"),
        ("generations.0.private", "zz"),
        ("generations.0.public", "00" * 1216),
        ("generations.0.suite", "X25519"),
        ("protection.cost.n", 2**40),
        ("protection.cost.n", 3),
        ("protection.cost.r", 10**9),
        ("protection.salt", ""),
        ("protection.more", 1),
    ],
)
def test_an_altered_file_opens_nothing(keys_dir: Path, path: str, value: Any) -> None:
    """Every altered field is an error a person understands; none costs more memory than is allowed."""
    content = json.loads((keys_dir / "review.key").read_text())
    _set(content, path, value)
    (keys_dir / "review.key").write_text(json.dumps(content))
    with pytest.raises((MissingKeyError, LockedError)):
        keys.load_review_key(keys_dir, WORDS)
