"""Secrets: shown once, sealed, several good while one is being changed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import SECOND_US
from appliance.errors import BadInputError, NotFoundError, UnavailableError
from appliance.integrations import secrets, store
from appliance.integrations.exchange_key import FILE, KEY_BYTES, ExchangeKey, ExchangeKeyError
from appliance.integrations.tokens import remember_jti
from appliance.vault import keys as box_keys

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

HOUR_US = 3600 * SECOND_US


@pytest.fixture
def added(db: Database, clock: ManualClock, keys: ExchangeKey) -> tuple[str, str]:
    """The id and the secret of an integration."""
    made, secret = store.add_integration(db, name="moodle", clock=clock, who="Ada", keys=keys)
    return made.id, secret


def texts(db: Database, integration: str, clock: ManualClock, keys: ExchangeKey) -> list[str]:
    """Return the secrets that are good now."""
    return [one.text for one in secrets.good_secrets(db, integration, now_us=clock.wall_us(), keys=keys)]


def test_a_secret_is_long_enough_for_every_client_and_nowhere_in_clear(
    db: Database, settings: Settings, added: tuple[str, str]
) -> None:
    """43 characters of base64url; no file of the box holds them."""
    _, secret = added
    assert len(secret) == 43
    assert set(secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = [file for file in settings.state_dir.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    assert found == []


def test_a_good_secret_is_not_in_the_words_about_it(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """What a trace of an error would print of it does not hold it."""
    integration, secret = added
    assert secret not in repr(secrets.good_secrets(db, integration, now_us=clock.wall_us(), keys=keys))


def test_the_former_secret_is_good_until_its_overlap_ends(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """The new one is first at once, and alone afterwards."""
    integration, former = added
    new = secrets.rotate_secret(db, integration, overlap_us=HOUR_US, clock=clock, who="Ada", keys=keys)
    assert texts(db, integration, clock, keys) == [new, former]
    assert secrets.newest_secret(db, integration, keys=keys) == new
    clock.advance(3599)
    assert texts(db, integration, clock, keys) == [new, former]
    clock.advance(1)
    assert texts(db, integration, clock, keys) == [new]


def test_a_second_rotation_never_lengthens_the_first_ones_overlap(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """The first secret still ends when it was to end."""
    integration, first = added
    second = secrets.rotate_secret(db, integration, overlap_us=HOUR_US, clock=clock, who="Ada", keys=keys)
    third = secrets.rotate_secret(db, integration, overlap_us=9 * HOUR_US, clock=clock, who="Ada", keys=keys)
    assert texts(db, integration, clock, keys) == [third, second, first]
    clock.advance(3600)
    assert texts(db, integration, clock, keys) == [third, second]


def test_without_an_overlap_the_former_ends_at_once(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """And leaves no sealed copy."""
    integration, _ = added
    new = secrets.rotate_secret(db, integration, overlap_us=0, clock=clock, who="Ada", keys=keys)
    assert texts(db, integration, clock, keys) == [new]
    assert db.conn.execute("SELECT count(*) FROM integration_secret").fetchone() == (1,)


def test_an_overlap_can_be_ended_early(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """The newest stays; a second time there is nothing to end."""
    integration, _ = added
    new = secrets.rotate_secret(db, integration, overlap_us=HOUR_US, clock=clock, who="Ada", keys=keys)
    assert secrets.end_old_secrets(db, integration, clock=clock, who="Ada") == 1
    assert secrets.end_old_secrets(db, integration, clock=clock, who="Ada") == 0
    assert texts(db, integration, clock, keys) == [new]


@pytest.mark.parametrize("overlap_us", [-1, 91 * 24 * HOUR_US])
def test_an_overlap_that_makes_no_sense_is_refused(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str], overlap_us: int
) -> None:
    """The secret stays as it was."""
    integration, secret = added
    with pytest.raises(BadInputError):
        secrets.rotate_secret(db, integration, overlap_us=overlap_us, clock=clock, who="Ada", keys=keys)
    assert texts(db, integration, clock, keys) == [secret]


def test_nobody_rotates_what_is_not_there(db: Database, clock: ManualClock, keys: ExchangeKey) -> None:
    """An unknown integration is not found."""
    with pytest.raises(NotFoundError):
        secrets.rotate_secret(db, "int-0", overlap_us=0, clock=clock, who="Ada", keys=keys)


def test_use_is_noted_at_most_once_an_hour(
    db: Database, clock: ManualClock, keys: ExchangeKey, added: tuple[str, str]
) -> None:
    """A busy LMS costs no write a call."""
    integration, _ = added

    def used() -> int | None:
        (one,) = secrets.good_secrets(db, integration, now_us=clock.wall_us(), keys=keys)
        secrets.note_used(db, one, now_us=clock.wall_us())
        return secrets.secret_facts(db, integration, now_us=clock.wall_us())[0].used_us

    first = used()
    assert first == clock.wall_us()
    clock.advance(3599)
    assert used() == first
    clock.advance(1)
    assert used() == clock.wall_us()


@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=100))
def test_what_is_sealed_for_one_integration_opens_for_no_other(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    """A row that is moved to another integration does not give it the secret."""
    key = ExchangeKey(tmp_path_factory.getbasetemp() / "moved" / "exchange.key")
    sealed = key.seal("a", secret)
    assert key.open("a", sealed) == secret
    with pytest.raises(ExchangeKeyError):
        key.open("b", sealed)
    with pytest.raises(ExchangeKeyError):
        key.open("a", sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_another_key_file_opens_nothing_and_says_what_to_do(
    db: Database, clock: ManualClock, keys: ExchangeKey, settings: Settings, added: tuple[str, str]
) -> None:
    """The error is one of the box (503), not of the LMS, and rotating mends it."""
    integration, _ = added
    (settings.keys_dir / "exchange.key").write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(ExchangeKeyError, match="has changed") as refused:
        texts(db, integration, clock, keys)
    assert refused.value.status == 503
    assert "rotate" in refused.value.hint
    new = secrets.rotate_secret(db, integration, overlap_us=0, clock=clock, who="Ada", keys=keys)
    assert texts(db, integration, clock, keys) == [new]


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_a_missing_or_damaged_key_file_is_said(tmp_path: Path, content: bytes | None) -> None:
    """Reading never makes a new one: that would hide the loss."""
    file = tmp_path / "exchange.key"
    sealed = ExchangeKey(file).seal("a", "secret")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnavailableError, match=r"exchange\.key"):
        ExchangeKey(file).open("a", sealed)
    assert (file.read_bytes() if file.exists() else None) == content


def test_the_boxs_keys_and_the_first_integration_share_one_file(
    db: Database, clock: ManualClock, keys: ExchangeKey, settings: Settings, added: tuple[str, str]
) -> None:
    """`keys init` leaves the key that is there, closed to others, and the secret still opens."""
    box_keys.init_keys(settings, passphrase=None, clock=clock)
    assert texts(db, added[0], clock, keys) == [added[1]]
    file = settings.keys_dir / "exchange.key"
    assert stat.S_IMODE(file.stat().st_mode) in {0o600, 0o640}


def test_a_process_that_may_not_make_the_key_says_who_can(tmp_path: Path) -> None:
    """The dashboard of a provisioned box cannot write key files: root does."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UnavailableError) as refused:
        ExchangeKey(blocked / "keys" / "exchange.key").seal("a", "b")
    assert "exambox keys init" in refused.value.hint


def test_a_jti_is_new_once_for_each_integration_until_it_may_be_forgotten(db: Database) -> None:
    """Afterwards its row is gone; one without an end stays."""
    assert remember_jti(db, "a", "one", until_us=100, now_us=0)
    assert not remember_jti(db, "a", "one", until_us=100, now_us=99)
    assert remember_jti(db, "b", "one", until_us=None, now_us=99)
    assert remember_jti(db, "a", "one", until_us=200, now_us=100)
    assert not remember_jti(db, "b", "one", until_us=None, now_us=10**15)
    assert db.conn.execute("SELECT count(*) FROM seen_token").fetchone() == (1,)


def test_another_key_file_is_noticed_at_once(settings: Settings, keys: ExchangeKey) -> None:
    """What was sealed under the key before is refused when the file is another, and opens again when it is back."""
    path = settings.keys_dir / FILE
    sealed = keys.seal("int-1", "secret")
    assert keys.open("int-1", sealed) == "secret"
    before = path.read_bytes()
    path.write_bytes(bytes(KEY_BYTES))
    with pytest.raises(ExchangeKeyError):
        keys.open("int-1", sealed)
    path.write_bytes(before)
    assert keys.open("int-1", sealed) == "secret"
    path.unlink()
    with pytest.raises(UnavailableError):
        keys.open("int-1", sealed)
