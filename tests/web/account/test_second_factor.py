"""Codes of authenticator apps: the window, and each step once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pyotp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from appliance.errors import ConflictError, NotFoundError
from appliance.web.account import accounts, recovery_codes, second_factor
from appliance.web.account.factor_key import FactorKey, FactorKeyError, factor_key

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.web.account.accounts import Account

# RFC 6238, appendix B: seconds and the last six of its eight digits, SHA-1.
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (20000000000, "353130"),
]
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    """The published vectors are accepted, with spaces too, and a digit more or less is not."""
    step = seconds // 30
    assert second_factor.matching_step(RFC_SECRET, code, now_s=seconds, last_step=-1) == step
    assert second_factor.matching_step(RFC_SECRET, f" {code[:3]} {code[3:]}", now_s=seconds, last_step=-1) == step
    assert second_factor.matching_step(RFC_SECRET, code + "0", now_s=seconds, last_step=-1) is None
    assert second_factor.matching_step(RFC_SECRET, code[1:], now_s=seconds, last_step=-1) is None


@given(st.text(max_size=60) | st.from_regex(r"[0-9]{6}", fullmatch=True), st.integers(0, 2**36), st.integers(-1, 2**33))
def test_any_text_is_refused_or_a_new_step_close_to_now(text: str, now_s: int, last_step: int) -> None:
    """Whatever is typed: no error, and what is accepted is within a step of now and later than the last one."""
    step = second_factor.matching_step(SECRET, text, now_s=now_s, last_step=last_step)
    assert step is None or (abs(step - now_s // 30) <= 1 and step > last_step)


@pytest.mark.parametrize("digits", ["١٢٣٤٥٦", "\uff11\uff12\uff13\uff14\uff15\uff16", "12345a", "", "-12345"])
def test_other_digits_are_no_code(digits: str) -> None:
    """Only ASCII digits count, so that one code has one form."""
    assert not second_factor.looks_like_code(digits)


class OneTimeOnly(RuleBasedStateMachine):
    """A model of what RFC 6238 asks for: within one step of now, and every step once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000
        self.last = -1

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        """The clock runs."""
        self.now += seconds

    @rule(offset=st.integers(-3, 3))
    def a_code_is_typed(self, offset: int) -> None:
        """A code of a phone that is off by some steps, perhaps seen before."""
        step = self.now // 30 + offset
        found = second_factor.matching_step(
            SECRET, pyotp.TOTP(SECRET).generate_otp(step), now_s=self.now, last_step=self.last
        )
        assert (found is not None) == (abs(offset) <= 1 and step > self.last)
        if found is not None:
            assert found == step
            self.last = found


TestOneTimeOnly = OneTimeOnly.TestCase
TestOneTimeOnly.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
def ada(db: Database, clock: ManualClock) -> Account:
    """An account."""
    return accounts.create_account(db, "Ada", "administrator", "Quiet-Room-42!", clock=clock, who="test")


@pytest.fixture
def key(settings: Settings) -> FactorKey:
    """The box's key."""
    return factor_key(settings)


def now_code(secret: str, clock: ManualClock) -> str:
    """Return what the app shows."""
    return str(pyotp.TOTP(secret).at(clock.wall_us() // 1_000_000))


def begun(db: Database, ada: Account, key: FactorKey, clock: ManualClock) -> str:
    """Begin and return the secret."""
    second_factor.begin(db, ada, key=key, clock=clock)
    waiting = second_factor.pending(db, ada, room="Room: 1", key=key, clock=clock)
    assert waiting is not None
    assert waiting.address.startswith("otpauth://totp/")
    return waiting.secret


def test_it_counts_from_the_first_right_code_on(db: Database, ada: Account, key: FactorKey, clock: ManualClock) -> None:
    """Before that, and after a wrong one, the account has none; the first code itself cannot be used again."""
    secret = begun(db, ada, key, clock)
    assert not second_factor.has_second_factor(db, ada.id)
    with pytest.raises(second_factor.WrongCodeError):
        second_factor.confirm(db, ada, "000000", key=key, clock=clock)
    code = now_code(secret, clock)
    second_factor.confirm(db, ada, code, key=key, clock=clock)
    assert second_factor.has_second_factor(db, ada.id)
    with pytest.raises(second_factor.WrongCodeError):
        second_factor.use_code(db, ada.id, code, key=key, clock=clock)
    clock.advance(30)
    second_factor.use_code(db, ada.id, now_code(secret, clock), key=key, clock=clock)
    with pytest.raises(ConflictError):
        second_factor.begin(db, ada, key=key, clock=clock)
    assert second_factor.pending(db, ada, room="Room", key=key, clock=clock) is None


def test_a_secret_nobody_confirms_is_forgotten(db: Database, ada: Account, key: FactorKey, clock: ManualClock) -> None:
    """After a quarter of an hour it is neither shown nor confirmed."""
    secret = begun(db, ada, key, clock)
    clock.advance(15 * 60)
    assert second_factor.pending(db, ada, room="Room", key=key, clock=clock) is None
    with pytest.raises(NotFoundError):
        second_factor.confirm(db, ada, now_code(secret, clock), key=key, clock=clock)


def test_the_database_alone_makes_no_codes(
    db: Database, ada: Account, key: FactorKey, clock: ManualClock, settings: Settings
) -> None:
    """The secret is nowhere in clear; another key or another account does not open it; the key file is the owner's."""
    secret = begun(db, ada, key, clock)
    sealed = db.conn.execute("SELECT secret FROM second_factor").fetchone()[0]
    assert secret.encode() not in sealed
    assert base64.b32decode(secret) not in sealed
    path = settings.state_dir / "web" / "second-factor.key"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FactorKeyError):
        key.open(ada.id + 1, sealed)
    path.write_bytes(bytes(32))
    with pytest.raises(FactorKeyError, match="key file has changed"):
        key.open(ada.id, sealed)
    path.unlink()
    with pytest.raises(FactorKeyError):
        key.open(ada.id, sealed)
    assert not path.exists()


def test_recovery_codes_work_once_each(db: Database, ada: Account, clock: ManualClock) -> None:
    """Ten are made, typed with or without hyphens and in any case; none works twice, or after new ones were made."""
    codes = recovery_codes.make_codes(db, ada, clock=clock)
    assert len(set(codes)) == recovery_codes.codes_left(db, ada.id) == 10
    recovery_codes.use_recovery_code(db, ada, codes[0].upper().replace("-", " "), clock=clock)
    assert recovery_codes.codes_left(db, ada.id) == 9
    for wrong in (codes[0], codes[1][:-1] + "?", "", "x" * 100):
        with pytest.raises(second_factor.WrongCodeError):
            recovery_codes.use_recovery_code(db, ada, wrong, clock=clock)
    recovery_codes.make_codes(db, ada, clock=clock)
    with pytest.raises(second_factor.WrongCodeError):
        recovery_codes.use_recovery_code(db, ada, codes[2], clock=clock)
    stored = str(db.conn.execute("SELECT code_hash FROM recovery_code").fetchall())
    assert "argon2id" in stored
    assert codes[2].replace("-", "") not in stored


def test_removing_takes_the_recovery_codes_too(db: Database, ada: Account, key: FactorKey, clock: ManualClock) -> None:
    """Nothing of the second factor stays, and a second removal finds nothing."""
    second_factor.confirm(db, ada, now_code(begun(db, ada, key, clock), clock), key=key, clock=clock)
    recovery_codes.make_codes(db, ada, clock=clock)
    assert second_factor.remove(db, ada, clock=clock, who="test")
    assert db.table("second_factor").count == db.table("recovery_code").count == 0
    assert not second_factor.remove(db, ada, clock=clock, who="test")
